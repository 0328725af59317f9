"""What the core's streams carry, and the structs that its parts hand to each other."""

from __future__ import annotations

from amaranth.hdl import signed, unsigned
from amaranth.lib import data, enum

from eqspike.golden import derived, modes
from eqspike.golden.config import Config
from eqspike.golden.counters import COUNTERS
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import operation_layout

COUNTER_BITS = 32


class Mode(enum.Enum, shape=2):
    """What to do with an image."""

    INFER = modes.INFER
    """The free phase."""
    LEARN = modes.LEARN
    """Both phases."""
    INFER_FIRST_SPIKE = modes.INFER_FIRST_SPIKE
    """The free phase up to the first output spike."""


class Stage(enum.Enum, shape=4):
    """What the sequencer is at, for measurements."""

    IDLE = 0
    """Waits for an image, or for the last result to be taken."""
    FILL = 1
    """Takes an image."""
    BEGIN = 2
    """Begins a step, or waits until a chunk's neurons stand."""
    LOAD = 3
    """Reads a chunk's state."""
    SERVE = 4
    """Serves spikes."""
    WAIT = 5
    """Waits for spikes or sums."""
    UPDATE = 6
    """Ends a chunk."""
    DRAIN = 7
    """Waits until the step is over."""
    RESULT = 8
    """Judges the outputs, or gives the result."""
    SWEEP = 9
    """Programs weights at the image's end."""


# ---------------------------------------------------------------------------------------------------------------------
# Streams and ports of the core.


def image_layout(config: Config) -> data.StructLayout:
    """The stream of images: one pixel a transfer; label and mode are taken with an image's first pixel."""
    return data.StructLayout(
        {
            "pixel": fixed_numbers(config).pixel_bits,
            "label": range(max(2, config.network.layers[-1])),
            "mode": Mode,
        }
    )


def result_layout(config: Config) -> data.StructLayout:
    """One result an image. `counts`: spikes of each output in the window at the end of the free phase. `first_step`
    counts through both phases: outputs may wait for the nudge with their first spike."""
    outputs, learning = config.network.layers[-1], config.learning
    return data.StructLayout(
        {
            "prediction": range(max(2, outputs)),
            "first_valid": 1,
            "first_spike": range(max(2, outputs)),
            "first_step": range(learning.free_steps + learning.nudge_steps),
            "nudged": 1,
            "counts": data.ArrayLayout(unsigned(fixed_numbers(config).count_bits), outputs),
        }
    )


def counter_layout(config: Config) -> data.StructLayout:
    """Counters since the last `clear_counters`; they wrap at 2^32. `spikes` by layer, inputs first."""
    return data.StructLayout(
        {
            **dict.fromkeys(("cycles", *COUNTERS), COUNTER_BITS),
            "spikes": data.ArrayLayout(COUNTER_BITS, len(config.network.layers)),
        }
    )


def weight_layout(crossbar: Crossbar) -> data.StructLayout:
    """A command of the weight port: write or read one weight; `rtl.layout.Layout.place` gives word and lane."""
    return data.StructLayout(
        {
            "write": 1,
            "word": range(max(2, crossbar.layout.words)),
            "lane": range(max(2, crossbar.layout.lanes)),
            "data": signed(crossbar.cell_bits),
        }
    )


# ---------------------------------------------------------------------------------------------------------------------
# Neurons.


def step_shape(config: Config) -> range:
    """A step's number, or how many steps were taken: free phase and nudge phase counted through."""
    return range(config.learning.free_steps + config.learning.nudge_steps + 1)


def chunk_shape(layout: Layout) -> range:
    """A chunk's number among all."""
    return range(max(2, len(layout.chunks)))


def own_pulses(config: Config) -> bool:
    """Does a neuron send its programming pulses at other times than its spikes, so that both must be told?"""
    return config.programming.every > 1 or config.pulses


def tap_ages(config: Config) -> list[int]:
    """How many steps ago the spikes are that the neurons' signals (rho-bar or tails) read from the delay line.

    Of the ages that golden reads, tails leave out those a step after another, and rho-bar without a filter those a
    filter later: what was read before is kept in the neuron's state.
    """
    ages = derived.tap_ages(config)
    if config.pulses:
        return [ages.delayed, ages.old]
    if config.rate.filter == 1:
        return [ages.delayed]
    return [ages.delayed, ages.leaving, ages.delayed_leaving]


def neuron_layout(config: Config) -> data.StructLayout:
    """One neuron's state in the state memory. `filtered` where the signal has a running difference or a count,
    `pulse_count` (spikes since the last programming pulse) where only every so many spikes send one; `rate_sum` and
    `spike_count` (of the nudge phase) where weights are programmed at the image's end."""
    numbers = fixed_numbers(config)
    fields = {
        "membrane": signed(numbers.membrane.bits),
        "refractory": unsigned((config.neuron.refractory - 1).bit_length()),
        "integrator": signed(numbers.signal.bits),
    }
    if config.pulses and config.pulse.shape == "saw":
        fields["filtered"] = unsigned(numbers.tail_count_bits)
    elif not config.pulses and config.rate.filter > 1:
        fields["filtered"] = signed(numbers.filter.bits)
    if config.programming.every > 1:
        fields["pulse_count"] = unsigned((config.programming.every - 1).bit_length())
    if config.programming.image_end:
        fields["rate_sum"], fields["spike_count"] = signed(numbers.rate_sum.bits), unsigned(numbers.spike_count.bits)
    return data.StructLayout(fields)


def layer_name(layer: int) -> str:
    """The field of a layer in `layer_bits` and `layer_signals`."""
    return f"layer_{layer}"


def layer_bits(config: Config) -> data.StructLayout:
    """A bit for each neuron (who spiked, who sends a pulse), by layer from 1."""
    sizes = config.network.layers
    return data.StructLayout({layer_name(layer): sizes[layer] for layer in range(1, len(sizes))})


def chunk_update_layout(layout: Layout) -> data.StructLayout:
    """A chunk whose neurons take a step: `valid`, `chunk`."""
    return data.StructLayout({"valid": 1, "chunk": chunk_shape(layout)})


def update_layout(config: Config, layout: Layout) -> data.StructLayout:
    """What a step made of a chunk's neurons: `state`, `spikes` and programming `pulses` of the lanes, `leaving` (their
    spikes that leave the outputs' window), when `valid`. Lanes without a neuron never spike."""
    return data.StructLayout(
        {
            "valid": 1,
            "chunk": chunk_shape(layout),
            "state": data.ArrayLayout(neuron_layout(config), layout.lanes),
            "spikes": layout.lanes,
            "pulses": layout.lanes,
            "leaving": layout.lanes,
        }
    )


# ---------------------------------------------------------------------------------------------------------------------
# Operations.


def tap_shape(config: Config) -> range:
    """Number of a tap of the delay line: those of `tap_ages`, then the outputs' window."""
    return range(max(2, len(tap_ages(config)) + 1))


def issue_layout(config: Config, layout: Layout) -> data.StructLayout:
    """An operation as the sequencer issues it. `listed`: it is the row of the next entry of bank 0's spike list, whose
    place is added on the way. `tap`: which tap of the delay line it reads, if it does."""
    return data.StructLayout({"operation": operation_layout(layout), "listed": 1, "tap": tap_shape(config)})


__all__ = [
    "COUNTER_BITS", "Mode", "Stage", "chunk_shape", "chunk_update_layout", "counter_layout", "image_layout",
    "issue_layout", "layer_bits", "layer_name", "neuron_layout", "own_pulses", "result_layout", "step_shape",
    "tap_ages", "tap_shape", "update_layout", "weight_layout",
]  # fmt: skip
