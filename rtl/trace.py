"""The core's trace: every change of state as it happens, for simulation."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.nudge import OutputRates
from eqspike.rtl.operation import operation_layout
from eqspike.rtl.streams import COUNTER_BITS, Stage, chunk_shape, neuron_layout, step_shape


def trace_signature(config: Config, crossbar: Crossbar, rates: OutputRates) -> wiring.Signature:
    """What the trace shows.

    `step_done` strobes when all neurons have taken a step: `step` is its number plus one, `word` its word of the draws,
    `inputs` the inputs that fired in it and `counts` the outputs' counts after it. `neurons_valid`: state and spikes of
    a chunk. `write_toggle` changes when words of the weight memory were written, in the banks of `write_valid`, by the
    spikes of step `write_step` - 1. The last three are `rtl.counters.Measurements`.
    """
    layout, step = crossbar.layout, step_shape(config)
    return wiring.Signature(
        {
            "step": Out(step),
            "step_done": Out(1),
            "word": Out(32),
            "counts": Out(rates.counts.shape()),
            "inputs": Out(layout.layers[0]),
            "neurons_valid": Out(1),
            "neurons_chunk": Out(chunk_shape(layout)),
            "neurons": Out(data.ArrayLayout(neuron_layout(config), layout.lanes)),
            "neurons_spikes": Out(layout.lanes),
            "write_toggle": Out(1),
            "write_valid": Out(layout.banks),
            "write_step": Out(step),
            "write_address": Out(crossbar.write_address.shape()),
            "write_data": Out(crossbar.write_data.shape()),
            "stages": Out(data.ArrayLayout(COUNTER_BITS, len(Stage))),
            "rows": Out(data.ArrayLayout(COUNTER_BITS, layout.banks)),
            "row_cycles": Out(COUNTER_BITS),
        }
    )


class WriteTrace(wiring.Component):
    """Words of the weight memory as they are written, and the word of the draws of each step.

    - `operation` (`operation_layout`): the one in stage A; `step`: the step it belongs to; `word_now` (32): the word of
      the draws.
    - `valid`, `address`, `data`: the crossbar's writes, `write_stage` cycles after their operation was in stage A.
    - `word` (32): the word of the step whose last chunk was ended. `toggle`, `write_valid`, `write_step`,
      `write_address`, `write_data`: see `trace_signature`; they keep the last writes.
    """

    LATENCY = 1

    def __init__(self, config: Config, crossbar: Crossbar) -> None:
        self.layout = crossbar.layout
        self.write_stage = crossbar.write_stage
        step = step_shape(config)
        super().__init__(
            {
                "operation": In(operation_layout(crossbar.layout)),
                "step": In(step),
                "word_now": In(32),
                "valid": In(crossbar.layout.banks),
                "address": In(crossbar.write_address.shape()),
                "data": In(crossbar.write_data.shape()),
                "word": Out(32),
                "toggle": Out(1),
                "write_valid": Out(crossbar.layout.banks),
                "write_step": Out(step),
                "write_address": Out(crossbar.write_address.shape()),
                "write_data": Out(crossbar.write_data.shape()),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # From stage A, where the step begins, to X, where words are written.
        write_step = self.step
        for stage in range(self.write_stage):
            earlier = Signal.like(self.step, name=f"write_step_{stage}")
            m.d.sync += earlier.eq(write_step)
            write_step = earlier
        with m.If(self.valid.any()):
            m.d.sync += [
                self.write_step.eq(write_step),
                self.toggle.eq(~self.toggle),
                self.write_valid.eq(self.valid),
            ]
        for bank in range(self.layout.banks):
            with m.If(self.valid[bank]):
                m.d.sync += [
                    self.write_address[bank].eq(self.address[bank]),
                    self.write_data[bank].eq(self.data[bank]),
                ]
        with m.If(self.operation.update & (self.operation.chunk == len(self.layout.chunks) - 1)):
            m.d.sync += self.word.eq(self.word_now)
        return m


__all__ = ["WriteTrace", "trace_signature"]
