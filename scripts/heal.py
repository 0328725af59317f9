"""`eqspike heal`: part of a trained chip's devices get stuck; what that costs, and what learning on wins back.

A chip is trained with whole devices. Then each of several parts of them stays at Gmax or Gmin, whatever is written, and
the chip learns on for some epochs of the same images, in its own arithmetic and through the same devices. Each chip
(number format and seed) is stored whole in OUT/chips/ once it is done; its training leaves checkpoints in OUT/partial/.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scripts.errors import CommandError, Interrupted, UsageProblem
from scripts.options import config_options, read_config

if TYPE_CHECKING:
    from golden.config import Config
    from scripts.parallel import Told

STUCK = (0.0, 0.02, 0.05, 0.1, 0.2)
"""Parts of the devices; 0 says what learning on does by itself."""
RATES = ("go on", "restart")
"""Learning rates after the fault: those that the schedule had come to, or its first ones."""
NUMBERS = ("fixed", "real")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to a chip after its training."""

    stuck: tuple[float, ...] = STUCK
    on_share: float = 0.5
    """Of the stuck devices, the part at Gmax; the others are at Gmin."""
    epochs: int = 8
    """Epochs learned with stuck devices."""
    rates: tuple[str, ...] = RATES

    def validate(self) -> None:
        """Raise `UsageProblem` for what cannot be."""
        for part in self.stuck:
            if not 0 <= part <= 1:
                raise UsageProblem(f"--stuck {part:g}: a part of the devices, 0 to 1")
        if not 0 <= self.on_share <= 1:
            raise UsageProblem(f"--on-share {self.on_share:g}: a part of the stuck devices, 0 to 1")
        if unknown := [name for name in self.rates if name not in RATES]:
            raise UsageProblem(f"--rates {unknown[0]}: allowed: {', '.join(RATES)}")


def whole_config(config: Config) -> Config:
    """The config of the chip before the fault: synapses draw one by one and weights stand in one bank, as devices that
    can be stuck need it. Raises `UsageProblem` where devices are stuck from the start, or measured."""
    if config.device.stuck_on or config.device.stuck_off or config.device.file:
        raise UsageProblem(
            f"{config.name}: device.stuck_on, stuck_off and file must be 0, 0 and null: the chip is whole at first"
        )
    synapses = tuple(
        dataclasses.replace(s, draw="synapse") if s.rounding == "stochastic" else s for s in config.synapses
    )
    return config.replace(
        synapses=synapses, hardware=dataclasses.replace(config.hardware, banks=1, prefetch=False), boards={}
    )


def heal(config: Config, fault: Fault, scratch: Path) -> list[dict[str, Any]]:
    """Train one chip of `config` (its seed, number format and epochs) in folder `scratch`, or go on there, then try
    each part of stuck devices and each learning rate, all from the trained weights.

    One row each: test accuracy `before` the fault, right `after` it, and in `accuracies` after each epoch of learning
    on, the last of which is `healed`; what share of the devices `stuck_share` really are; counters of the epochs.
    """
    import numpy as np

    from golden.data import epoch_moves, epoch_order, load_split, move
    from golden.device import FREE
    from golden.network import Network
    from scripts.train import add_counters, train
    from scripts.weights import load_weights

    fault.validate()
    config = whole_config(config)
    train(config, scratch, resume=True, quiet=True)
    saved = load_weights(scratch / "weights.npz", config)
    part, trained = load_split(config), config.training.epochs

    def accuracy(network: Network) -> float:
        return network.accuracy(part.test_images, part.test_labels)

    whole = Network(config)
    whole.load_weights(saved.weights)
    before = accuracy(whole)
    rows = []
    for stuck in fault.stuck:
        on = stuck * fault.on_share
        device = dataclasses.replace(config.device, stuck_on=on, stuck_off=stuck - on)
        for rates in fault.rates:
            network = Network(config.replace(device=device))
            network.load_weights(saved.weights)  # the stuck devices take weights of their own
            network.key = saved.about["key"]
            after, accuracies, counters = accuracy(network), [], {}
            for epoch in range(trained, trained + fault.epochs):
                network.set_epoch(0 if rates == "restart" else epoch)
                order = epoch_order(config, epoch, len(part.train_labels))
                moves = epoch_moves(config, epoch, len(part.train_labels))
                network.clear_counters()
                network.learn(move(part.train_images[order], moves[order]), part.train_labels[order])
                counters = add_counters(counters, network.counter_values())
                accuracies.append(accuracy(network))
            held = sum(np.count_nonzero(layer != FREE) for layer in network.views(network.devices.stuck))
            rows.append(
                {
                    "config": config.name,
                    "number_format": config.number.format,
                    "seed": config.training.seed,
                    "stuck": stuck,
                    "stuck_share": int(held) / sum(weights.size for weights in network.weights),
                    "rates": rates,
                    "before": before,
                    "after": after,
                    "healed": accuracies[-1] if accuracies else after,
                    "accuracies": accuracies,
                    "counters": counters,
                }
            )
    return rows


# ---------------------------------------------------------------------------------------------------------------------
# Several chips


def chip_key(config: Config, fault: Fault) -> str:
    """Hash of all that a chip's rows depend on."""
    from scripts.sweep import run_key

    text = json.dumps([run_key(whole_config(config)), dataclasses.asdict(fault)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def one_chip(config: Config, fault: Fault, folder: Path) -> tuple[str, str | None]:
    """Do one chip and store its rows: (key, None), or (key, why it failed)."""
    from golden.config import config_to_dict
    from scripts.files import write_json
    from scripts.parallel import reason
    from scripts.sweep import golden_state

    key = chip_key(config, fault)
    scratch = folder / "partial" / key
    start = time.perf_counter()
    try:
        try:
            rows = heal(config, fault, scratch)
        except UsageProblem:  # a checkpoint that cannot be used; anything else fails again
            shutil.rmtree(scratch, ignore_errors=True)
            rows = heal(config, fault, scratch)
        record = {
            "golden": golden_state(),
            "config": config_to_dict(whole_config(config)),
            "fault": dataclasses.asdict(fault),
            "seconds": time.perf_counter() - start,
            "rows": rows,
        }
        write_json(folder / "chips" / f"{key}.json", record)
    except Exception as error:
        return key, reason(error)
    shutil.rmtree(scratch, ignore_errors=True)
    return key, None


def load_chip(folder: Path, key: str) -> dict[str, Any] | None:
    """What is stored of a chip; None when it is not done."""
    try:
        stored = json.loads((folder / "chips" / f"{key}.json").read_text(encoding="utf-8"))
        return stored if isinstance(stored["rows"], list) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def heal_chips(
    configs: Sequence[Config],
    fault: Fault,
    folder: Path,
    workers: int = 1,
    heard: Callable[[str, str | None], None] | None = None,
) -> dict[str, Any]:
    """Do the chips that are not stored in `folder`, by so many processes, and return what heal.json holds.

    `heard` is told of each chip (what it is, None or why it failed). Writes heal.json and heal.csv after each.
    """
    from scripts.files import remove_leftovers, write_json, write_text
    from scripts.parallel import all_of, in_parallel
    from scripts.sweep import locked

    fault.validate()
    given = {chip_key(config, fault): config for config in configs}
    chips = {key: whole_config(config) for key, config in given.items()}
    with locked(folder):
        for part in (folder, folder / "chips"):
            remove_leftovers(part)
        stored = {key: found for key in chips if (found := load_chip(folder, key)) is not None}
        problems: dict[str, str] = {}

        def write() -> dict[str, Any]:
            result = summarise(chips, fault, stored, problems)
            write_json(folder / "heal.json", result)
            write_text(folder / "heal.csv", as_csv(result["rows"], fault.epochs))
            return result

        def done(key: str, problem: str | None) -> None:
            if problem is None:
                stored[key] = load_chip(folder, key)
            else:
                problems[key] = problem
            if heard is not None:
                heard(f"{chips[key].number.format}, seed {chips[key].training.seed}", problem)
            write()

        def begin(keys: list[str], begun: list[str]) -> Told:
            def jobs() -> Iterator[tuple[Config, Fault, Path]]:
                for key in keys:
                    begun.append(key)
                    yield given[key], fault, folder

            return in_parallel(one_chip, jobs(), workers) if workers > 1 else (one_chip(*job) for job in jobs())

        try:
            missing = [key for key in chips if key not in stored]
            all_of(missing, begin, lambda key: load_chip(folder, key) is not None, done)
        finally:
            result = write()
    return result


def summarise(
    chips: dict[str, Config], fault: Fault, stored: dict[str, dict[str, Any]], problems: dict[str, str]
) -> dict[str, Any]:
    """What heal.json holds: all rows, and means over seeds for each number format, part stuck and learning rate."""
    from scripts.train import software_versions, spread

    rows = [row for key in chips if key in stored for row in stored[key]["rows"]]
    summary = []
    for number in dict.fromkeys(config.number.format for config in chips.values()):
        for stuck in fault.stuck:
            for rates in fault.rates:
                place = (number, stuck, rates)
                found = [row for row in rows if (row["number_format"], row["stuck"], row["rates"]) == place]
                summary.append(
                    {
                        "number_format": number,
                        "stuck": stuck,
                        "rates": rates,
                        "seeds": [row["seed"] for row in found],
                        **{name: spread([row[name] for row in found]) for name in ("before", "after", "healed")},
                        "lost": spread([100 * (row["before"] - row["after"]) for row in found]),
                        "lost_for_good": spread([100 * (row["before"] - row["healed"]) for row in found]),
                    }
                )
    first = next(iter(chips.values()))
    return {
        "kind": "heal",
        "config": first.name,
        "epochs": first.training.epochs,
        "test_part": "validation" if first.dataset.validation_fraction > 0 else "test",
        "fault": dataclasses.asdict(fault),
        "command": shlex.join(["eqspike", *sys.argv[1:]]),
        "finished": all(key in stored for key in chips),
        "errors": [
            {"number_format": chips[key].number.format, "seed": chips[key].training.seed, "reason": reason}
            for key, reason in problems.items()
        ],
        "seconds_of_runs": sum(stored[key]["seconds"] for key in chips if key in stored),
        "golden": sorted({stored[key]["golden"] for key in chips if key in stored}),
        "versions": software_versions(),
        "summary": summary,
        "rows": rows,
    }


COLUMNS = ("config", "number_format", "seed", "stuck", "stuck_share", "rates", "before", "after", "healed")


def as_csv(rows: Sequence[dict[str, Any]], epochs: int) -> str:
    """The rows as CSV: `COLUMNS`, then the accuracy after each epoch of learning on."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, *(f"epoch_{n + 1}" for n in range(epochs))])
    for row in rows:
        writer.writerow([*(row[name] for name in COLUMNS), *row["accuracies"]])
    return out.getvalue()


def table_rows(result: dict[str, Any]) -> list[list[str]]:
    """The summary as texts: numbers, devices stuck, rates, seeds, before, after, healed, points lost for good."""

    def percent(entry: dict[str, Any]) -> str:
        if entry["mean"] is None:
            return "-"
        error = entry["standard_error"]
        return f"{100 * entry['mean']:.2f}" + ("" if error is None else f" ± {100 * error:.2f}")

    return [
        [
            line["number_format"], f"{100 * line['stuck']:g} %", line["rates"], str(len(line["seeds"])),
            percent(line["before"]), percent(line["after"]), percent(line["healed"]),
            "-" if (lost := line["lost_for_good"]["mean"]) is None else f"{lost:.2f}".replace("-0.00", "0.00"),
        ]
        for line in result["summary"]
    ]  # fmt: skip


HEAD = ("numbers", "stuck", "rates", "seeds", "before %", "right after %", "healed %", "points lost for good")


def print_table(result: dict[str, Any]) -> None:
    """The summary."""
    lines = [list(HEAD), *table_rows(result)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    for line in lines:
        click.echo("  " + "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)))


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
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Chips done at the same time.")
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
    workers: int,
    seed: int | None,
    dataset: str | None,
    overrides: tuple[str, ...],
    out: Path | None,
) -> None:
    """Does it heal itself? Train CONFIG, let devices get stuck, and learn on with what is left.

    Accuracy on the test part before the fault, right after it and after further learning, for each part of stuck
    devices. Writes heal.json and heal.csv to the folder, and chips/, one file a chip.
    """
    from tqdm import tqdm

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
        with tqdm(total=len(configs), unit="chip", disable=None, dynamic_ncols=True) as bar:

            def heard(chip: str, problem: str | None) -> None:
                bar.update()
                if bar.disable or problem is not None:
                    click.echo(f"{chip}: {'done' if problem is None else problem}")

            result = heal_chips(configs, fault, folder, workers, heard)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; the same command goes on in {folder}") from None
    print_table(result)
    click.echo(f"wrote {folder}/heal.json, heal.csv")
    if result["errors"]:
        worst = result["errors"][0]
        raise CommandError(
            f"{len(result['errors'])} of {len(configs)} chips failed, the first {worst['number_format']}, seed "
            f"{worst['seed']}: {worst['reason']}"
        )
