"""The chip: an image's phases; image in, result out, weights in and out, counters.

The order of one step stands in `golden.step`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eqspike.base.errors import InputError
from eqspike.golden.config import Config
from eqspike.golden.counters import COUNTERS, SPIKES
from eqspike.golden.derived import first_key
from eqspike.golden.device import network_devices
from eqspike.golden.device_numbers import fixed_devices
from eqspike.golden.device_section import FREE, STUCK_ON
from eqspike.golden.draw import next_key
from eqspike.golden.fast.engine import present_all
from eqspike.golden.modes import INFER, INFER_FIRST_SPIKE, LEARN
from eqspike.golden.number import fixed_numbers
from eqspike.golden.parameters import fixed_parameters, padded_width, real_parameters, row_bases
from eqspike.golden.phases import Chip, present
from eqspike.golden.state import Trace, empty_state, empty_trace


@dataclass(frozen=True)
class Result:
    """What the chip says of one image."""

    prediction: int
    first_spike: int
    first_spike_step: int
    nudged: bool
    counts: tuple[int, ...]
    """Spikes in the window at the end of the free phase, one an output."""


class Network:
    """A golden network: holds weights, counters and the place in the stream of random draws.

    Images are arrays of integers 0..full_scale, shape (inputs,) or (images, inputs). `weights` holds one array a layer
    of synapses, shape (presynaptic + 1, postsynaptic), bias last: int64 in weight LSBs (fixed) or float64 (real).
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.real = config.number.format == "real"
        self.numbers = None if self.real else fixed_numbers(config)
        self.layers = config.network.layers
        self.outputs = self.layers[-1]
        number = np.float64 if self.real else self._integer()
        shape = (len(self.layers), padded_width(max(self.layers[1:])))
        rows = sum(size + 1 for size in self.layers[:-1])
        self.state = empty_state(config, shape, number, rows)
        self.accumulators = self.state.accumulators
        """Shape as `array`, or (0, 0) where there are none."""
        self.counters = np.zeros(SPIKES + 2 * len(self.layers) - 1, np.int64)
        self.key = first_key(config)
        self.array = np.zeros((rows, shape[1]), number)
        self.weights = self.views(self.array)
        self.contents = self.weights + (self.views(self.accumulators) if self.accumulators.size else ())
        """All that learning leaves in the weight memory: the weights, then the accumulators where there are any."""
        fixed = None if self.real else fixed_devices(config, self.numbers)
        self.devices = network_devices(config, fixed, self.array.shape, row_bases(self.layers))
        self.set_epoch(0)
        self.load_weights(self.initial_weights())

    def views(self, array: np.ndarray) -> tuple[np.ndarray, ...]:
        """The matrices, one a synapse layer, in an array of shape (..., rows, columns) as `self.array`."""
        bases = row_bases(self.layers)
        return tuple(array[..., base : base + self.layers[s] + 1, : self.layers[s + 1]] for s, base in enumerate(bases))

    def initial_weights(self) -> tuple[np.ndarray, ...]:
        """Weights before training: normal, standard deviation init / sqrt(fan-in), clipped to the layer's range."""
        generator = np.random.default_rng([self.config.training.seed, 1])
        weights = []
        for index, synapse in enumerate(self.config.synapses):
            rows, columns = self.layers[index] + 1, self.layers[index + 1]
            values = generator.normal(0.0, synapse.init / np.sqrt(rows - 1), (rows, columns))
            if self.real:
                if states := self.config.device.states:
                    values = np.rint(values * states / (2 * synapse.range)) * (2 * synapse.range / states)
                weights.append(np.clip(values, -synapse.range, self.parameters.weight_high[index]))
            else:
                weights.append(self.numbers.synapses[index].weight.quantise(values))
        return tuple(weights)

    def load_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Take `weights`, or all `contents` (copied); stuck devices keep theirs, and accumulators are empty where none
        are given. Raises ValueError, which names the layer, for a wrong count, shape or range."""
        layers = len(self.weights)
        weights, rests = weights[:layers], weights[layers:]
        if len(weights) != layers or len(rests) not in {0, len(self.contents) - layers}:
            raise ValueError(f"{len(weights) + len(rests)} layers of weights; this network has {layers}")
        for index, (new, old) in enumerate(zip(weights, self.weights, strict=True)):
            new = np.asarray(new)
            if new.shape != old.shape:
                raise ValueError(f"weights of layer {index} have shape {new.shape}; this network needs {old.shape}")
            low, high = self.parameters.weight_low[index], self.parameters.weight_high[index]
            if not np.all((new >= low) & (new <= high)):
                raise ValueError(f"weights of layer {index} lie outside {low}..{high}")
        self._check_accumulators(rests)
        for s, (new, old, stuck) in enumerate(zip(weights, self.weights, self.views(self.devices.stuck), strict=True)):
            ends = self.parameters.weight_low[s], self.parameters.weight_high[s]
            old[:] = np.where(stuck == FREE, new, np.where(stuck == STUCK_ON, ends[1], ends[0]))
        self.accumulators[:] = 0
        for new, old in zip(rests, self.contents[layers:], strict=False):
            old[:] = new

    def _check_accumulators(self, rests: Sequence[np.ndarray]) -> None:
        """Raise ValueError for accumulators of a wrong shape, or that hold a whole pulse."""
        for index, (new, old) in enumerate(zip(rests, self.contents[len(self.weights) :], strict=False)):
            new, full = np.asarray(new), self.parameters.full[index]
            if new.shape != old.shape:
                raise ValueError(f"accumulators of layer {index} have shape {new.shape}; it must be {old.shape}")
            if not np.all(abs(new) < full):
                raise ValueError(f"accumulators of layer {index} are not all between {-full} and {full}")

    def real_weights(self) -> tuple[np.ndarray, ...]:
        """The weights as real numbers."""
        if self.real:
            return tuple(w.copy() for w in self.weights)
        return tuple(w * s.weight.lsb for w, s in zip(self.weights, self.numbers.synapses, strict=True))

    def set_epoch(self, epoch: int) -> None:
        """Apply the learning-rate schedule of `epoch`."""
        if self.real:
            self.parameters = real_parameters(self.config, epoch)
        else:
            self.parameters = fixed_parameters(self.config, self.numbers, epoch)

    def empty_trace(self, steps: int = 0, weights: bool = False) -> Trace:
        """A trace with room for `steps` steps (and, when asked, for the weights after each pass and a sweep)."""
        sweeps = self.config.programming.image_end
        return empty_trace(
            self.layers, self.array, steps, steps + int(sweeps) if weights else 0,
            accumulators=self.accumulators.size > 0, sums=sweeps,
        )  # fmt: skip

    def present(self, image: np.ndarray, label: int, mode: int, trace: Trace | None = None) -> Result:
        """Present one image. A learned image moves on the stream of random draws."""
        counts = np.zeros(self.outputs, np.int64)
        self._check(image, label, mode)
        trace = self.empty_trace() if trace is None else trace
        outcome = present(self._pixels(image), label, mode, self.key, self.chip(), trace, counts)
        if mode == LEARN:
            self.key = int(next_key(self.key))
        return Result(outcome[0], outcome[1], outcome[2], bool(outcome[3]), tuple(int(c) for c in counts))

    def present_all(self, images: np.ndarray, labels: np.ndarray, mode: int) -> np.ndarray:
        """Present images in order; returns shape (images, 4): prediction, first spike, its step, nudged."""
        self._check(images, labels, mode)
        results = np.zeros((len(images), 4), np.int64)
        self.key = int(
            present_all(
                self._pixels(images), np.asarray(labels, np.int64), mode, self.key, self.chip(), self.empty_trace(),
                np.zeros(self.outputs, np.int64), results,
            )
        )  # fmt: skip
        return results

    def learn(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Learn images in order; returns the share predicted right, each before it was learned."""
        return float(np.mean(self.present_all(images, labels, LEARN)[:, 0] == labels)) if len(labels) else 0.0

    def accuracy(self, images: np.ndarray, labels: np.ndarray, first_spike: bool = False) -> float:
        """Share of images predicted right at the end of the free phase, or by the first output spike."""
        results = self.present_all(images, labels, INFER_FIRST_SPIKE if first_spike else INFER)
        return float(np.mean(results[:, 1 if first_spike else 0] == labels)) if len(labels) else 0.0

    def counter_values(self) -> dict[str, int | list[int]]:
        """Counters by name since the last `clear_counters`; `spikes` by layer, inputs first."""
        values: dict[str, int | list[int]] = {name: int(self.counters[i]) for i, name in enumerate(COUNTERS)}
        values["spikes"] = [int(c) for c in self.counters[SPIKES : SPIKES + len(self.layers)]]
        return values

    def layer_writes(self) -> tuple[int, ...]:
        """Programming pulses since the last `clear_counters`, by layer of synapses: together `programming_pulses`."""
        return tuple(int(c) for c in self.counters[SPIKES + len(self.layers) :])

    def clear_counters(self) -> None:
        """Set all counters to 0."""
        self.counters[:] = 0

    def chip(self) -> Chip:
        """The network as the kernels take it; arrays are its own."""
        return Chip(self.parameters, self.state, self.array, self.counters, self.devices)

    def _integer(self) -> type:
        """int32 where every sum of the network fits, else int64: the results are the same, int32 is faster."""
        numbers = self.numbers
        widest = max(numbers.membrane.bits, *numbers.current_bits, *(s.step.bits + 2 for s in numbers.synapses))
        widest = max(widest, numbers.moving.bits)
        return np.int32 if widest <= 31 else np.int64

    def _check(self, images: np.ndarray, labels: np.ndarray | int, mode: int) -> None:
        """Raises `InputError` for pixels or labels that the kernels would cast in silence or read as others."""
        images, labels = np.asarray(images), np.asarray(labels)
        high = self.config.input.full_scale
        if images.size and images.dtype.kind not in "iu":  # nothing has no type to speak of
            raise InputError(f"images: {images.dtype}; a network takes integers 0 to {high}")
        if images.shape[-1] != self.layers[0]:
            raise InputError(f"images: shape {images.shape}; this network has {self.layers[0]} inputs")
        if images.size and not (images.min() >= 0 and images.max() <= high):
            raise InputError(f"images: values from {images.min()} to {images.max()}; a network takes 0 to {high}")
        if labels.size and labels.dtype.kind not in "iu":
            raise InputError(f"labels: {labels.dtype}; a network takes integers")
        if mode == LEARN and labels.size and not (labels.min() >= 0 and labels.max() < self.outputs):
            wrong = labels.max() if labels.max() >= self.outputs else labels.min()
            raise InputError(f"labels: {wrong}; this network has outputs 0 to {self.outputs - 1}")

    def _pixels(self, image: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(image, self.state.input_membrane.dtype)
