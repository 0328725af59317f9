"""Checks of values that a user chose; each failure is one line that names the key, the value and what is allowed."""

from __future__ import annotations

import math
import re
import typing

from eqspike.base.errors import UsageProblem
from eqspike.base.printable import shown
from eqspike.base.suggest import did_you_mean


class ConfigError(UsageProblem, ValueError):
    """A config that cannot be built. The message is one line: file, key, value, what is allowed."""


def fail(key: str, value: object, allowed: str) -> typing.NoReturn:
    """Raise `ConfigError` for `key` (dotted path) with the offending `value` and what is `allowed`."""
    raise ConfigError(f"{key}: {shown(value)} is not valid; {allowed}")


DECIMAL = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
LONGEST_NAME = 100
"""Bytes: results get folders and files of this name, with a seed or a board behind it."""


def decimal(text: str) -> float:
    """The number that a text says in decimal digits. Raises ValueError, also where a double cannot hold it: Python's
    own `float` takes 1_0, nan and digits of every script, and makes 0 of 1e-999."""
    if not DECIMAL.fullmatch(text):
        raise ValueError("is not a number")
    number = float(text)
    if math.isinf(number) or (number == 0 and re.search("[1-9]", re.split("[eE]", text)[0])):
        raise ValueError(f"is too {'large' if number else 'small'}")
    return number


def require_name(key: str, value: str) -> None:
    """Raise `ConfigError` unless value can be the name of a file or folder: one part of a path, that can be printed."""
    if (
        value != value.strip()
        or not value.isprintable()
        or not 1 <= len(value.encode(errors="replace")) <= LONGEST_NAME
    ):
        fail(key, value, f"a name of 1 to {LONGEST_NAME} printable characters")
    if value.startswith(".") or "/" in value or "\\" in value:
        fail(key, value, "a name, not a path: without / and \\, and with no dot in front")


def log2_exact(value: float) -> int | None:
    """The integer k with value == 2**k, or None."""
    if not value > 0 or not math.isfinite(value):
        return None
    mantissa, exponent = math.frexp(value)
    return exponent - 1 if mantissa == 0.5 else None


def require_range(key: str, value: float, low: float, high: float) -> None:
    """Raise `ConfigError` unless low <= value <= high (which also refuses NaN)."""
    if not low <= value <= high:
        fail(key, value, f"allowed: {low:g} to {high:g}")


def require_choice(key: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise `ConfigError` unless value is one of choices."""
    if value not in choices:
        fail(key, value, "allowed: " + ", ".join(choices) + did_you_mean(value, choices))


def require_power_of_two(key: str, value: float, zero: bool = False) -> None:
    """Raise `ConfigError` unless value is a power of two (fixed point shifts instead of multiplying)."""
    if (zero and value == 0) or log2_exact(value) is not None:
        return
    near = f"2^{round(math.log2(value))}" if value > 0 and math.isfinite(value) else "2^-7"
    extra = " or 0" if zero else ""
    fail(key, value, f"fixed point needs a power of two{extra}, e.g. {near} (or number.format: real)")
