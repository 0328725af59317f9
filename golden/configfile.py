"""Configs as plain data and as YAML files: reading, `--set` overrides, saving, presets by name."""

from __future__ import annotations

import dataclasses
import math
import sys
import types
import typing
from pathlib import Path

import yaml

from eqspike.base.errors import UsageProblem
from eqspike.base.files import write_text
from eqspike.base.places import package_folder
from eqspike.base.printable import cut, printable, shown
from eqspike.base.strict_yaml import YamlError, parse_yaml, read_yaml
from eqspike.base.suggest import did_you_mean
from eqspike.golden.config import Config
from eqspike.golden.validation import ConfigError, decimal, fail

LARGEST = sys.float_info.max
MOST_LAYERS = 100
"""Layers that are given synapses without being asked for."""


def read_number(key: str, value: object) -> float:
    """A number; the text "2^-15" is one too."""
    if isinstance(value, str):
        base, caret, exponent = value.strip().partition("^")
        try:
            number = decimal(base) ** decimal(exponent) if caret else decimal(base)
        except (ValueError, ArithmeticError):
            fail(key, value, "a number such as 0.5 or 2^-15")
        if isinstance(number, complex) or (caret and number == 0 != decimal(base)):
            fail(key, value, "a number such as 0.5 or 2^-15")
        return number
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        fail(key, value, "a number such as 0.5 or 2^-15; NaN and infinity are not allowed")
    return float(value)


def _parse(key: str, value: object, kind: object) -> object:
    """`value` from YAML as `kind` (a type of a dataclass field), or `ConfigError`."""
    origin = typing.get_origin(kind)
    if origin is types.UnionType or origin is typing.Union:
        if value is None:
            return None
        kind = next(k for k in typing.get_args(kind) if k is not type(None))
        origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind):
        return _parse_section(key, value, kind)
    if origin is tuple:
        item = typing.get_args(kind)[0]
        if dataclasses.is_dataclass(item) and isinstance(value, dict):
            value = [value]
        if not isinstance(value, list | tuple):
            fail(key, value, "a list")
        return tuple(_parse(f"{key}[{i}]", v, item) for i, v in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            fail(key, value, "a mapping")
        item = typing.get_args(kind)[1]
        return {str(k): _parse(f"{key}.{_word(k)}", v, item) for k, v in value.items()}
    if kind is bool:
        if not isinstance(value, bool):
            fail(key, value, "true or false")
        return value
    if kind is int:
        number = read_number(key, value)
        if not math.isfinite(number) or number != int(number):
            fail(key, value, "a whole number")
        return int(number)
    if kind is float:
        return read_number(key, value)
    if not isinstance(value, str | int | float if kind is object else str):
        fail(key, value, "a number or a word" if kind is object else "a word")
    return value


def _word(name: object) -> str:
    """A key as a message names it."""
    return cut(printable(name), 60) if isinstance(name, str) else shown(name)


def _parse_section(key: str, value: object, kind: type) -> object:
    if not isinstance(value, dict):
        fail(key or "the file", value, "a mapping of keys to values")
    hints = typing.get_type_hints(kind)
    known = {f.name: hints[f.name] for f in dataclasses.fields(kind)}
    prefix = f"{key}." if key else ""
    for name in value:
        if name not in known:
            raise ConfigError(
                f"{prefix}{_word(name)}: unknown key; known here: {', '.join(known)}{did_you_mean(name, known)}"
            )
    return kind(**{name: _parse(f"{prefix}{name}", v, known[name]) for name, v in value.items()})


def section_from_dict(key: str, data: object, kind: type) -> typing.Any:
    """A dataclass `kind` from plain data that stands at `key`. Raises `ConfigError`, which names the key."""
    return _parse_section(key, data, kind)


def config_from_dict(data: dict) -> Config:
    """A `Config` from plain data, as YAML gives it. Raises `ConfigError`."""
    return _parse_section("", data, Config)


def config_to_dict(config: Config) -> dict:
    """Plain data for YAML or JSON; `config_from_dict` reads it back to an equal `Config`."""

    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [plain(v) for v in value]
        return value

    return plain(dataclasses.asdict(config))


def apply_override(data: dict, assignment: str, source: str = "--set") -> None:
    """Apply one `key=value` (dotted key, list items by number, value in YAML) to plain config data, in place.

    Raises `ConfigError`, which names `source`: where the assignment stands.
    """
    said = f"{source} {cut(assignment, 120)}"
    path, equals, text = assignment.partition("=")
    if not equals or not path:
        raise ConfigError(f"{said}: write key=value, e.g. number.format=real")
    try:
        value = parse_yaml(text)
    except YamlError as error:
        what = str(error).removeprefix("line 1").lstrip(": ")
        raise ConfigError(f"{said}: the value: {what}") from None
    keys = _keys(path)
    node = data
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        if isinstance(node, list):
            if not (key.isascii() and key.isdigit() and len(key) < 10 and int(key) < len(node)):
                raise ConfigError(f"{said}: {'.'.join(keys[:depth])} has items 0 to {len(node) - 1}")
            key = int(key)
        elif not isinstance(node, dict):
            raise ConfigError(f"{said}: {'.'.join(keys[:depth])} has no keys below it")
        if last:
            node[key] = value
        else:
            if isinstance(node, dict):
                node.setdefault(key, {})
            node = node[key]


def _keys(path: str) -> list[str]:
    """The parts of a dotted key: synapses[0].bits is synapses.0.bits."""
    return path.replace("[", ".").replace("]", "").split(".")


def load_config(path: str | Path, overrides: typing.Iterable[str] = (), source: str = "--set") -> Config:
    """Read a YAML preset and apply `--set`-style overrides.

    Overrides see the resolved config (defaults filled in), so any known key can be set; a list such as
    `synapses` is addressed by number: `synapses.0.bits=8`. Raises `ConfigError` that names the file; where the file is
    valid and the overrides are not, it names `source` and the override in place of it.
    """
    path = Path(path)
    try:
        data = read_yaml(path)
    except UsageProblem as error:
        raise ConfigError(str(error)) from None
    try:
        config = config_from_dict(data)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return _overridden(config, list(overrides), source)


def config_from_text(text: str) -> Config:
    """A `Config` from YAML. Raises `ConfigError`."""
    try:
        data = parse_yaml(text)
    except YamlError as error:
        raise ConfigError(str(error)) from None
    return config_from_dict(data)


def config_text(config: Config) -> str:
    """The resolved config as YAML; `config_from_text` reads it back to an equal `Config`."""
    return yaml.safe_dump(config_to_dict(config), sort_keys=False)


def _overridden(config: Config, overrides: list[str], source: str) -> Config:
    """The config with all overrides, which need be valid only together."""
    if not overrides:
        return config
    data = config_to_dict(config)
    for assignment in overrides:
        apply_override(data, assignment, source)
    if not any(_keys(text.partition("=")[0])[0] == "synapses" for text in overrides):
        _spread_synapses(data)
    try:
        return config_from_dict(data)
    except ConfigError as error:
        wrong = _keys(str(error).partition(": ")[0])
        # The override whose key is the wrong one, or part of it; where none is, what they make together is wrong.
        own = [text for text in overrides if _same_place(_keys(text.partition("=")[0]), wrong)]
        said = " ".join(f"{source} {cut(text, 60)}" for text in (own or overrides)[:5])
        raise ConfigError(f"{said}: {error}") from None


def _spread_synapses(data: dict) -> None:
    """Give another number of layers as many entries of synapses: the first is that of the inputs, the last that of the
    outputs, the second, which may be the last, serves those between."""
    network, synapses = data.get("network"), data["synapses"]
    layers = network.get("layers") if isinstance(network, dict) else None
    if isinstance(layers, list) and 3 <= len(layers) <= MOST_LAYERS and len(layers) - 1 != len(synapses):
        data["synapses"] = [synapses[0], *synapses[:2][-1:] * (len(layers) - 3), synapses[-1]]


def _same_place(one: list[str], other: list[str]) -> bool:
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]


def save_config(config: Config, path: str | Path) -> None:
    """Write the resolved config as YAML."""
    write_text(path, config_text(config))


def resolve_preset(name: str) -> Path:
    """A path as given, or the preset `configs/NAME.yaml` when only the preset's name is given.

    Raises `ConfigError` when there is neither.
    """
    path = Path(name)
    if path.exists():
        return path
    presets = {preset.stem: preset for preset in package_folder("configs").glob("*.yaml")}
    alone = path.parent == Path()
    if alone and path.stem in presets and path.suffix in ("", ".yaml", ".yml"):
        return presets[path.stem]
    if alone and not path.suffix:
        meant = did_you_mean(name, presets)
        raise ConfigError(f"{shown(name)} is no file, nor a preset{meant or '; eqspike presets lists them'}")
    meant = f"; the preset {path.stem} is named without a folder" if path.stem in presets else ""
    raise ConfigError(f"{cut(printable(name))}: cannot be read: no such file{meant}")
