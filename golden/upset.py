"""Upsets: one bit of weights or of state flips, as a particle does it, at a drawn step of an image.

`PLACES` says what is kept between two steps and where. A flip falls between two steps: after the neurons took step
`Upset.step`, before the next one reads what they left. The circuit keeps numbers in as many bits as their format has,
so what a flip makes too great for it wraps; the kernels of `golden.step` know no such numbers, and `wrap` does it for
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eqspike.golden import nudge
from eqspike.golden.config import Config
from eqspike.golden.counters import COUNTERS, IMAGES, NUDGED, SKIPPED, STEPS
from eqspike.golden.derived import history_depth
from eqspike.golden.draw import MASK32, image_word, next_key, xorshift32
from eqspike.golden.kernel import kernel
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network, Result
from eqspike.golden.number import FixedNumbers, fixed_numbers
from eqspike.golden.state import Moment
from eqspike.golden.step import history_rows, neuron_update, reset, synapse_pass
from eqspike.golden.validation import fail

PLACES = {
    "weights": "a weight, between two images",
    "membrane": "a neuron's membrane potential",
    "rho-bar": "a neuron's integrator, which is rho-bar, and what others see of it",
    "filter": "a neuron's running difference of spikes",
    "refractory": "a neuron's steps until it may fire again",
    "delay line": "a spike of the past",
    "spikes": "a spike that is to be served",
    "spike list": "the number of an input that fired and is to be served",
    "pixels": "a pixel of the image",
    "input membrane": "an input neuron's membrane potential",
    "output counts": "an output's spikes in the window",
    "key": "the place in the stream of random draws, between two images",
    "counters": "a counter of events, between two images",
}
"""Kinds of memory, and what one bit in it is part of."""
BETWEEN_IMAGES = ("weights", "key", "counters")
WORD_BITS = 32
"""Of the key and of each counter."""


class Cell(NamedTuple):
    """One bit of one kind of memory in one layer; which neuron's (or synapse's) it is remains to be drawn."""

    place: str
    layer: int
    """Of synapses for weights, of neurons else; 0 is the inputs'."""
    bit: int


class Upset(NamedTuple):
    """One flip."""

    cell: Cell
    image: int
    """Number of the image; before it, where `cell.place` is one of `BETWEEN_IMAGES`."""
    step: int
    """It falls after this step."""
    index: int
    """Whose bit: number of the neuron, the input, the output, the counter, or the weight in its matrix row by row; in
    the spike list the entry's, counted round."""
    age: int
    """In the delay line: of a spike so many steps before `step`."""


class Limits(NamedTuple):
    """Widths that numbers wrap at, for the kernels."""

    signal: int
    filter: int
    """0: the circuit keeps no running difference."""
    count: int
    input: int
    input_rest: int
    """The circuit's memory holds an input's membrane plus this."""


def limits_of(numbers: FixedNumbers, config: Config) -> Limits:
    """`Limits` of a config."""
    rest = (1 << numbers.input_bits) - 1 - numbers.input_threshold
    kept = numbers.filter.bits if config.rate.filter > 1 else 0
    return Limits(numbers.signal.bits, kept, numbers.count_bits, numbers.input_bits, rest)


def cells(config: Config) -> list[Cell]:
    """All cells of a config in fixed point, in the order of `PLACES`.

    With A-EqSpike only weights, key and counters: the state of its pulse tails is not covered. Nor are the spikes
    counted since the last programming pulse, where only every so many spikes send one.
    """
    programming = config.programming
    if programming.own_steps:
        key = "accumulator" if programming.gathers else "when"
        fail(f"programming.{key}", getattr(programming, key), "the default: upsets of what is summed are not modelled")
    numbers, layers = fixed_numbers(config), config.network.layers
    found = [Cell("weights", s, bit) for s, synapse in enumerate(config.synapses) for bit in range(synapse.bits)]
    if not config.pulses:
        neurons = {
            "membrane": numbers.membrane.bits,
            "rho-bar": numbers.signal.bits,
            "filter": limits_of(numbers, config).filter,
            "refractory": (config.neuron.refractory - 1).bit_length(),
            "delay line": 1,
            "spikes": 1,
        }
        found += [
            Cell(place, layer, bit)
            for place, bits in neurons.items()
            for layer in range(1, len(layers))
            for bit in range(bits)
        ]
        inputs = {
            "spike list": (layers[0] - 1).bit_length(),
            "pixels": numbers.pixel_bits,
            "input membrane": numbers.input_bits,
        }
        found += [Cell(place, 0, bit) for place, bits in inputs.items() for bit in range(bits)]
        found += [Cell("output counts", len(layers) - 1, bit) for bit in range(numbers.count_bits)]
    return found + [Cell(place, 0, bit) for place in ("key", "counters") for bit in range(WORD_BITS)]


def owners(config: Config, cell: Cell) -> int:
    """How many neurons, synapses, inputs, ... have such a bit."""
    layers = config.network.layers
    if cell.place == "weights":
        return (layers[cell.layer] + 1) * layers[cell.layer + 1]
    if cell.place in ("key", "counters"):
        return 1 if cell.place == "key" else len(COUNTERS) + len(layers)
    return layers[cell.layer]


def draw(config: Config, generator: np.random.Generator, cell: Cell, image: int = 0) -> Upset:
    """A flip of that cell at a step, of a neuron and of an age that are drawn uniformly."""
    learning = config.learning
    step = int(generator.integers(learning.free_steps + learning.nudge_steps - 1))
    age = int(generator.integers(min(step + 1, history_depth(config))))
    return Upset(cell, image, step, int(generator.integers(owners(config, cell))), age)


def flipped(value: int, bit: int, bits: int, signed: bool = True) -> int:
    """A number of so many bits with one of them flipped."""
    word = (int(value) & ((1 << bits) - 1)) ^ (1 << bit)
    return word - (1 << bits) if signed and word >> (bits - 1) else word


# ---------------------------------------------------------------------------------------------------------------------
# Between images


def strike_between(network: Network, upset: Upset) -> None:
    """Flip a bit of a weight, of the key or of a counter. Stuck devices keep their weight."""
    cell = upset.cell
    if cell.place == "weights":
        weights = [layer.copy() for layer in network.weights]
        place = np.unravel_index(upset.index, weights[cell.layer].shape)
        bits = network.config.synapses[cell.layer].bits
        weights[cell.layer][place] = flipped(weights[cell.layer][place], cell.bit, bits)
        network.load_weights(weights)
    elif cell.place == "key":
        network.key = flipped(network.key, cell.bit, WORD_BITS, signed=False)
    else:
        network.counters[upset.index] = flipped(network.counters[upset.index], cell.bit, WORD_BITS, signed=False)


# ---------------------------------------------------------------------------------------------------------------------
# Within an image


@kernel
def wrapped(x, bits):
    """A number as so many bits hold it, signed."""
    half = 1 << (bits - 1)
    return ((x + half) & (2 * half - 1)) - half


@kernel
def wrap(p, limits, state):
    """What the memories hold of numbers that a flip has made too great for them."""
    integrator = state.integrator
    filtered = state.filtered
    counts = state.counts
    membrane = state.input_membrane
    for layer in range(1, p.widths.shape[0]):
        for n in range(p.widths[layer]):
            integrator[layer, n] = wrapped(integrator[layer, n], limits.signal)
            if limits.filter:
                filtered[layer, n] = wrapped(filtered[layer, n], limits.filter)
    for k in range(counts.shape[0]):
        counts[k] &= (1 << limits.count) - 1
    for n in range(membrane.shape[0]):
        membrane[n] = ((membrane[n] + limits.input_rest) & ((1 << limits.input) - 1)) - limits.input_rest


@kernel
def advance(begin, end, nudging, word, sign, label, limits, pixels, chip):
    """Steps `begin` to `end` - 1 of an image, as `golden.phases.present` does them, from the generator's word before
    them. Returns (the word after them, the first output to spike or -1, its step or -1)."""
    p = chip.parameters
    state = chip.state
    counters = chip.counters
    outputs = p.widths.shape[0] - 1
    first, first_step = -1, -1
    for t in range(begin, end):
        word = xorshift32(word)
        moment = Moment(t, sign, word)
        synapse_pass(t > p.free_steps, moment, p, state, chip.weights, counters, chip.devices)
        neuron_update(moment, label, nudging, p, pixels, state, counters)
        wrap(p, limits, state)
        if first < 0:
            first = nudge.first_spike(state.spikes, outputs, p.widths[outputs])
            if first >= 0:
                first_step = t
    return word, first, first_step


class Struck(NamedTuple):
    """An image that was presented with flips in it."""

    result: Result
    done: list[Upset]
    """Flips that fell, in order, `index` of the spike list resolved to an entry. Those of steps that the image does not
    have, and of the spike list those that name no input, or one that fired too, fall on nothing."""


def present_struck(network: Network, image: np.ndarray, label: int, mode: int, upsets: Sequence[Upset]) -> Struck:
    """Present one image, in mode INFER or LEARN, as `Network.present` does, with flips in it.

    Flips of `BETWEEN_IMAGES` come before it. A learned image moves on the stream of random draws.
    """
    done = [upset for upset in upsets if upset.cell.place in BETWEEN_IMAGES]
    for upset in done:
        strike_between(network, upset)
    chip, limits = network.chip(), limits_of(network.numbers, network.config)
    p, state, counters = chip.parameters, chip.state, chip.counters
    waiting = sorted((u for u in upsets if u.cell.place not in BETWEEN_IMAGES), key=lambda u: u.step, reverse=True)
    pixels = np.array(image, state.input_membrane.dtype)
    reset(state, p, network.key)
    counters[IMAGES] += 1
    word = int(image_word(network.key))
    sign = -1 if p.random_sign and word & 1 else 1
    free, end = int(p.free_steps), int(p.free_steps + p.nudge_steps)
    at, nudged, first, first_step = 0, False, -1, -1
    prediction, free_counts = 0, ()
    while at < (end if nudged else free):
        until = end if nudged else free
        if waiting:
            until = min(until, waiting[-1].step + 1)
        word, spiked, step = advance(at, until, nudged, word, sign, label, limits, pixels, chip)
        if first < 0:
            first, first_step = int(spiked), int(step)
        at = until
        while waiting and waiting[-1].step == at - 1:
            if (fell := _strike(network, waiting.pop(), pixels)) is not None:
                done.append(fell)
        if at == free and not nudged:
            prediction, free_counts = int(nudge.highest(state.counts)), tuple(int(c) for c in state.counts)
            if mode == LEARN:
                nudged = not nudge.within_tolerance(label, p.target, state.counts, p.skip_counts)
                counters[NUDGED if nudged else SKIPPED] += 1
    counters[STEPS] += at
    if mode == LEARN:
        network.key = int(next_key(network.key)) & MASK32
    return Struck(Result(prediction, first, first_step, nudged, free_counts), done)


def _strike(network: Network, upset: Upset, pixels: np.ndarray) -> Upset | None:
    """Flip the bit. None where it falls on nothing."""
    state, numbers, (place, layer, bit) = network.state, network.numbers, upset.cell
    n, limits = upset.index, limits_of(numbers, network.config)
    signed = {
        "membrane": (state.membrane, numbers.membrane.bits),
        "rho-bar": (state.integrator, limits.signal),
        "filter": (state.filtered, limits.filter),
    }
    if place in signed:
        array, bits = signed[place]
        array[layer, n] = flipped(array[layer, n], bit, bits)
    elif place == "refractory":
        state.refractory[layer, n] ^= 1 << bit
    elif place == "spikes":
        state.spikes[layer, n] ^= 1
    elif place == "delay line":
        depth = state.history.shape[0]
        state.history[(upset.step - upset.age) % depth, layer, n] ^= 1
        if not limits.filter:
            _difference(network, upset.step + 1)
    elif place == "pixels":
        pixels[n] ^= 1 << bit
    elif place == "input membrane":
        stored = state.input_membrane[n] + limits.input_rest
        state.input_membrane[n] = (int(stored) ^ (1 << bit)) - limits.input_rest
    elif place == "output counts":
        state.counts[n] ^= 1 << bit
    else:
        return _strike_list(network, upset)
    return upset


def _difference(network: Network, t: int) -> None:
    """Without a filter the circuit keeps no difference of spikes, but forms it from the delay line in step `t`:
    golden's becomes what the delay line, as it is now, says that it was."""
    state = network.state
    rows = history_rows(t, network.parameters.ages, state.history.shape[0])
    state.filtered[:] = state.history[rows.leaving] - state.history[rows.delayed_leaving]


def _strike_list(network: Network, upset: Upset) -> Upset | None:
    """An entry of the list of inputs that fired names another one.

    The circuit would read a word of other synapses for an entry that names no input, and would lose one of two steps
    of a row that is served twice in turn; golden has neither, so such flips are left out.
    """
    state = network.state
    fired = int(state.fired[0])
    if fired == 0:
        return None
    entry = upset.index % fired
    listed = state.fired_list[:fired]
    old, new = int(listed[entry]), int(listed[entry]) ^ (1 << upset.cell.bit)
    if new >= network.layers[0] or new in listed:
        return None
    listed[entry] = new
    if state.pulse_list is not state.fired_list:
        pulsed = state.pulse_list[: int(state.pulsed[0])]
        pulsed[pulsed == old] = new
    return upset._replace(index=entry)


__all__ = [
    "BETWEEN_IMAGES", "PLACES", "WORD_BITS", "Cell", "Struck", "Upset", "cells", "draw", "flipped", "owners",
    "present_struck", "strike_between",
]  # fmt: skip
