"""Weight changes against the distance of spikes (figs 2.14, 2.15, 4.18, 4.19): the thesis's algorithm 3.

While the network learns, every spike of an input neuron at t_pre looks at each of its synapses: the weight's change of
the last `lag` steps, and how far the mean time of the postsynaptic spikes in the last `window` steps stands from the
middle of that window. The thesis divides the sum of the spikes' times by the window's length; here it is their mean
time, for only that is a moment. Signs are not drawn (learning.random_sign): a drawn one would turn half of the curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eqspike.golden.validation import fail, require_range
from eqspike.lab.experiments.kinds import Trained, check_changes
from eqspike.lab.experiments.outcome import Outcome, Series
from eqspike.lab.experiments.spec import NUMBERS, Experiment
from eqspike.lab.runs import Job, function_job

if TYPE_CHECKING:
    from eqspike.golden.config import Config
    from eqspike.golden.state import Trace


@dataclass(frozen=True, kw_only=True)
class Case:
    """One curve: neurons slower than `slowest` (spikes for each T_refract, before the nudge phase) are left out."""

    name: str
    set: tuple[str, ...] = ()
    slowest: float = 0.0
    panel: str = ""


@dataclass(frozen=True, kw_only=True)
class Parameters(Trained):
    """The first `images` of the first epoch. `sample` pairs are drawn as points, where it is not 0."""

    images: int = 100
    window: int = 200
    lag: int = 10
    cases: tuple[Case, ...] = field(default=())
    sample: int = 0
    least: int = 200
    """Bins with fewer pairs are neither drawn nor judged."""
    near: float = 3.0
    """Bins nearer to 0 than this many steps are not asked for a sign."""

    def validate(self, key: str) -> None:
        super().validate(key)
        require_range(f"{key}.images", self.images, 1, 100000)
        require_range(f"{key}.window", self.window, 4, 2000)
        require_range(f"{key}.lag", self.lag, 1, 200)
        require_range(f"{key}.sample", self.sample, 0, 100000)
        require_range(f"{key}.least", self.least, 1, 1e9)
        if not self.cases or len({case.name for case in self.cases}) < len(self.cases):
            fail(f"{key}.cases", [case.name for case in self.cases], "at least one, with different names")
        for index, case in enumerate(self.cases):
            check_changes(f"{key}.cases[{index}].set", case.set)


@dataclass(frozen=True)
class Measured:
    """What a run's key depends on, besides the config."""

    images: int
    window: int
    lag: int
    slowest: float
    sample: int


def jobs(parameters: Parameters, seeds: Sequence[int]) -> dict[str, Job]:
    """A run a case and number format, with the first seed."""
    made = {}
    for case in parameters.cases:
        about = Measured(parameters.images, parameters.window, parameters.lag, case.slowest, parameters.sample)
        for number in NUMBERS:
            config = parameters.resolve(number, seeds[0], case.set)
            if config.learning.free_steps < parameters.window:
                fail(
                    "parameters.window",
                    parameters.window,
                    f"at most learning.free_steps = {config.learning.free_steps}",
                )
            made[f"{case.name} {number}"] = function_job(f"{__name__}:run", config, about)
    return made


class Pairs:
    """Sums of the weight change over bins of one step of the distance, and a sample of the pairs."""

    def __init__(self, window: int, sample: int, seed: int) -> None:
        self.half = window // 2
        self.counts = np.zeros(2 * self.half + 1)
        self.sums = np.zeros(2 * self.half + 1)
        self.moments = np.zeros(5)
        """Sums of 1, x, y, x², xy over pairs; y² stands apart."""
        self.squares = 0.0
        self.sample, self.room = [], sample
        self.random = np.random.default_rng([seed, 0x57D9])

    def add(self, distance: np.ndarray, change: np.ndarray) -> None:
        """`change` has shape (presynaptic spikes, neurons), `distance` (neurons,)."""
        if not change.size:
            return
        bins = np.floor(distance).astype(int) + self.half
        totals, each = change.sum(axis=0), change.shape[0]
        np.add.at(self.sums, bins, totals)
        np.add.at(self.counts, bins, each)
        self.moments += (change.size, each * distance.sum(), totals.sum(), each * (distance**2).sum(),
                         (distance * totals).sum())  # fmt: skip
        self.squares += float((change**2).sum())
        if self.room:
            # One pair of a step at most: the sample is thinned evenly at the end.
            row, column = self.random.integers(change.shape[0]), self.random.integers(change.shape[1])
            self.sample.append((float(distance[column]), float(change[row, column])))

    def correlation(self) -> float:
        """Of distance and change over all pairs."""
        n, x, y, xx, xy = self.moments
        spread = (xx - x * x / n) * (self.squares - y * y / n) if n else 0.0
        return float((xy - x * y / n) / spread**0.5) if spread > 0 else 0.0


def collect(trace: Trace, weights: np.ndarray, steps: range, p: Measured, slow: float, pairs: Pairs) -> None:
    """Add the pairs of one image. `trace` has spikes (steps, neurons), the first layer's first; `weights` has shape
    (steps, inputs, first layer's neurons); `slow` is the least number of spikes in the window that ends the free
    phase."""
    spikes = trace.spikes[:, : weights.shape[2]].astype(float)
    times = np.arange(len(spikes))[:, None]
    # Running sums: of spikes, and of the spikes' times.
    counts = np.concatenate([np.zeros((1, spikes.shape[1])), np.cumsum(spikes, axis=0)])
    moments = np.concatenate([np.zeros((1, spikes.shape[1])), np.cumsum(spikes * times, axis=0)])
    fast = counts[steps.start] - counts[steps.start - p.window] >= slow
    for t in steps:
        begin = t + 1 - p.window
        number = counts[t + 1] - counts[begin]
        chosen = np.flatnonzero(fast & (number > 0))
        fired = np.flatnonzero(trace.input_spikes[t])
        if not len(chosen) or not len(fired):
            continue
        middle = (moments[t + 1] - moments[begin])[chosen] / number[chosen]
        distance = middle - (t - (p.window - 1) / 2)
        grid = np.ix_(fired, chosen)
        pairs.add(distance, (weights[t][grid] - weights[t - p.lag][grid]).astype(float))


def run(key: str, folder: Path, config: Config, p: Measured) -> dict[str, Any]:
    """Learn the images and gather the pairs of the first layer's synapses."""
    from eqspike.golden.data import epoch_order, load_split
    from eqspike.golden.modes import LEARN
    from eqspike.golden.network import Network

    network = Network(config)
    part = load_split(config)
    order = epoch_order(config, 0, len(part.train_labels))[: p.images]
    free, nudge = config.learning.free_steps, config.learning.nudge_steps
    trace = network.empty_trace(free + nudge, weights=True)
    inputs, hidden = config.network.layers[:2]
    pairs, nudged = Pairs(p.window, p.sample, config.training.seed), 0
    slow = p.slowest / config.neuron.refractory * p.window
    for image, label in zip(part.train_images[order], part.train_labels[order], strict=True):
        if network.present(image, int(label), LEARN, trace).nudged:
            nudged += 1
            collect(trace, trace.weights[:, :inputs, :hidden], range(free, free + nudge), p, slow, pairs)
    lsb = 1.0 if network.real else network.numbers.synapses[0].weight.lsb
    sample = pairs.sample
    if len(sample) > p.sample:
        sample = [sample[i] for i in np.linspace(0, len(sample) - 1, p.sample).astype(int)]
    return {
        "images": len(order), "nudged": nudged, "counts": pairs.counts, "sums": pairs.sums * lsb, "half": pairs.half,
        "correlation": pairs.correlation(), "sample": [[x, y * lsb] for x, y in sample],
    }  # fmt: skip


def outcome(experiment: Experiment, parameters: Parameters, seeds: Sequence[int], records: dict[str, Any]) -> Outcome:
    """Mean change of each bin; whether its sign is that of the distance, and how high the curve is."""
    found = Outcome()
    for case in parameters.cases:
        for number in NUMBERS:
            record = records[f"{case.name} {number}"]
            counts, sums = np.array(record["counts"]), np.array(record["sums"])
            at = np.arange(len(counts)) - record["half"] + 0.5
            kept = counts >= parameters.least
            mean = sums[kept] / counts[kept]
            if parameters.sample and record["sample"]:
                x, y = zip(*record["sample"], strict=True)
                found.series.append(Series(case.name, number, x, y, panel=case.panel, style="dots"))
            else:
                found.series.append(
                    Series(case.name, number, list(at[kept]), list(mean), panel=case.panel, style="plain")
                )
            far = kept & (np.abs(at) >= parameters.near)
            suffix = f", {case.name}"
            right = np.sign(sums[far]) == np.sign(at[far])
            weighed = counts[far]
            share = 100 * float((right * weighed).sum() / weighed.sum()) if weighed.sum() else None
            found.measure(f"pairs in bins whose sign is the distance's{suffix}", number, [share])
            found.measure(f"correlation of distance and change{suffix}", number, record["correlation"])
            found.measure(f"highest mean change{suffix}", number, float(np.abs(mean).max()) if len(mean) else 0.0)
            found.measure(f"images with a nudge phase{suffix}", number, record["nudged"])
    first, last = parameters.cases[0], parameters.cases[-1]
    for number in NUMBERS:
        heights = [found.mean(f"highest mean change, {case.name}", number) for case in (first, last)]
        found.measure("highest change, last curve over first", number, heights[1] / heights[0] if heights[0] else 0.0)
    return found
