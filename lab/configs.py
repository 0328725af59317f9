"""A config as a user names it: a preset or a path, with the command line's changes.

`golden` is imported in the function that needs it: commands import this module before they know whether they only have
to print their help.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eqspike.base.errors import UsageProblem

if TYPE_CHECKING:
    from eqspike.golden.config import Config


VALIDATION = 0.2
"""Part of the training images that is held out where a config does not say how many."""


def read_config(
    name: str,
    overrides: Sequence[str] = (),
    seed: int | None = None,
    epochs: int | None = None,
    dataset: str | None = None,
    source: str = "--set",
) -> Config:
    """The config of that preset name or path, with the command line's changes. `source` is where `overrides` stand, for
    messages. Raises `ConfigError`."""
    from eqspike.golden.configfile import load_config, resolve_preset

    config = load_config(resolve_preset(name), overrides, source)
    training = config.training
    if seed is not None:
        training = dataclasses.replace(training, seed=seed)
    if epochs is not None:
        training = dataclasses.replace(training, epochs=epochs)
    sections: dict[str, object] = {"training": training}
    if dataset is not None:
        sections["dataset"] = dataclasses.replace(config.dataset, name=dataset)
    return config.replace(**sections)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What the command line asks of a config; None where it says nothing."""

    overrides: Sequence[str] = ()
    seed: int | None = None
    epochs: int | None = None
    dataset: str | None = None
    validation: bool = False
    """Hold a part of the training images out and score on it, in place of the test part."""

    def read(self, name: str) -> Config:
        """The config of that name with these changes."""
        config = read_config(name, self.overrides, self.seed, self.epochs, self.dataset)
        return validated(config) if self.validation else config


def validated(config: Config) -> Config:
    """The config with a validation part: its own, or `VALIDATION` of the training part."""
    if config.dataset.validation_fraction > 0:
        return config
    return config.replace(dataset=dataclasses.replace(config.dataset, validation_fraction=VALIDATION))


def preset(name: str) -> Config | None:
    """The preset of that name as it is shipped; None where there is none."""
    from eqspike.base.places import package_folder
    from eqspike.golden.configfile import load_config

    path = package_folder("configs") / f"{name}.yaml"
    return load_config(path) if Path(name).name == name and path.is_file() else None


def run_name(config: Config, named: str) -> str:
    """What the folders of a config's runs are called: its name, and its data set where that is not its preset's.

    `named` is the preset or path that the config was read from; its data set is its own where no preset has its name.
    Raises `UsageProblem` for a preset's copy that was changed, but for its name: its runs would pass for the preset's.
    """
    shipped, written = preset(config.name), read_config(named)
    if shipped is not None and written.name == config.name and written != shipped:
        raise UsageProblem(
            f"{named}: name: {config.name} is that of a preset, and this is another network: give it a name of its own "
            f"(--set name={Path(named).stem}, or in the file), or say where its runs go (--out)"
        )
    own = shipped or written
    if config.dataset.name == own.dataset.name:
        return config.name
    kind, _, folder = config.dataset.name.partition(":")
    # of a folder of IDX files its own name, without what a shell or a terminal would take for more
    tail = re.sub(r"[^A-Za-z0-9._+-]+", "-", Path(folder).resolve().name).strip("-.") if folder else ""
    return f"{config.name}-{kind}" + (f"-{tail[:60]}" if tail else "")


def with_seed(config: Config, seed: int) -> Config:
    """The config with another seed of training."""
    return config.replace(training=dataclasses.replace(config.training, seed=seed))


def for_simulator(config: Config) -> Config:
    """The config as a simulator needs it, which runs in a folder of its own: the path of measured devices in full."""
    if not config.device.file:
        return config
    path = str(Path(config.device.file).resolve())
    return config.replace(device=dataclasses.replace(config.device, file=path))


def in_fixed_point(config: Config) -> Config:
    """The config, if hardware can be it. Raises `ConfigError` for real numbers."""
    from eqspike.golden.validation import fail

    if config.number.format != "fixed":
        fail("number.format", config.number.format, "hardware needs fixed")
    return config
