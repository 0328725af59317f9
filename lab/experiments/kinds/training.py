"""Curves over the epochs of a training (figs 2.9, 2.11, 2.12): accuracy, nudged images, spikes, SynOps, energy."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eqspike.golden.validation import require_choice, require_range
from eqspike.lab.experiments.kinds import Trained
from eqspike.lab.experiments.outcome import Outcome, Series
from eqspike.lab.experiments.spec import NUMBERS, Experiment
from eqspike.lab.runs import CURVES, Job, train_job
from eqspike.lab.seeds import spread

SHOWN = ("accuracy", "activity", "synops")


@dataclass(frozen=True, kw_only=True)
class Parameters(Trained):
    """`shows` accuracy (fig 2.9), activity (fig 2.11) or synops (fig 2.12); `picojoules` are those of one SynOp; `last`
    epochs are averaged where the end of the training is meant."""

    shows: str = "accuracy"
    picojoules: float = 10.0
    last: int = 8

    def validate(self, key: str) -> None:
        super().validate(key)
        require_choice(f"{key}.shows", self.shows, SHOWN)
        require_range(f"{key}.picojoules", self.picojoules, 0, 1e6)
        require_range(f"{key}.last", self.last, 1, 1000)


def jobs(parameters: Parameters, seeds: Sequence[int]) -> dict[str, Job]:
    """A training a seed and number format."""
    return {f"{n} {s}": train_job(parameters.resolve(n, s), CURVES) for n in NUMBERS for s in seeds}


def outcome(experiment: Experiment, parameters: Parameters, seeds: Sequence[int], records: dict[str, Any]) -> Outcome:
    """Means over the seeds, epoch by epoch."""
    found = Outcome()
    for number in NUMBERS:
        runs = [records[f"{number} {s}"] for s in seeds]
        neurons = sum(parameters.resolve(number, seeds[0]).network.layers)
        {"accuracy": _accuracy, "activity": _activity, "synops": _synops}[parameters.shows](
            found, number, runs, neurons, parameters
        )
    return found


def _curve(found: Outcome, name: str, number: str, each: list[list[float]], panel: str = "") -> None:
    """One line: mean and deviation over the runs of each epoch's value."""
    points = [spread(values) for values in zip(*each, strict=True)]
    epochs = list(range(1, len(points) + 1))
    error = [p["standard_deviation"] for p in points] if len(each) > 1 else None
    found.series.append(Series(name, number, epochs, [p["mean"] for p in points], error, panel=panel))


def _accuracy(found: Outcome, number: str, runs: list[dict[str, Any]], neurons: int, p: Parameters) -> None:
    for name in ("test", "train"):
        each = [[100 * e[f"{name}_accuracy"] for e in run["curves"]] for run in runs]
        _curve(found, name, number, each)
        found.measure(f"{name} accuracy", number, [values[-1] for values in each])
        found.places[f"{name} accuracy"] = ("", None, None)


def _activity(found: Outcome, number: str, runs: list[dict[str, Any]], neurons: int, p: Parameters) -> None:
    nudged = [[e["counters"]["nudged"] for e in run["curves"]] for run in runs]
    _curve(found, "images with a nudge phase", number, nudged, "nudged")
    spikes = [[sum(e["counters"]["spikes"]) / e["counters"]["images"] / neurons for e in r["curves"]] for r in runs]
    _curve(found, "spikes", number, spikes, "spikes")
    shares = [
        [100 * e["counters"]["nudged"] / e["counters"]["images"] for e in run["curves"]][-p.last :] for run in runs
    ]
    found.measure("images that still need a nudge phase", number, [sum(v) / len(v) for v in shares])
    found.measure("spikes a neuron and image", number, [sum(v) / len(v) for v in spikes])
    inputs = [
        100
        * sum(e["counters"]["spikes"][0] for e in r["curves"])
        / sum(sum(e["counters"]["spikes"]) for e in r["curves"])
        for r in runs
    ]
    found.measure("spikes that are the inputs'", number, inputs)


def _synops(found: Outcome, number: str, runs: list[dict[str, Any]], neurons: int, p: Parameters) -> None:
    totals = [list(itertools.accumulate(e["counters"]["synops"] for e in run["curves"])) for run in runs]
    test = [[100 * e["test_accuracy"] for e in run["curves"]] for run in runs]
    means = [[spread(v)["mean"] for v in zip(*each, strict=True)] for each in (totals, test)]
    found.series.append(Series("test accuracy", number, means[0], means[1]))
    images = [sum(e["counters"]["images"] for e in run["curves"]) for run in runs]
    found.measure("SynOps in all epochs", number, [t[-1] for t in totals])
    each = [t[-1] / n for t, n in zip(totals, images, strict=True)]
    found.measure("SynOps a training image", number, each)
    found.measure("energy of the training", number, [t[-1] * p.picojoules * 1e-12 for t in totals])
    whole = 60000 * 50
    found.measure("energy of 50 epochs of 60,000 such images", number, [v * whole * p.picojoules * 1e-12 for v in each])
