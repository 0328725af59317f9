"""Distribution of weights after training without bounds that matter (fig 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eqspike.golden.validation import require_range
from eqspike.lab.experiments.kinds import Trained
from eqspike.lab.experiments.outcome import Outcome, Series
from eqspike.lab.experiments.spec import NUMBERS, Experiment
from eqspike.lab.runs import WEIGHTS, Job, train_job


@dataclass(frozen=True, kw_only=True)
class Parameters(Trained):
    """`bound` is that of the interval whose share is counted; the histogram has `bins` from -`reach` to `reach`."""

    bound: float = 0.5
    reach: float = 1.5
    bins: int = 61

    def validate(self, key: str) -> None:
        super().validate(key)
        require_range(f"{key}.bins", self.bins, 3, 1001)
        require_range(f"{key}.reach", self.reach, self.bound, 16)


def jobs(parameters: Parameters, seeds: Sequence[int]) -> dict[str, Job]:
    """A training a seed and number format."""
    return {f"{n} {s}": train_job(parameters.resolve(n, s), WEIGHTS) for n in NUMBERS for s in seeds}


def outcome(experiment: Experiment, parameters: Parameters, seeds: Sequence[int], records: dict[str, Any]) -> Outcome:
    """Histograms over all seeds' weights; `records` has the files of weights under "weights"."""
    import numpy as np

    from eqspike.golden.network import Network
    from eqspike.lab.weights import load_weights

    found = Outcome()
    edges = np.linspace(-parameters.reach, parameters.reach, parameters.bins + 1)
    middles = list((edges[1:] + edges[:-1]) / 2)
    for number in NUMBERS:
        layers: list[list[np.ndarray]] = []
        for seed in seeds:
            config = parameters.resolve(number, seed)
            network = Network(config)
            network.load_weights(load_weights(records["weights"][f"{number} {seed}"], config).weights)
            layers.append(network.real_weights())
        for layer in range(len(layers[0])):
            each = [own[layer].ravel() for own in layers]
            values = np.concatenate(each)
            counts = np.histogram(values, edges)[0] / len(values)
            found.series.append(Series("", number, middles, list(counts), panel=str(layer + 1), style="steps"))
            name = f"layer {layer + 1}"
            inside = [float(np.mean(np.abs(v) <= parameters.bound)) * 100 for v in each]
            found.measure(f"{name}: weights within the bounds", number, inside)
            found.measure(f"{name}: mean over deviation", number, [float(v.mean() / v.std()) for v in each])
            found.measure(f"{name}: standard deviation", number, [float(v.std()) for v in each])
        accuracy = [100 * records[f"{number} {s}"]["mean_last_5_test_accuracy"] for s in seeds]
        found.measure("test accuracy", number, accuracy)
    return found
