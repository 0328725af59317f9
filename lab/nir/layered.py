"""Layers of neurons in real numbers that compute as a plain graph does, as the chip does, or anything in between: each
way in which they differ can be had alone, so that what it costs can be measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.derived import input_phase_step


@dataclass(frozen=True, kw_only=True)
class Layered:
    """A network in layers. Tuples have one entry a layer of synapses, or of the neurons above it."""

    weights: tuple[np.ndarray, ...]
    """Shape (presynaptic + 1, postsynaptic); the last row is a bias that spikes every `period` steps."""
    constants: tuple[np.ndarray, ...]
    """What membranes get in every step besides, shape (postsynaptic,)."""
    period: int
    threshold: float
    leak: float
    subtract: tuple[bool, ...]
    """A spike subtracts the threshold; else the membrane is 0 after it."""
    refractory: int
    """Steps from a spike to the next that is possible; 1: there is no refractory period."""
    back: tuple[float, ...]
    """Spikes of the layer above come back through this part of the same weights. The first layer's never do (0)."""
    delayed: tuple[bool, ...]
    """A spike acts in the next step, not at once."""
    filters: tuple[float, ...]
    """What the current into a layer's neurons loses in a step, of which they get as much: 1 for currents that are
    there for one step only, which are the chip's."""
    limit: float | None = None
    """Membranes saturate to [-limit, limit)."""

    def drive(self, spikes: np.ndarray) -> np.ndarray:
        """What the inputs' spikes, shape (steps, images, inputs), give to the first neurons, (steps, images, neurons):
        most of the work, which networks with the same first weights can share."""
        return spikes @ self.weights[0][:-1]

    def outputs(self, spikes: np.ndarray, drive: np.ndarray | None = None) -> np.ndarray:
        """Spikes of the last layer, (steps, images, outputs), for those of the inputs, (steps, images, inputs)."""
        drive = self.drive(spikes) if drive is None else drive
        images, layers = spikes.shape[1], len(self.weights)
        membrane = [np.zeros((images, w.shape[1])) for w in self.weights]
        held = [np.zeros(m.shape, int) for m in membrane]
        currents = [np.zeros_like(m) for m in membrane]
        last = [np.zeros((images, len(w) - 1)) for w in self.weights] + [np.zeros_like(membrane[-1])]
        found = np.zeros((len(spikes), *membrane[-1].shape))
        for t, given in enumerate(spikes):
            now = [given]
            for s in range(layers):
                currents[s] += self.filters[s] * (self._current(s, t, now, last, drive) - currents[s])
                v = membrane[s] - membrane[s] * self.leak + currents[s]
                if self.limit is not None:
                    v = np.clip(v, -self.limit, np.nextafter(self.limit, 0))
                fires = (v > self.threshold) & (held[s] == 0)
                membrane[s] = np.where(fires, v - self.threshold if self.subtract[s] else 0.0, v)
                held[s] = np.where(fires, self.refractory - 1, np.maximum(held[s] - 1, 0))
                now.append(fires.astype(float))
            last, found[t] = now, now[-1]
        return found

    def _current(
        self, s: int, t: int, now: Sequence[np.ndarray], last: Sequence[np.ndarray], drive: np.ndarray
    ) -> np.ndarray:
        """What the neurons above synapses `s` get in step t; `now` and `last` are spikes of this step and the last."""
        weights, moment = self.weights[s], t - self.delayed[s]
        current = self.constants[s]
        if s > 0:
            current = current + (last if self.delayed[s] else now)[s] @ weights[:-1]
        elif moment >= 0:
            current = current + drive[moment]
        if moment >= 0 and moment % self.period == 0:
            current = current + weights[-1]
        if s + 1 < len(self.weights) and self.back[s + 1]:
            current = current + self.back[s + 1] * (last[s + 2] @ self.weights[s + 1][:-1].T)
        return current

    def with_bias_spikes(self) -> Layered:
        """The same, with a bias that spikes in place of constants."""
        rows = [np.vstack([w[:-1], w[-1] + c * self.period]) for w, c in zip(self.weights, self.constants, strict=True)]
        return dataclasses.replace(self, weights=tuple(rows), constants=tuple(0 * c for c in self.constants))


def as_chip(config: Config, weights: Sequence[np.ndarray]) -> Layered:
    """The chip of that config in real numbers, with real weights."""
    layers, neuron = len(weights), config.neuron
    yes = (True,) * layers
    return Layered(
        weights=tuple(weights), constants=tuple(np.zeros(w.shape[1]) for w in weights), period=neuron.refractory,
        threshold=neuron.threshold, leak=neuron.leak, subtract=yes, refractory=neuron.refractory,
        back=config.feedback, delayed=yes, filters=(1.0,) * layers, limit=neuron.membrane_limit,
    )  # fmt: skip


def input_spikes(config: Config, images: np.ndarray) -> np.ndarray:
    """Spikes of the chip's input neurons in the free phase, shape (steps, images, inputs): with input.phase `golden`
    where it is `random`, which no image has of itself."""
    threshold = config.input.full_scale * config.neuron.refractory
    membrane = np.arange(images.shape[1]) * input_phase_step(config) % threshold
    grown = membrane + np.arange(config.learning.free_steps + 1)[:, None, None] * images
    # A membrane above `threshold` fires and loses it: it has fired as often as `threshold` fits below what came in.
    fired = np.maximum(-(-grown // threshold) - 1, 0)
    return np.diff(fired, axis=0)


def answers(config: Config, spikes: np.ndarray) -> np.ndarray:
    """The chip's rule: the output with the most spikes in the last `window` steps, the first of equals."""
    return spikes[-config.learning.window :].sum(axis=0).argmax(axis=1)
