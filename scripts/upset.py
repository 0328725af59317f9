"""`eqspike upset`: bits of a trained chip flip; what that costs, by bit and place, and what learning on brings back."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from eqspike.base.errors import CommandError, Interrupted, UsageProblem
from eqspike.golden.config import Config
from eqspike.lab.configs import read_config
from eqspike.lab.runner import Batch
from eqspike.lab.runs import WEIGHTS, Store, train_job
from eqspike.lab.text import columns
from eqspike.lab.upsets import FLIPS, HEAD, Strikes, as_csv, struck_config, summarise, table_rows, upset_job
from eqspike.scripts.batches import run_batch
from eqspike.scripts.options import config_options, workers_option

PLACES = (
    "weights", "membrane", "rho-bar", "filter", "refractory", "delay line", "spikes", "spike list", "pixels",
    "input membrane", "output counts", "key", "counters",
)  # fmt: skip
"""`golden.upset.PLACES`, which a command's help must not wait for."""


def result_of(
    batch: Batch, configs: Sequence[Config], strikes: Sequence[Strikes], check: dict[str, Any] | None
) -> dict[str, Any]:
    """What upset.json holds: all rows, their means over the seeds for each cell and number of flips, and the check."""
    from eqspike.base.versions import software_versions

    rows = [row for key in batch.jobs if key in batch.stored for row in batch.stored[key]["rows"]]
    first = configs[0]
    return {
        "kind": "upset",
        "config": first.name,
        "epochs": first.training.epochs,
        "test_part": first.dataset.scored_part,
        "strikes": {name: value for name, value in dataclasses.asdict(strikes[0]).items() if name != "place"},
        "seeds": [config.training.seed for config in configs],
        "command": shlex.join(["eqspike", *sys.argv[1:]]),
        "finished": not batch.missing(),
        "errors": [{"run": batch.jobs[key].label, "reason": reason} for key, reason in batch.problems.items()],
        "seconds_of_runs": sum(record["job_seconds"] for record in batch.stored.values()),
        "golden": sorted({record["golden"] for record in batch.stored.values()}),
        "versions": software_versions(),
        "check": check,
        "summary": summarise(rows),
        "rows": rows,
    }


def train_chips(store: Store, configs: Sequence[Config], workers: int | None) -> None:
    """Train the chips that are not stored. Raises `CommandError` where one cannot be trained."""
    jobs = [train_job(config, WEIGHTS) for config in configs]
    batch = Batch(store, {job.key: job for job in jobs})
    batch.look()
    if batch.missing():
        run_batch(batch, workers, None, dict, lambda record: f"{100 * record['last_test_accuracy']:.2f} %", "chip")
    if batch.problems:
        key, reason = next(iter(batch.problems.items()))
        raise CommandError(f"{batch.jobs[key].label}: {reason}")


def strike_chips(
    configs: Sequence[Config],
    strikes: Sequence[Strikes],
    folder: Path,
    workers: int | None = None,
    check: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Train the chips and flip the bits that are not stored in `folder`, and return what upset.json holds.

    Writes upset.json and upset.csv after each chip and place, the map upset.png at the end.
    """
    from eqspike.base.files import write_json, write_text
    from eqspike.lab.figures.upset import upset_map
    from eqspike.lab.plots import save_png

    jobs = [upset_job(config, own) for own in strikes for config in configs]
    batch = Batch(Store(folder), {job.key: job for job in jobs})

    def write() -> dict[str, Any]:
        result = result_of(batch, configs, strikes, check)
        write_json(folder / "upset.json", result)
        write_text(folder / "upset.csv", as_csv(result["rows"]))
        return result

    with batch.store.locked():
        batch.look()
        if batch.missing():
            train_chips(batch.store, configs, workers)
        result = run_batch(batch, workers, None, write, lambda record: f"{len(record['rows'])} cells", "run")
    if result["summary"]:
        save_png(upset_map(result), folder / "upset.png")
    return result


def check_rtl(config: Config, count: int, seed: int) -> dict[str, Any]:
    """Do `count` flips in golden and in the RTL. Raises `CommandError` where they differ."""
    from eqspike.sim.upset import check

    checked = check(config, count, seed)
    if checked.mismatches:
        raise CommandError(f"{checked.mismatches} of {count} flips end otherwise in the RTL, the first {checked.first}")
    click.echo(
        f"{checked.flips} flips in the RTL on Icarus and in the golden model: {checked.fallen} fell, {checked.felt} "
        "were felt, 0 mismatches"
    )
    return dataclasses.asdict(checked)


@click.command(
    "upset",
    epilog="""\b
Examples:
  eqspike upset digits                                   all places, 3 seeds
  eqspike upset digits --place weights --flips 100 --seeds 1
  eqspike upset configs/odd/7-5-3.yaml --check 100 --seeds 1
\b
The same command goes on where it was stopped.
""",
)
@click.argument("config", metavar="CONFIG")
@click.option("--place", type=click.Choice(PLACES), multiple=True, help="Kind of memory; may be repeated [default: all "
              "that CONFIG has].")  # fmt: skip
@click.option("--flips", type=click.IntRange(1), multiple=True, help="Bits that flip at a time; may be repeated "
              f"[default: {', '.join(map(str, FLIPS))}].")  # fmt: skip
@click.option("--images", type=click.IntRange(1), default=50, show_default=True, help="Images that state flips in.")
@click.option("--learn", type=click.IntRange(0), default=1000, show_default=True, help="Images learned on, at most.")
@click.option("--tolerance", type=float, default=0.01, show_default=True, help="Part of the test images that the "
              "accuracy may be under that before to count as back.")  # fmt: skip
@click.option("--trained", type=click.IntRange(1), help="Epochs learned before, in place of the config's.")
@click.option("--check", type=click.IntRange(0), default=0, show_default=True, help="Flips that are done in the RTL, "
              "too, on Icarus: it must come to the same weights and results.")  # fmt: skip
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="Chips: seeds, from --seed on.")
@workers_option
@config_options
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the results [default: runs/upset-<config>].")
def command(
    config: str,
    place: tuple[str, ...],
    flips: tuple[int, ...],
    images: int,
    learn: int,
    tolerance: float,
    trained: int | None,
    check: int,
    seeds: int,
    workers: int | None,
    seed: int | None,
    dataset: str | None,
    overrides: tuple[str, ...],
    out: Path | None,
) -> None:
    """What does a flipped bit cost? Train CONFIG, flip bits of its weights or its state, and learn on.

    Test accuracy lost by kind of memory, layer and bit, the share of struck images that are misread, and how many
    images of further learning bring it back. Writes upset.json, upset.csv and the map upset.png to the folder, and
    runs/, one file a chip and place.
    """
    from eqspike.golden.upset import cells

    base = struck_config(read_config(config, overrides, seed, trained, dataset))
    there = list(dict.fromkeys(cell.place for cell in cells(base)))
    if missing := [name for name in place if name not in there]:
        raise UsageProblem(f"--place {missing[0]}: {base.name} has no such bits; it has {', '.join(there)}")
    usual = Strikes(flips=tuple(dict.fromkeys(flips)) or FLIPS, images=images, learn=learn, tolerance=tolerance)
    strikes = [dataclasses.replace(usual, place=name) for name in dict.fromkeys(place or there)]
    for own in strikes:
        own.validate()
    first = base.training.seed
    configs = [
        struck_config(read_config(config, overrides, value, trained, dataset)) for value in range(first, first + seeds)
    ]
    folder = out or Path("runs") / f"upset-{base.name}"
    click.echo(f"{base.name}: {len(configs)} chips, {len(strikes)} kinds of memory, in {folder}")
    try:
        checked = check_rtl(base, check, first) if check else None
        result = strike_chips(configs, strikes, folder, workers, checked)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; the same command goes on in {folder}") from None
    for line in columns([HEAD, *table_rows(result)], left=(0,)):
        click.echo(line)
    click.echo(f"wrote {folder}/upset.json, upset.csv, upset.png")
    if result["errors"]:
        worst = result["errors"][0]
        raise CommandError(f"{len(result['errors'])} runs failed, the first {worst['run']}: {worst['reason']}")
