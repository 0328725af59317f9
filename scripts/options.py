"""Arguments and options that several commands share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from golden.config import Config

config_argument = click.argument("config", metavar="CONFIG")
"""A preset's name or a path."""

set_option = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE",
    help="Change one key of the config, e.g. number.format=real or synapses.0.bits=8; may be repeated.",
)  # fmt: skip

dataset_option = click.option(
    "--dataset", metavar="NAME",
    help="In place of the config's data set: digits, mnist5k, fashion-mnist, random, or idx:DIR.",
)  # fmt: skip

board_option = click.option(
    "--board",
    default="icebreaker",
    show_default=True,
    help="icebreaker, ulx3s-12f, ulx3s-25f, ulx3s-45f, ulx3s-85f or orangecrab.",
)
seed_option = click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="In place of the config's seed.")


def config_options(function: Callable) -> Callable:
    """The options that change a config."""
    return set_option(dataset_option(seed_option(function)))


def read_config(
    name: str,
    overrides: Sequence[str] = (),
    seed: int | None = None,
    epochs: int | None = None,
    dataset: str | None = None,
) -> Config:
    """The config of that preset name or path, with the command line's changes. Raises `ConfigError`."""
    from golden.config import load_config, resolve_preset

    config = load_config(resolve_preset(name), overrides)
    training = config.training
    if seed is not None:
        training = dataclasses.replace(training, seed=seed)
    if epochs is not None:
        training = dataclasses.replace(training, epochs=epochs)
    sections: dict[str, object] = {"training": training}
    if dataset is not None:
        sections["dataset"] = dataclasses.replace(config.dataset, name=dataset)
    return config.replace(**sections)


def for_simulator(config: Config) -> Config:
    """The config as a simulator needs it, which runs in a folder of its own: the path of measured devices in full."""
    if not config.device.file:
        return config
    path = str(Path(config.device.file).resolve())
    return config.replace(device=dataclasses.replace(config.device, file=path))
