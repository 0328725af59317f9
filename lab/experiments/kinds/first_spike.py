"""Inference by the first output spike, and by the highest rate so far, against time (fig 2.10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eqspike.golden.validation import require_range
from eqspike.lab.experiments.kinds import Trained
from eqspike.lab.experiments.outcome import Outcome, Series
from eqspike.lab.experiments.spec import NUMBERS, Experiment
from eqspike.lab.runs import WEIGHTS, Job, train_job
from eqspike.lab.seeds import spread

if TYPE_CHECKING:
    from eqspike.golden.network import Network


@dataclass(frozen=True, kw_only=True)
class Parameters(Trained):
    """`at` is the moment, in 1 / f_max, at which accuracy and SynOps are told; `images` bounds the test images."""

    at: float = 10.0
    images: int = 1000
    picojoules: float = 10.0

    def validate(self, key: str) -> None:
        super().validate(key)
        require_range(f"{key}.at", self.at, 0.5, 1000)
        require_range(f"{key}.images", self.images, 1, 100000)
        require_range(f"{key}.picojoules", self.picojoules, 0, 1e6)


def jobs(parameters: Parameters, seeds: Sequence[int]) -> dict[str, Job]:
    """A training a seed and number format."""
    return {f"{n} {s}": train_job(parameters.resolve(n, s), WEIGHTS) for n in NUMBERS for s in seeds}


def observe(network: Network, images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Present images without learning; arrays of shape (images, steps): `first` and `rate` say whether the prediction
    at that step is right (without an output spike it is wrong), `synops` and `spikes` count up to and with the step."""
    from eqspike.golden.modes import INFER

    steps, layers = network.config.learning.free_steps, network.config.network.layers
    period = network.config.neuron.refractory
    found = {name: np.zeros((len(images), steps)) for name in ("first", "rate", "synops", "spikes")}
    decided = np.zeros(len(images), np.int64)
    trace = network.empty_trace(steps)
    ends = np.cumsum(layers[1:])
    # Synapses that a spike of each layer passes: those up, and in two-way layers those down.
    fan = [layers[1]] + [
        (layers[n + 1] if n + 1 < len(layers) else 0) + (layers[n - 1] if n > 1 else 0) for n in range(1, len(layers))
    ]
    bias = np.where(np.arange(steps) % period == 0, sum(layers[1:]), 0)
    for at, (image, label) in enumerate(zip(images, labels, strict=True)):
        result = network.present(image, int(label), INFER, trace)
        by_layer = [trace.input_spikes.sum(axis=1)]
        by_layer += [part.sum(axis=1) for part in np.split(trace.spikes, ends[:-1], axis=1)]
        outputs = trace.spikes[:, -layers[-1] :]
        right = result.first_spike == label
        found["first"][at, result.first_spike_step if result.first_spike >= 0 else steps :] = right
        found["rate"][at] = (np.cumsum(outputs, axis=0).argmax(axis=1) == label) & (np.cumsum(outputs.sum(axis=1)) > 0)
        found["spikes"][at] = np.cumsum(sum(by_layer))
        # The spikes of a step pass their synapses in the next one.
        passed = sum(count * each for count, each in zip(by_layer, fan, strict=True)) + bias
        found["synops"][at, 1:] = np.cumsum(passed)[:-1]
        decided[at] = result.first_spike_step
    return found | {"decided": decided}


def outcome(experiment: Experiment, parameters: Parameters, seeds: Sequence[int], records: dict[str, Any]) -> Outcome:
    """Accuracy by both rules against time times f_max, over the test images."""
    from eqspike.golden.data import load_split
    from eqspike.golden.network import Network
    from eqspike.lab.weights import load_weights

    found = Outcome()
    for number in NUMBERS:
        seen = []
        for seed in seeds:
            config = parameters.resolve(number, seed)
            network = Network(config)
            network.load_weights(load_weights(records["weights"][f"{number} {seed}"], config).weights)
            part = load_split(config)
            shown = slice(parameters.images)
            seen.append(observe(network, part.test_images[shown], part.test_labels[shown]))
        period = config.neuron.refractory
        moment = min(round(parameters.at * period), config.learning.free_steps) - 1
        times = [(t + 1) / period for t in range(config.learning.free_steps)]
        for name, title in (("first", "first output spike"), ("rate", "highest rate")):
            curves = [100 * own[name].mean(axis=0) for own in seen]
            points = [spread([float(c[t]) for c in curves]) for t in range(len(times))]
            found.series.append(Series(title, number, times, [p["mean"] for p in points], style="plain"))
        first = [float(100 * own["first"][:, moment].mean()) for own in seen]
        end = [float(100 * own["rate"][:, -1].mean()) for own in seen]
        moment_text = f"at t = {parameters.at:g} / f_max"
        found.measure(f"accuracy by the first spike {moment_text}", number, first)
        found.measure("accuracy by the highest rate at the end", number, end)
        lost = [b - a for a, b in zip(first, end, strict=True)]
        found.measure(f"points lost by the first spike {moment_text}", number, lost)
        decided = [own["decided"][own["decided"] >= 0] for own in seen]
        found.measure("mean time of the first output spike", number, [float(d.mean() + 1) / period for d in decided])
        synops = [float(own["synops"][:, moment].mean()) for own in seen]
        found.measure(f"SynOps {moment_text}", number, synops)
        found.measure("energy of an inference", number, [n * parameters.picojoules * 1e-6 for n in synops])
        before = [float(np.mean([own["spikes"][i, t] for i, t in enumerate(own["decided"]) if t >= 0])) for own in seen]
        found.measure("spikes up to the first output spike", number, before)
        found.places[f"accuracy by the first spike {moment_text}"] = ("", parameters.at, None)
        found.places["accuracy by the highest rate at the end"] = ("", None, None)
    return found
