"""A network of rates that relaxes to a fixed point, trained by BPTT or by continual Eq-Prop (table 2.2).

The topology is EqSpike's: inputs -> hidden one-way, all other synapses two-way with one weight. With rates s in [0, 1],
weights W and biases b, one step is the gradient of a function Phi, cut to [0, 1] by the hard sigmoid (eqs 1.21, 2.4):

    Phi = (1 - e) |s|^2 / 2 + e (sum over synapses of s_i W_ij s_j + sum of b_i s_i),   e = `step`
    s(t+1) = clip(dPhi/ds + e beta (target - s) at the outputs)

The cost is |target - s|^2 / 2 at the outputs. Continual Eq-Prop changes the weights in every step of the nudge phase by
eta / beta (s_i(t+1) s_j(t+1) - s_i(t) s_j(t)) (eq 1.26). BPTT goes back through the last K steps of the free phase.

Because the Jacobian of a step is symmetric, the k-th step's change at fixed weights tends, for small beta, to minus the
gradient that BPTT finds k steps before the end, if the network stands at its fixed point there (Ernoult et al. 2019).
A rate that the hard sigmoid holds at 0 or 1 passes nothing on, in both.

Rates have shape (layers, neurons), row 0 unused; weights are stacked as in `golden.network`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eqspike.golden.baselines.settings import RelaxationSettings, Settings
from eqspike.golden.config import Config
from eqspike.golden.kernel import kernel
from eqspike.golden.nudge import highest
from eqspike.golden.parameters import row_bases


@kernel
def drive_from_below(weights, base, size, width, below, drive):
    """drive = W below + b, for one layer of `width` neurons above `size` ones; `drive` has shape (neurons,)."""
    for n in range(width):
        drive[n] = weights[base + size, n]
    for i in range(size):
        if below[i] != 0:
            for n in range(width):
                drive[n] += below[i] * weights[base + i, n]


class Relaxing(NamedTuple):
    """The relaxing network, for the kernels; weights are stacked as in `golden.network`."""

    weights: np.ndarray
    base: np.ndarray
    """Shape (synapse layers,): first row of each matrix."""
    widths: np.ndarray
    """Shape (layers,): neurons of each layer."""
    step: float
    free_steps: int
    nudge_steps: int
    input_drive: np.ndarray
    """Shape (neurons,): what the first hidden layer gets from the inputs."""
    history: np.ndarray
    """Shape (rows, layers, neurons): the last states; that of step t stands at row t mod rows."""


class Backwards(NamedTuple):
    """What BPTT needs besides."""

    error: np.ndarray
    passed: np.ndarray
    """Shape (layers, neurons), both."""
    gradient: np.ndarray
    """As the weights."""


@kernel
def relax_step(net, rates, new, label, beta):
    """One step from `rates` to `new`, nudged with `beta` toward `label`."""
    weights, base, widths, step, input_drive = net.weights, net.base, net.widths, net.step, net.input_drive
    top = widths.shape[0] - 1
    for layer in range(1, top + 1):
        if layer == 1:
            for n in range(widths[1]):
                new[1, n] = input_drive[n]
        else:
            drive_from_below(weights, base[layer - 1], widths[layer - 1], widths[layer], rates[layer - 1], new[layer])
        if layer < top:
            for i in range(widths[layer]):
                for k in range(widths[layer + 1]):
                    new[layer, i] += weights[base[layer] + i, k] * rates[layer + 1, k]
        for n in range(widths[layer]):
            exact = rates[layer, n] + step * (new[layer, n] - rates[layer, n])
            if layer == top:
                exact += step * beta * ((1.0 if n == label else 0.0) - rates[layer, n])
            new[layer, n] = min(max(exact, 0.0), 1.0)


@kernel
def drive_from_pixels(pixels, net):
    """Fill in `net.input_drive`."""
    drive_from_below(net.weights, net.base[0], net.widths[0], net.widths[1], pixels, net.input_drive)


@kernel
def free_phase(pixels, net):
    """Relax from rest for `net.free_steps` steps. Returns the history's row of the last state."""
    history = net.history
    rows = history.shape[0]
    history[0] = 0
    drive_from_pixels(pixels, net)
    for t in range(net.free_steps):
        relax_step(net, history[t % rows], history[(t + 1) % rows], 0, 0.0)
    return net.free_steps % rows


@kernel
def add_change(pixels, net, old, new, scale):
    """weights += scale (s_i(t+1) s_j(t+1) - s_i(t) s_j(t)) for every synapse, with a presynaptic 1 for biases."""
    base, widths, out = net.base, net.widths, net.weights
    for layer in range(1, widths.shape[0]):
        start, size = base[layer - 1], widths[layer - 1]
        for i in range(size):
            before = pixels[i] if layer == 1 else old[layer - 1, i]
            after = pixels[i] if layer == 1 else new[layer - 1, i]
            if before != 0 or after != 0:
                for n in range(widths[layer]):
                    out[start + i, n] += scale[layer - 1] * (after * new[layer, n] - before * old[layer, n])
        for n in range(widths[layer]):
            out[start + size, n] += scale[layer - 1] * (new[layer, n] - old[layer, n])


@kernel
def continual_eqprop(pixels, label, net, beta, rates):
    """Learn one image; `rates` are the layers' learning rates over beta. The history has two rows at least. The last
    state of the free phase decides. Returns the prediction."""
    history, top = net.history, net.widths.shape[0] - 1
    now = free_phase(pixels, net)
    prediction = highest(history[now, top, : net.widths[top]])
    rows = history.shape[0]
    for _ in range(net.nudge_steps):
        new = (now + 1) % rows
        drive_from_pixels(pixels, net)
        relax_step(net, history[now], history[new], label, beta)
        add_change(pixels, net, history[now], history[new], rates)
        now = new
    return prediction


@kernel
def bptt_back(pixels, label, net, steps, now, back):
    """The cost's gradient over the last `steps` steps, in `back.gradient`, which is 0 before; the last step's state
    stands in row `now` of the history, which has more than `steps` rows."""
    weights, base, widths, step, history = net.weights, net.base, net.widths, net.step, net.history
    error, passed, gradient = back.error, back.passed, back.gradient
    top, rows = widths.shape[0] - 1, history.shape[0]
    error[:] = 0
    for k in range(widths[top]):
        error[top, k] = history[now, top, k] - (1.0 if k == label else 0.0)
    for _ in range(steps):
        before = (now - 1) % rows
        for layer in range(1, top + 1):
            for n in range(widths[layer]):
                # The hard sigmoid's slope: 0 where it holds the rate.
                inside = 0.0 < history[now, layer, n] < 1.0
                passed[layer, n] = step * error[layer, n] if inside else 0.0
        for layer in range(1, top + 1):
            start, size = base[layer - 1], widths[layer - 1]
            for i in range(size if layer > 1 else 0):
                for n in range(widths[layer]):
                    gradient[start + i, n] += history[before, layer - 1, i] * passed[layer, n]
                    gradient[start + i, n] += history[before, layer, n] * passed[layer - 1, i]
            for n in range(widths[layer]):
                gradient[start + size, n] += passed[layer, n]
        # Back through the step: (1 - e) of the neuron's own, and both ways through its synapses.
        for layer in range(1, top + 1):
            for n in range(widths[layer]):
                own = passed[layer, n] * (1 - step) / step
                if layer > 1:
                    for i in range(widths[layer - 1]):
                        own += weights[base[layer - 1] + i, n] * passed[layer - 1, i]
                if layer < top:
                    for k in range(widths[layer + 1]):
                        own += weights[base[layer] + n, k] * passed[layer + 1, k]
                error[layer, n] = own
        now = before
    # The inputs do not change: their synapses' gradient is the bias's times the pixel.
    for i in range(widths[0]):
        for n in range(widths[1]):
            gradient[i, n] = pixels[i] * gradient[widths[0], n]


@kernel
def bptt(pixels, label, net, rates, back):
    """Learn one image; `rates` are the layers' learning rates. Returns the prediction."""
    weights, base, widths = net.weights, net.base, net.widths
    top = widths.shape[0] - 1
    now = free_phase(pixels, net)
    prediction = highest(net.history[now, top, : widths[top]])
    back.gradient[:] = 0
    bptt_back(pixels, label, net, net.nudge_steps, now, back)
    for layer in range(1, top + 1):
        for i in range(widths[layer - 1] + 1):
            for n in range(widths[layer]):
                weights[base[layer - 1] + i, n] -= rates[layer - 1] * back.gradient[base[layer - 1] + i, n]
    return prediction


@kernel
def learn_bptt(images, labels, net, rates, back, predictions):
    """`bptt` for images in order."""
    for at in range(images.shape[0]):
        predictions[at] = bptt(images[at], labels[at], net, rates, back)


@kernel
def learn_eqprop(images, labels, betas, net, rates, scaled, predictions):
    """`continual_eqprop` for images in order, each with its beta; `scaled` has shape (synapse layers,)."""
    for at in range(images.shape[0]):
        for s in range(rates.shape[0]):
            scaled[s] = rates[s] / betas[at]
        predictions[at] = continual_eqprop(images[at], labels[at], net, betas[at], scaled)


@kernel
def predict_all(images, net, predictions):
    """The highest output at the end of the free phase of each image."""
    top = net.widths.shape[0] - 1
    for at in range(images.shape[0]):
        predictions[at] = highest(net.history[free_phase(images[at], net), top, : net.widths[top]])


def initial_weights(config: Config, settings: Settings) -> list[np.ndarray]:
    """Normal weights of standard deviation init / sqrt(fan-in), shape (presynaptic + 1, postsynaptic), from the draws
    that `golden.network` makes for the same seed; `bias` is added to the last rows."""
    generator = np.random.default_rng([config.training.seed, 1])
    out = []
    for below, above in itertools.pairwise(config.network.layers):
        weights = generator.normal(0.0, settings.init / np.sqrt(below), (below + 1, above))
        weights[-1] += settings.bias
        out.append(weights)
    return out


class Stacked:
    """Weights of a network below each other in one array, and images as rates."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self.config = config
        self.layers = config.network.layers
        self.widths = np.array(self.layers, np.int64)
        self.base = np.array(row_bases(self.layers), np.int64)
        self.width = max(self.layers[1:])
        self.array = self.stack(initial_weights(config, settings))
        self.weights = self.views(self.array)

    def stack(self, weights: Sequence[np.ndarray]) -> np.ndarray:
        """One array of shape (rows, widest layer)."""
        out = np.zeros((sum(size + 1 for size in self.layers[:-1]), self.width))
        for view, new in zip(self.views(out), weights, strict=True):
            view[:] = new
        return out

    def views(self, array: np.ndarray) -> tuple[np.ndarray, ...]:
        """The matrices in such an array, each of shape (presynaptic + 1, postsynaptic), bias last."""
        return tuple(array[base : base + self.layers[s] + 1, : self.layers[s + 1]] for s, base in enumerate(self.base))

    def pixels(self, images: np.ndarray) -> np.ndarray:
        """Images as rates 0..1."""
        return np.ascontiguousarray(images, np.float64) / self.config.input.full_scale

    def state(self) -> dict[str, np.ndarray]:
        """All that learning changes, by name."""
        return {"weights": self.array}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Take what `state` gave. Raises ValueError or KeyError where it is another network's."""
        for name, array in self.state().items():
            if state[name].shape != array.shape:
                raise ValueError(f"{name}: shape {state[name].shape}; this network needs {array.shape}")
            array[...] = state[name]

    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float | None:
        """Share of images predicted right; None where there are none."""
        return float(np.mean(self.predict(images) == labels)) if len(labels) else None

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Label of each image."""
        raise NotImplementedError


class RelaxationNetwork(Stacked):
    """The relaxing network; `settings.algorithm` says how it learns."""

    def __init__(self, config: Config, settings: RelaxationSettings) -> None:
        super().__init__(config, settings)
        self.settings = settings
        settings.rates(config, 0)
        shape = (len(self.layers), self.width)
        self.history = np.zeros((settings.nudge_steps + 1, *shape))
        self.input_drive = np.zeros(self.width)
        self.backwards = Backwards(np.zeros(shape), np.zeros(shape), np.zeros_like(self.array))

    def learn(self, images: np.ndarray, labels: np.ndarray, epoch: int, first: int = 0) -> np.ndarray:
        """Learn images in order, `first` being the number of the first one in its epoch; returns the predictions, each
        made before the image was learned."""
        p, predictions = self.settings, np.zeros(len(images), np.int64)
        rates = np.array(p.rates(self.config, epoch))
        pixels, labels = self.pixels(images), np.asarray(labels, np.int64)
        if p.algorithm == "bptt":
            learn_bptt(pixels, labels, self._relaxing(), rates, self.backwards, predictions)
            return predictions
        signs = np.ones(len(images))
        if p.random_sign:
            draws = np.random.default_rng([self.config.training.seed, 4, epoch]).integers(0, 2, first + len(images))
            signs = 2.0 * draws[first:] - 1
        learn_eqprop(pixels, labels, signs * p.beta, self._relaxing(), rates, np.zeros_like(rates), predictions)
        return predictions

    def _relaxing(self) -> Relaxing:
        p = self.settings
        return Relaxing(
            self.array, self.base, self.widths, p.step, p.free_steps, p.nudge_steps, self.input_drive, self.history
        )

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The highest output at the end of the free phase."""
        predictions = np.zeros(len(images), np.int64)
        predict_all(self.pixels(images), self._relaxing(), predictions)
        return predictions

    def bptt_gradient(self, image: np.ndarray, label: int, steps: int | None = None) -> tuple[np.ndarray, ...]:
        """The cost's gradient over the last `steps` steps (nudge_steps of them), as the weights' shapes."""
        steps = self.settings.nudge_steps if steps is None else steps
        back = self.backwards._replace(gradient=np.zeros_like(self.array))
        pixels, net = self.pixels(image), self._relaxing()
        bptt_back(pixels, label, net, steps, free_phase(pixels, net), back)
        return self.views(back.gradient)
