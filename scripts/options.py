"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Callable

import click

from eqspike.base.errors import UsageProblem

config_argument = click.argument("config", metavar="CONFIG")
"""A preset's name or a path."""

set_option = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE",
    help="Change one key of the config, e.g. number.format=real or synapses.0.bits=8; may be repeated.",
)  # fmt: skip

dataset_option = click.option(
    "--dataset", metavar="NAME",
    help="In place of the config's data set: iris, wine, breast-cancer, digits, mnist5k, drawings, fashion-mnist, "
    "random, csv:FILE, npz:FILE, images:DIR or idx:DIR.",
)  # fmt: skip

part_option = click.option(
    "--part", type=click.Choice(["test", "train", "all"]), default="test", show_default=True,
    help="Which images; all: every one of the data set, e.g. of another file.",
)  # fmt: skip

watch_option = click.option(
    "--watch", is_flag=True, help="Serve a page on this computer that shows the training, and only watches."
)

validation_option = click.option(
    "--validation", is_flag=True,
    help="Hold a fifth of the training part out (or the config's dataset.validation_fraction) and score on it, not on "
    "the test part.",
)  # fmt: skip
"""Of commands that score."""

board_option = click.option(
    "--board",
    default="icebreaker",
    show_default=True,
    help="icebreaker, icesugar, ulx3s-12f, ulx3s-25f, ulx3s-45f, ulx3s-85f, orangecrab, icesugar-pro, colorlight-i5 or "
    "tang-nano-9k.",
)
seed_option = click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="In place of the config's seed.")

workers_option = click.option(
    "--workers", type=click.IntRange(1), help="Runs done at the same time by this machine [default: 1]."
)
dask_option = click.option("--dask", metavar="ADDRESS", help="Run on the Dask cluster whose scheduler is there.")


def one_of_both(workers: int | None, dask: str | None) -> None:
    """Raise `UsageProblem` where both --workers and --dask are given."""
    if workers is not None and dask is not None:
        raise UsageProblem("--workers and --dask: one of them; a cluster has as many workers as were started")


def config_options(function: Callable) -> Callable:
    """The options that change a config."""
    return set_option(dataset_option(seed_option(function)))
