"""What the crossbar is asked to do: operations, and who sends programming pulses with them."""

from __future__ import annotations

from amaranth.hdl import unsigned
from amaranth.lib import data, enum

from eqspike.rtl.layout import Layout


class Kind(enum.Enum, shape=3):
    """What the lanes do with an operation."""

    NOP = 0
    LOAD = 1
    """Begin a chunk: take its state, clear its currents."""
    ROW = 2
    """A spike below the chunk: add its row to the lanes' currents, program it with the lanes' rho-bars."""
    PAIR = 3
    """The synapses between the chunk and one neuron above: serve that neuron's column and the lanes' rows at once."""
    PEEK = 4
    """The host reads a weight."""
    POKE = 5
    """The host writes a weight."""


def row_layout(layout: Layout) -> data.StructLayout:
    """A row of an input in one of the other banks: is there one, where, is it programmed, and the input's number."""
    return data.StructLayout(
        {
            "valid": 1,
            "address": range(max(2, *layout.bank_words[1:])),
            "program": 1,
            "number": range(max(2, layout.layers[0])),
        }
    )


def operation_layout(layout: Layout) -> data.StructLayout:
    """An operation as it goes down the pipeline."""
    return data.StructLayout(
        {
            "kind": Kind,
            "chunk": range(max(2, len(layout.chunks))),
            # Whatever the lanes do: take the chunk's state again, read one more tap of its delay line, and end the
            # chunk, whose neurons then take a step.
            "reload": 1,
            "tap": 1,
            "update": 1,
            # Of the word in the weight memory.
            "address": range(max(2, layout.words)),
            # The synapse layer.
            "synapses": range(max(2, len(layout.layers) - 1)),
            "program": 1,
            # A row is served for the lanes' pulses only: the neuron below did not spike.
            "silent": 1,
            # The neuron above; for the host, the lane.
            "post": range(max(2, *layout.layers[1:], layout.lanes)),
            # Of the row's or column's neuron among all, on which draws depend.
            "number": range(max(2, sum(layout.layers) + len(layout.layers))),
            # Rows of inputs in the other banks, which are served whatever this operation is.
            "rows": data.ArrayLayout(
                row_layout(layout) if layout.banks > 1 else unsigned(0),
                layout.banks - 1,
            ),
        }
    )


def pulse_layout(layout: Layout) -> data.StructLayout:
    """Who sends a programming pulse with an operation: the neuron below, whose row this is (or the bias); the lanes'
    neurons; the neuron above."""
    return data.StructLayout({"row": 1, "lanes": layout.lanes, "above": 1})


__all__ = ["Kind", "operation_layout", "pulse_layout", "row_layout"]
