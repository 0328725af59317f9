"""The kinds of experiments, and what those that train share."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eqspike.golden.validation import fail, require_range

if TYPE_CHECKING:
    from eqspike.golden.config import Config


@dataclass(frozen=True, kw_only=True)
class Base:
    """What is run: a preset, and changes to it."""

    config: str = "digits"
    set: tuple[str, ...] = ()
    """key=value changes to the preset."""
    dataset: str | None = None
    """In place of the presets' data sets."""

    def validate(self, key: str) -> None:
        check_changes(f"{key}.set", self.set)

    def resolve(self, numbers: str | None, seed: int, more: Sequence[str] = ()) -> Config:
        """The config in that number format, or in its own."""
        from eqspike.golden.configfile import resolve_preset

        path = resolve_preset(self.config)
        stamp = path.stat().st_mtime_ns if path.exists() else 0
        changes = (*self.set, *more) if numbers is None else (*self.set, *more, f"number.format={numbers}")
        if self.dataset is not None:
            changes = (*changes, f"dataset.name={self.dataset}")
        config = _read(str(path.resolve()), stamp, self.config, changes)
        return config.replace(training=dataclasses.replace(config.training, seed=seed))


@functools.lru_cache(maxsize=4096)
def _read(path: str, stamp: int, name: str, changes: tuple[str, ...]) -> Config:
    """The config of a file as it was written at `stamp`: reading YAML takes its time, and every seed asks for it."""
    from eqspike.lab.configs import read_config

    return read_config(name, changes, source="set")


@dataclass(frozen=True, kw_only=True)
class Trained(Base):
    """What is trained, and how much of it."""

    epochs: int | None = None
    """None: the preset's."""
    train_limit: int | None = None
    test_limit: int | None = None
    """At most so many images; None: the preset's."""

    def validate(self, key: str) -> None:
        super().validate(key)
        for name in ("epochs", "train_limit", "test_limit"):
            if (value := getattr(self, name)) is not None:
                require_range(f"{key}.{name}", value, 1, 2**31)

    def limits(self) -> list[str]:
        """The limits as changes to the config."""
        named = {"training.epochs": self.epochs, "dataset.train_limit": self.train_limit,
                 "dataset.test_limit": self.test_limit}  # fmt: skip
        return [f"{key}={value}" for key, value in named.items() if value is not None]

    def resolve(self, numbers: str | None, seed: int, more: Sequence[str] = ()) -> Config:
        """The config in that number format, or in its own, at this size."""
        return super().resolve(numbers, seed, (*more, *self.limits()))


def check_changes(key: str, changes: Sequence[str]) -> None:
    """Raise `ConfigError` for a change that is not key=value."""
    for change in changes:
        if "=" not in change:
            fail(key, change, "a list of key=value")
