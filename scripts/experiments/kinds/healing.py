"""Devices that get stuck in a trained network: its accuracy before, right after, and after learning on with them.

The network learns `epochs` epochs on devices that all work. Then a part of them is stuck, half at Gmax, half at Gmin,
whatever weight they had; which ones, the chip's seed says. It learns `more` epochs on, at the learning rates that the
schedule had come to (`go on`), or at its first ones (`restart`). A part of 0 says what learning on does by itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from golden.config import fail, require_choice, require_range
from scripts.experiments.jobs import Job, kind_job
from scripts.experiments.kinds import Trained
from scripts.experiments.outcome import Outcome, Series
from scripts.experiments.spec import NUMBERS, Experiment
from scripts.train import spread

if TYPE_CHECKING:
    from golden.config import Config

RATES = ("go on", "restart")


@dataclass(frozen=True, kw_only=True)
class Parameters(Trained):
    """`stuck` are parts of all devices."""

    stuck: tuple[float, ...] = (0.0, 0.05)
    more: int = 10
    rates: tuple[str, ...] = RATES

    def validate(self, key: str) -> None:
        super().validate(key)
        require_range(f"{key}.more", self.more, 1, 10000)
        if not self.stuck or len(set(self.stuck)) < len(self.stuck):
            fail(f"{key}.stuck", list(self.stuck), "at least one part, all different")
        for part in self.stuck:
            require_range(f"{key}.stuck", part, 0, 1)
        for name in self.rates:
            require_choice(f"{key}.rates", name, RATES)


@dataclass(frozen=True)
class Fault:
    """What a run's key depends on, besides the config."""

    stuck: tuple[float, ...]
    more: int
    rates: tuple[str, ...]


def jobs(parameters: Parameters, seeds: Sequence[int]) -> dict[str, Job]:
    """A run a chip: number format and seed."""
    fault = Fault(parameters.stuck, parameters.more, parameters.rates)
    return {f"{n} {s}": kind_job("healing", parameters.resolve(n, s), fault) for n in NUMBERS for s in seeds}


def run(key: str, folder: Path, config: Config, fault: Fault) -> dict[str, Any]:
    """Train one chip, then try each part and each learning rate from its trained weights.

    One row each: test accuracy `before` the fault, right `after` it, and after each epoch of learning on.
    """
    from golden.data import epoch_moves, epoch_order, load_split, move
    from golden.network import Network
    from scripts.train import train
    from scripts.weights import load_weights

    scratch = folder / "partial" / key
    metrics = train(config, scratch, resume=True, quiet=True)
    saved, part = load_weights(scratch / "weights.npz", config), load_split(config)
    labels, trained = part.train_labels, config.training.epochs
    rows = []
    for stuck in fault.stuck:
        broken = config.replace(device=dataclasses.replace(config.device, stuck_on=stuck / 2, stuck_off=stuck / 2))
        for rates in fault.rates:
            network = Network(broken)
            network.load_weights(saved.weights)  # the stuck ones keep their own
            network.key = int(saved.about["key"])
            after, accuracies = network.accuracy(part.test_images, part.test_labels), []
            for epoch in range(trained, trained + fault.more):
                order, moves = epoch_order(config, epoch, len(labels)), epoch_moves(config, epoch, len(labels))
                network.set_epoch(0 if rates == "restart" else epoch)
                network.learn(move(part.train_images[order], moves[order]), labels[order])
                accuracies.append(network.accuracy(part.test_images, part.test_labels))
            before = metrics["last_test_accuracy"]
            rows.append({"stuck": stuck, "rates": rates, "before": before, "after": after, "accuracies": accuracies})
    return {"rows": rows, "trained": [entry["test_accuracy"] for entry in metrics["epochs"]]}


def outcome(experiment: Experiment, parameters: Parameters, seeds: Sequence[int], records: dict[str, Any]) -> Outcome:
    """Accuracy before, after and healed against the part that is stuck; and over the epochs."""
    found = Outcome()
    last = min(5, parameters.more)
    parts = [100 * part for part in parameters.stuck]
    for number in NUMBERS:
        lines: dict[str, list[dict[str, Any]]] = {}
        for at, part in enumerate(parameters.stuck):
            told = f", {100 * part:g} % stuck"
            for which, rates in enumerate(parameters.rates):
                rows = [records[f"{number} {s}"]["rows"][at * len(parameters.rates) + which] for s in seeds]
                after = [100 * row["after"] for row in rows]
                healed = [100 * sum(row["accuracies"][-last:]) / last for row in rows]
                if not which:
                    for name, values in (("before", [100 * row["before"] for row in rows]), ("right after", after)):
                        found.measure(f"accuracy {name}{told}", number, values)
                        lines.setdefault(name, []).append(spread(values))
                found.measure(f"accuracy after learning on ({rates}){told}", number, healed)
                lines.setdefault(f"learned on, {rates}", []).append(spread(healed))
                regained = [b - a for a, b in zip(after, healed, strict=True)]
                found.measure(f"points regained ({rates}){told}", number, regained)
                if not which:
                    _curve(found, number, part, rows, [records[f"{number} {s}"]["trained"] for s in seeds])
        for name, entries in lines.items():
            error = [e["standard_deviation"] for e in entries] if len(seeds) > 1 else None
            found.series.append(Series(name, number, parts, [e["mean"] for e in entries], error, panel="stuck"))
    return found


def _curve(found: Outcome, number: str, part: float, rows: Sequence[Any], trained: Sequence[list[float]]) -> None:
    """Accuracy over the epochs; the fault stands between two of them."""
    curves = [[*first, row["after"], *row["accuracies"]] for first, row in zip(trained, rows, strict=True)]
    count, more = len(trained[0]), len(rows[0]["accuracies"])
    epochs = [*range(1, count + 1), count + 0.5, *range(count + 1, count + more + 1)]
    mean = [100 * sum(values) / len(values) for values in zip(*curves, strict=True)]
    found.series.append(Series(f"{100 * part:g} % stuck", number, epochs, mean, panel="epochs", style="plain"))
