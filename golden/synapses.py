"""Constants of one layer of synapses, as the kernels of `golden.crossbar` and `golden.device` take them."""

from __future__ import annotations

from typing import NamedTuple

from eqspike.golden.kernel import inlined


class Programming(NamedTuple):
    """How the synapses of one layer are programmed at one epoch: a handful of numbers that travel together.

    Fixed point: integers, a step is `weight_step(v, factor, gain, shift, rounding, draw)`. Real numbers: `gain`, `low`
    and `high` are floats.
    """

    layer: int
    """Number of the layer of synapses, input side first."""
    factor: int
    gain: float | int
    shift: int
    """Also the bits of a draw for rounding."""
    rounding: int
    low: float | int
    high: float | int
    """Bounds of a weight, inclusive."""
    full: float | int
    """A change is gathered until it is this large, in what changes are rounded to; 0: the device gets each."""
    least: float | int
    """How far below that the accumulator's last value lies."""
    pulse: float | int
    """The device's pulse then, as a weight."""
    write_shift: int
    """Bits of a device's change below the weight's LSB, and of the draw for rounding it."""


class Synapses(NamedTuple):
    """One layer of synapses: where it stands in the array of weights, whom it connects, how it is programmed.

    It connects neurons of layer `layer` (below, rows; the bias is the last row) with those of layer `layer + 1` (above,
    columns).
    """

    layer: int
    base: int
    """Its first row in the array of weights."""
    below: int
    """Neurons below: the row of the bias, counted from `base`."""
    above: int
    padded: int
    """`above`, rounded up to whole groups; the neurons that do not exist have weights and steps of 0."""
    number_below: int
    """Number of the first neuron below among all neurons, for draws."""
    number_above: int
    per_synapse: bool
    """One draw a synapse, not one a neuron."""
    programming: Programming


@inlined
def synapses_of(p, s):
    """`Synapses` of layer s in the `Parameters` p."""
    return Synapses(
        s,
        p.base[s],
        p.widths[s],
        p.widths[s + 1],
        p.padded[s + 1],
        p.number[s],
        p.number[s + 1],
        p.per_synapse[s],
        Programming(
            s,
            p.step_factor[s],
            p.step_gain[s],
            p.step_shift[s],
            p.rounding[s],
            p.weight_low[s],
            p.weight_high[s],
            p.full[s],
            p.least[s],
            p.pulse[s],
            p.write_shift[s],
        ),
    )
