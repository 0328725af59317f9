"""`eqspike heal`: part of a trained chip's devices get stuck; what that costs, and what learning on wins back."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from eqspike.base.errors import CommandError, Interrupted
from eqspike.golden.config import Config
from eqspike.lab.configs import read_config
from eqspike.lab.healing import HEAD, NUMBERS, RATES, STUCK, Fault, as_csv, heal_job, summarise, table_rows
from eqspike.lab.runner import Batch
from eqspike.lab.runs import Store
from eqspike.lab.text import columns
from eqspike.scripts.batches import run_batch
from eqspike.scripts.options import config_options, dask_option, one_of_both, workers_option


def result_of(batch: Batch, configs: Sequence[Config], fault: Fault) -> dict[str, Any]:
    """What heal.json holds: all rows, and means over seeds for each number format, part stuck and learning rate."""
    from eqspike.base.versions import software_versions

    rows = [row for key in batch.jobs if key in batch.stored for row in batch.stored[key]["rows"]]
    first = configs[0]
    labels = {job.key: config for job, config in zip(batch.jobs.values(), configs, strict=True)}
    return {
        "kind": "heal",
        "config": first.name,
        "epochs": first.training.epochs,
        "test_part": first.dataset.scored_part,
        "fault": dataclasses.asdict(fault),
        "command": shlex.join(["eqspike", *sys.argv[1:]]),
        "finished": not batch.missing(),
        "errors": [
            {"number_format": labels[key].number.format, "seed": labels[key].training.seed, "reason": reason}
            for key, reason in batch.problems.items()
        ],
        "seconds_of_runs": sum(record["job_seconds"] for record in batch.stored.values()),
        "golden": sorted({record["golden"] for record in batch.stored.values()}),
        "versions": software_versions(),
        "summary": summarise(configs, fault, rows),
        "rows": rows,
    }


def heal_chips(
    configs: Sequence[Config], fault: Fault, folder: Path, workers: int | None = None, dask: str | None = None
) -> dict[str, Any]:
    """Do the chips that are not stored in `folder`, and return what heal.json holds.

    Writes heal.json and heal.csv after each chip.
    """
    from eqspike.base.files import write_json, write_text

    jobs = [heal_job(config, fault) for config in configs]
    batch = Batch(Store(folder), {job.key: job for job in jobs})

    def write() -> dict[str, Any]:
        result = result_of(batch, configs, fault)
        write_json(folder / "heal.json", result)
        write_text(folder / "heal.csv", as_csv(result["rows"], fault.epochs))
        return result

    with batch.store.locked():
        batch.look()
        return run_batch(batch, workers, dask, write, lambda _: "done", "chip")


@click.command(
    "heal",
    epilog="""\b
Examples:
  eqspike heal digits                                    parts of 0 to 0.2, fixed point and real numbers, 3 seeds
  eqspike heal digits --stuck 0.05 --seeds 1 --number fixed
  eqspike heal digits-memristor --stuck 0.1 --on-share 1 --epochs 20
\b
The same command goes on where it was stopped.
""",
)
@click.argument("config", metavar="CONFIG")
@click.option("--stuck", type=float, multiple=True, help="Part of the devices that gets stuck; may be repeated "
              f"[default: {', '.join(f'{part:g}' for part in STUCK)}].")  # fmt: skip
@click.option("--on-share", type=float, default=0.5, show_default=True, help="Of these, the part that is stuck on.")
@click.option("--epochs", type=click.IntRange(0), default=8, show_default=True, help="Epochs learned after the fault.")
@click.option("--trained", type=click.IntRange(1), help="Epochs learned before it, in place of the config's.")
@click.option(
    "--rates", type=click.Choice(RATES), multiple=True, help="Learning rates after it: the schedule's last or first "
    "ones; may be repeated [default: both]."
)  # fmt: skip
@click.option("--number", type=click.Choice(NUMBERS), multiple=True, help="Number format; may be repeated "
              "[default: both].")  # fmt: skip
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="Chips: seeds, from --seed on.")
@workers_option
@dask_option
@config_options
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the results [default: runs/heal-<config>].")
def command(
    config: str,
    stuck: tuple[float, ...],
    on_share: float,
    epochs: int,
    trained: int | None,
    rates: tuple[str, ...],
    number: tuple[str, ...],
    seeds: int,
    workers: int | None,
    dask: str | None,
    seed: int | None,
    dataset: str | None,
    overrides: tuple[str, ...],
    out: Path | None,
) -> None:
    """Does it heal itself? Train CONFIG, let devices get stuck, and learn on with what is left.

    Accuracy on the test part before the fault, right after it and after further learning, for each part of stuck
    devices. Writes heal.json and heal.csv to the folder, and runs/, one file a chip.
    """
    one_of_both(workers, dask)
    fault = Fault(
        stuck=tuple(dict.fromkeys(stuck)) or STUCK,
        on_share=on_share,
        epochs=epochs,
        rates=tuple(dict.fromkeys(rates)) or RATES,
    )
    fault.validate()
    base = read_config(config, overrides, seed, trained, dataset)
    first = base.training.seed
    configs = [
        read_config(config, (*overrides, f"number.format={name}"), value, trained, dataset)
        for name in dict.fromkeys(number or NUMBERS)
        for value in range(first, first + seeds)
    ]
    folder = out or Path("runs") / f"heal-{base.name}"
    click.echo(f"{base.name}: {len(configs)} chips, in {folder}")
    try:
        result = heal_chips(configs, fault, folder, workers, dask)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; the same command goes on in {folder}") from None
    for line in columns([HEAD, *table_rows(result)]):
        click.echo(line)
    click.echo("accuracies: ± standard error over the seeds")
    click.echo(f"wrote {folder}/heal.json, heal.csv")
    if result["errors"]:
        worst = result["errors"][0]
        raise CommandError(
            f"{len(result['errors'])} of {len(configs)} chips failed, the first {worst['number_format']}, seed "
            f"{worst['seed']}: {worst['reason']}"
        )
