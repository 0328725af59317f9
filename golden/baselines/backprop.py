"""Back-propagation on a feed-forward network, written through the memristors (thesis, section 3.7, table 3.2).

Hidden neurons have the hard sigmoid (eq 2.4), outputs the sigmoid (eq 3.11), the cost is the mean squared error
(eq 3.12), a batch is one image. The optimiser (SGD without momentum, or ADAM) computes a change of every weight; a
change that is not zero is sent to its device as one pulse of Vth + dW, or of -Vth + dW where it is negative, so that
the device takes what that one half leaves over its threshold, with slope, curve, noise and states (`golden.device`).
The optimiser knows nothing of the devices, nor of the neurons' gains (g(x) = f(alpha x), section 3.8.1): it takes f'(x)
for the slope.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

import numpy as np

from eqspike.golden.baselines.relaxation import Stacked, drive_from_below
from eqspike.golden.baselines.settings import BackpropSettings
from eqspike.golden.config import Config
from eqspike.golden.derived import first_key, neuron_numbers
from eqspike.golden.deviations import gains
from eqspike.golden.device import Devices, network_devices, write
from eqspike.golden.device_section import FREE, STUCK_ON, DeviceConfig
from eqspike.golden.draw import image_word, mix, neuron_draw, next_key, noise_row, row_word
from eqspike.golden.kernel import kernel
from eqspike.golden.nudge import highest
from eqspike.golden.number import ROUNDING
from eqspike.golden.parameters import DRAW_BITS
from eqspike.golden.synapses import Programming

UPDATES_WORD = 0x5EED_0B90
"""Tells the draws of these writes from those of the chip with the same seed."""


class Feed(NamedTuple):
    """The feed-forward network, for the kernels; weights are stacked as in `golden.network`, per-neuron arrays have
    shape (layers, neurons), row 0 unused."""

    weights: np.ndarray
    base: np.ndarray
    """Shape (synapse layers,): first row of each matrix."""
    widths: np.ndarray
    """Shape (layers,): neurons of each layer."""
    number: np.ndarray
    """Shape (layers,): number of each layer's first neuron among all, for draws."""
    low: np.ndarray
    high: np.ndarray
    """Shape (synapse layers,): bounds of the weights."""
    rounding: np.ndarray
    gain: np.ndarray
    sums: np.ndarray
    """Before gain and activation."""
    rates: np.ndarray
    error: np.ndarray
    """The cost's slope against every sum."""
    devices: Devices


class Optimiser(NamedTuple):
    """SGD, or ADAM with its two moments (arrays of the weights' shape)."""

    adam: bool
    moment1: float
    moment2: float
    epsilon: float
    first: np.ndarray
    second: np.ndarray


@kernel
def forward(pixels, net):
    """Fill in the sums and rates of every layer."""
    weights, base, widths, sums, rates = net.weights, net.base, net.widths, net.sums, net.rates
    top = widths.shape[0] - 1
    for layer in range(1, top + 1):
        if layer == 1:
            drive_from_below(weights, base[0], widths[0], widths[1], pixels, sums[1])
        else:
            drive_from_below(weights, base[layer - 1], widths[layer - 1], widths[layer], rates[layer - 1], sums[layer])
        for n in range(widths[layer]):
            x = net.gain[layer, n] * sums[layer, n]
            if layer == top:
                rates[layer, n] = 1.0 / (1.0 + math.exp(-x))
            else:
                rates[layer, n] = min(max(x, 0.0), 1.0)


@kernel
def backward(label, net):
    """The cost's slope against every sum, in `net.error`; the neurons' gains are not known here."""
    weights, base, widths, sums, rates, error = net.weights, net.base, net.widths, net.sums, net.rates, net.error
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
def send_pulse(weights, place, change, draws, programming, devices):
    """Write `change` with one pulse; no pulse where it is 0. `draws` and `programming` are as `write` takes them.
    Returns 1 if one was sent."""
    if change == 0:
        return 0
    if devices.alike:
        weights[place] = min(max(weights[place] + change, programming.low), programming.high)
        return 1
    up = max(change - devices.offset_up[place], 0.0) if change > 0 else 0.0
    down = min(change + devices.offset_down[place], 0.0) if change < 0 else 0.0
    write(weights, place, up, down, draws, programming, devices)
    return 1


@kernel
def update(pixels, net, optimiser, steps, rate, word):
    """One step of the optimiser on all weights; its moments have been moved `steps` times, this step included. Returns
    the pulses sent."""
    widths, error, devices = net.widths, net.error, net.devices
    adam, moment1, moment2, epsilon, first, second = optimiser
    unbias1, unbias2 = 1.0 - moment1**steps, 1.0 - moment2**steps
    pulses = 0
    for layer in range(1, widths.shape[0]):
        s = layer - 1
        programming = Programming(
            s, 1, 1.0, DRAW_BITS, net.rounding[s], net.low[s], net.high[s], 0.0, 0.0, 0.0, DRAW_BITS
        )
        for i in range(widths[s] + 1):
            row = net.base[s] + i
            value = 1.0 if i == widths[s] else pixels[i] if s == 0 else net.rates[s, i]
            if value == 0 and not adam:
                continue
            drawn, noise = row_word(word, net.number[s] + i), noise_row(word, net.number[s] + i)
            for n in range(widths[layer]):
                change = -rate[s] * value * error[layer, n]
                if adam:
                    slope = value * error[layer, n]
                    first[row, n] = moment1 * first[row, n] + (1.0 - moment1) * slope
                    second[row, n] = moment2 * second[row, n] + (1.0 - moment2) * slope * slope
                    change = -rate[s] * (first[row, n] / unbias1) / (math.sqrt(second[row, n] / unbias2) + epsilon)
                draws = neuron_draw(drawn, layer, n, DRAW_BITS), noise ^ devices.key[layer, n]
                pulses += send_pulse(net.weights, (row, n), change, draws, programming, devices)
    return pulses


@kernel
def learn_all(images, labels, key, net, optimiser, steps, rate, predictions):
    """Learn images in order; `key` is the first image's place in the stream of draws, `steps` how often the moments
    have been moved before. Returns the pulses sent."""
    top = net.widths.shape[0] - 1
    pulses = 0
    for at in range(images.shape[0]):
        forward(images[at], net)
        predictions[at] = highest(net.rates[top, : net.widths[top]])
        backward(labels[at], net)
        word = image_word(mix(key ^ UPDATES_WORD))
        pulses += update(images[at], net, optimiser, steps + at + 1, rate, word)
        key = next_key(key)
    return pulses


@kernel
def predict_all(images, net, predictions):
    """The highest output of each image."""
    top = net.widths.shape[0] - 1
    for at in range(images.shape[0]):
        forward(images[at], net)
        predictions[at] = highest(net.rates[top, : net.widths[top]])


def on_devices(config: Config, settings: BackpropSettings) -> Config:
    """The config as the baseline uses it: real numbers, its own range, and ideal devices where there are none."""
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

    def _feed(self) -> Feed:
        return Feed(
            self.array, self.base, self.widths, self.number, self.low, self.high, self.rounding, self.gain, self.sums,
            self.rates, self.error, self.devices,
        )  # fmt: skip

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
        key = int(next_key(first_key(self.config), int(self.steps)))
        adam = p.algorithm == "bp-adam"
        optimiser = Optimiser(adam, p.moment1, p.moment2, p.epsilon, self.first, self.second)
        self.pulses += learn_all(
            self.pixels(images), np.asarray(labels, np.int64), key, self._feed(), optimiser, int(self.steps), rate,
            predictions,
        )  # fmt: skip
        self.steps += len(images)
        return predictions

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The highest output."""
        predictions = np.zeros(len(images), np.int64)
        predict_all(self.pixels(images), self._feed(), predictions)
        return predictions

    def gradient(self, image: np.ndarray, label: int) -> tuple[np.ndarray, ...]:
        """The cost's gradient for one image, as the weights' shapes."""
        forward(self.pixels(image), self._feed())
        backward(label, self._feed())
        below = [self.pixels(image), *(self.rates[layer, : self.layers[layer]] for layer in range(1, len(self.layers)))]
        return tuple(
            np.outer(np.append(below[s], 1.0), self.error[s + 1, : self.layers[s + 1]])
            for s in range(len(self.layers) - 1)
        )
