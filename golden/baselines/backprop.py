"""Back-propagation on a feed-forward network, written through the memristors (thesis, section 3.7, table 3.2).

Hidden neurons have the hard sigmoid (eq 2.4), outputs the sigmoid (eq 3.11), the cost is the mean squared error
(eq 3.12), a batch is one image. The optimiser (SGD without momentum, or ADAM) computes a change of every weight; a
change that is not zero is sent to its device as one pulse of Vth + dW, or of -Vth + dW where it is negative, so that
the device takes what that one half leaves over its threshold, with slope, curve, noise and states (`golden.device`).
The optimiser knows nothing of the devices, nor of the neurons' gains (g(x) = f(alpha x), section 3.8.1): it takes f'(x)
for the slope.
"""

from __future__ import annotations

import math

import numpy as np

from golden.baselines.relaxation import Stacked, drive_from_below
from golden.baselines.settings import BackpropSettings
from golden.config import Config, DeviceConfig
from golden.device import FREE, STUCK_ON, gains, network_devices, write
from golden.nudge import highest
from golden.number import (
    MASK32,
    ROUNDING,
    WEYL,
    image_word,
    kernel,
    mix,
    neuron_draw,
    neuron_numbers,
    noise_row,
    row_word,
    seed_word,
)

DRAW_BITS = 24
"""Bits of a draw, where devices have a limited number of states."""
UPDATES_WORD = 0x5EED_0B90
"""Tells the draws of these writes from those of the chip with the same seed."""


@kernel
def forward(pixels, weights, base, widths, gain, sums, rates):
    """`sums` (before gain and activation) and `rates` of every layer, shapes (layers, neurons)."""
    top = widths.shape[0] - 1
    for layer in range(1, top + 1):
        if layer == 1:
            drive_from_below(weights, base[0], widths[0], widths[1], pixels, sums[1])
        else:
            drive_from_below(weights, base[layer - 1], widths[layer - 1], widths[layer], rates[layer - 1], sums[layer])
        for n in range(widths[layer]):
            x = gain[layer, n] * sums[layer, n]
            if layer == top:
                rates[layer, n] = 1.0 / (1.0 + math.exp(-x))
            else:
                rates[layer, n] = min(max(x, 0.0), 1.0)


@kernel
def backward(label, weights, base, widths, sums, rates, error):
    """The cost's slope against every sum, in `error`; the neurons' gains are not known here."""
    top = widths.shape[0] - 1
    count = widths[top]
    for k in range(count):
        f = 1.0 / (1.0 + math.exp(-sums[top, k]))
        error[top, k] = 2.0 / count * (rates[top, k] - (1.0 if k == label else 0.0)) * f * (1.0 - f)
    for layer in range(top - 1, 0, -1):
        for i in range(widths[layer]):
            total = 0.0
            if 0.0 < sums[layer, i] < 1.0:
                for k in range(widths[layer + 1]):
                    total += weights[base[layer] + i, k] * error[layer + 1, k]
            error[layer, i] = total


@kernel
def send_pulse(weights, row, column, s, change, noise_word, rounding, draw, low, high, devices):
    """Write `change` with one pulse; no pulse where it is 0. Returns 1 if one was sent."""
    if change == 0:
        return 0
    if devices.alike:
        weights[row, column] = min(max(weights[row, column] + change, low), high)
        return 1
    up = max(change - devices.offset_up[row, column], 0.0) if change > 0 else 0.0
    down = min(change + devices.offset_down[row, column], 0.0) if change < 0 else 0.0
    write(weights, row, column, s, up, down, noise_word, DRAW_BITS, rounding, draw, low, high, devices)
    return 1


@kernel
def update(pixels, rates, error, weights, base, widths, number, optimiser, rate, low, high, word, rounding, devices):
    """One step of the optimiser on all weights; `optimiser` is (adam, moment1, moment2, epsilon, first, second, steps):
    arrays of the two moments, and how often they were moved, this step included. Returns the pulses sent."""
    adam, moment1, moment2, epsilon, first, second, steps = optimiser
    unbias1, unbias2 = 1.0 - moment1**steps, 1.0 - moment2**steps
    pulses = 0
    for layer in range(1, widths.shape[0]):
        s = layer - 1
        for i in range(widths[s] + 1):
            row = base[s] + i
            value = 1.0 if i == widths[s] else pixels[i] if s == 0 else rates[s, i]
            if value == 0 and not adam:
                continue
            drawn, noise = row_word(word, number[s] + i), noise_row(word, number[s] + i)
            for n in range(widths[layer]):
                change = -rate[s] * value * error[layer, n]
                if adam:
                    slope = value * error[layer, n]
                    first[row, n] = moment1 * first[row, n] + (1.0 - moment1) * slope
                    second[row, n] = moment2 * second[row, n] + (1.0 - moment2) * slope * slope
                    change = -rate[s] * (first[row, n] / unbias1) / (math.sqrt(second[row, n] / unbias2) + epsilon)
                pulses += send_pulse(
                    weights, row, n, s, change, noise ^ devices.key[layer, n], rounding[s],
                    neuron_draw(drawn, layer, n, DRAW_BITS), low[s], high[s], devices,
                )  # fmt: skip
    return pulses


@kernel
def learn_all(
    images, labels, key, weights, base, widths, number, gain, optimiser, rate, low, high, rounding, devices, sums,
    rates, error, predictions,
):  # fmt: skip
    """Learn images in order; `key` is the first image's place in the stream of draws. Returns the pulses sent."""
    adam, moment1, moment2, epsilon, first, second, steps = optimiser
    top = widths.shape[0] - 1
    pulses = 0
    for at in range(images.shape[0]):
        forward(images[at], weights, base, widths, gain, sums, rates)
        predictions[at] = highest(rates[top, : widths[top]])
        backward(labels[at], weights, base, widths, sums, rates, error)
        pulses += update(
            images[at], rates, error, weights, base, widths, number,
            (adam, moment1, moment2, epsilon, first, second, steps + at + 1),
            rate, low, high, image_word(mix(key ^ UPDATES_WORD)), rounding, devices,
        )  # fmt: skip
        key = (key + WEYL) & MASK32
    return pulses


@kernel
def predict_all(images, weights, base, widths, gain, sums, rates, predictions):
    """The highest output of each image."""
    top = widths.shape[0] - 1
    for at in range(images.shape[0]):
        forward(images[at], weights, base, widths, gain, sums, rates)
        predictions[at] = highest(rates[top, : widths[top]])


def on_devices(config: Config, settings: BackpropSettings) -> Config:
    """The config as the baseline uses it: real numbers, its own range, and ideal devices where there are none."""
    import dataclasses

    synapses = tuple(
        dataclasses.replace(s, draw="synapse", range=s.range if settings.range is None else settings.range)
        for s in config.synapses
    )
    return config.replace(
        number=dataclasses.replace(config.number, format="real"),
        synapses=synapses,
        device=config.device if settings.devices else DeviceConfig(),
    )


class BackpropNetwork(Stacked):
    """The feed-forward network. `pulses` counts what was sent to devices."""

    def __init__(self, config: Config, settings: BackpropSettings) -> None:
        config = on_devices(config, settings)
        super().__init__(config, settings)
        self.settings = settings
        settings.rates(config, 0)
        layers = config.network.layers
        self.devices = network_devices(config, None, self.array.shape, [int(b) for b in self.base])
        ranges, states = np.array([s.range for s in config.synapses]), config.device.states
        bound = np.full(len(ranges), np.inf)
        self.low = -ranges if settings.devices else -bound
        self.high = ranges - (2 * ranges / states if states else 0) if settings.devices else bound
        self.rounding = np.array([ROUNDING[s.rounding] for s in config.synapses], np.int64)
        self.number = np.array(neuron_numbers(layers), np.int64)
        shape = (len(layers), self.width)
        self.gain = np.ones(shape)
        if settings.devices:
            for layer, values in enumerate(gains(config)[1:], 1):
                self.gain[layer, : layers[layer]] = np.maximum(values, 0)
        self.sums, self.rates, self.error = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.first, self.second = np.zeros_like(self.array), np.zeros_like(self.array)
        self.steps, self.pulses = np.zeros((), np.int64), np.zeros((), np.int64)
        self._place()

    def _place(self) -> None:
        """Bring the initial weights to where the devices can be: in range, on a state, stuck."""
        for s, (view, stuck) in enumerate(zip(self.weights, self.views(self.devices.stuck), strict=True)):
            view[:] = np.clip(view, self.low[s], self.high[s])
            if self.devices.quantum is not None:
                quantum = self.devices.quantum[s]
                view[:] = np.clip(np.rint(view / quantum) * quantum, self.low[s], self.high[s])
            ends = np.where(stuck == STUCK_ON, self.high[s], self.low[s])
            view[:] = np.where(stuck == FREE, view, ends)

    def state(self) -> dict[str, np.ndarray]:
        """Weights, moments and counts."""
        return {"weights": self.array, "first": self.first, "second": self.second, "steps": self.steps,
                "pulses": self.pulses}  # fmt: skip

    def learn(self, images: np.ndarray, labels: np.ndarray, epoch: int, first: int = 0) -> np.ndarray:
        """Learn images in order; returns the predictions, each made before the image was learned."""
        p, predictions = self.settings, np.zeros(len(images), np.int64)
        rate = np.array(p.rates(self.config, epoch))
        key = (seed_word(self.config.training.seed) + WEYL * int(self.steps)) & MASK32
        optimiser = (
            p.algorithm == "bp-adam", p.moment1, p.moment2, p.epsilon, self.first, self.second, int(self.steps),
        )  # fmt: skip
        self.pulses += learn_all(
            self.pixels(images), np.asarray(labels, np.int64), key, self.array, self.base, self.widths, self.number,
            self.gain, optimiser, rate, self.low, self.high, self.rounding, self.devices, self.sums, self.rates,
            self.error, predictions,
        )  # fmt: skip
        self.steps += len(images)
        return predictions

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The highest output."""
        predictions = np.zeros(len(images), np.int64)
        predict_all(
            self.pixels(images), self.array, self.base, self.widths, self.gain, self.sums, self.rates, predictions
        )
        return predictions

    def gradient(self, image: np.ndarray, label: int) -> tuple[np.ndarray, ...]:
        """The cost's gradient for one image, as the weights' shapes."""
        forward(self.pixels(image), self.array, self.base, self.widths, self.gain, self.sums, self.rates)
        backward(label, self.array, self.base, self.widths, self.sums, self.rates, self.error)
        below = [self.pixels(image), *(self.rates[layer, : self.layers[layer]] for layer in range(1, len(self.layers)))]
        return tuple(
            np.outer(np.append(below[s], 1.0), self.error[s + 1, : self.layers[s + 1]])
            for s in range(len(self.layers) - 1)
        )
