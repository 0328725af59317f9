"""State of the chunk being served: state memory, delay line, and the registers that they are loaded into."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from eqspike.golden.config import Config
from eqspike.golden.derived import history_depth
from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import Kind, operation_layout
from eqspike.rtl.streams import (
    layer_bits,
    layer_name,
    neuron_layout,
    own_pulses,
    step_shape,
    tap_ages,
    tap_shape,
    update_layout,
)


class ChunkState(wiring.Component):
    """What is known of a chunk's neurons while its spikes are served. Memories are read beside the weights.

    - `operation_a`, `tap_a`, `step_a`, `operation_r`, `tap_r`: operations on their way (`rtl.pipeline.Pipeline`). A
      LOAD or `reload` takes the chunk's state, spikes, pulses and one tap, `tap` one tap more.
    - `spikes`, `pulses` (`rtl.streams.layer_bits`): those of all neurons as the last step left them.
    - `update` (`rtl.streams.update_layout`): a chunk that took a step, and `step`: which one, counted from 0. Its state
      and spikes stand in memory, for a LOAD in stage A, `WRITE_LATENCY` cycles later.
    - `state` (an array of `neuron_layout`), `lane_spikes`, `lane_pulses` (a bit a lane): of the loaded chunk.
    - `taps` (a bit a lane, each): its spikes of `rtl.streams.tap_ages` and of `learning.window` steps ago.

    Latency `LATENCY` from stage A. An image begins without clearing: in its first step a state is taken as 0, and taps
    that reach before it read as 0.
    """

    LATENCY = 2
    WRITE_LATENCY = 1

    def __init__(self, config: Config, layout: Layout) -> None:
        self.layout = layout
        self.ages = [*tap_ages(config), config.learning.window]
        self.depth_bits = ceil_log2(history_depth(config))
        """Of the delay line: steps that it holds for each chunk."""
        self.own_pulses = own_pulses(config)
        operation, tap, step = operation_layout(layout), tap_shape(config), step_shape(config)
        self.state_layout = data.ArrayLayout(neuron_layout(config), layout.lanes)
        super().__init__(
            {
                "operation_a": In(operation),
                "tap_a": In(tap),
                "step_a": In(step),
                "operation_r": In(operation),
                "tap_r": In(tap),
                "spikes": In(layer_bits(config)),
                "pulses": In(layer_bits(config)),
                "update": In(update_layout(config, layout)),
                "step": In(step),
                "state": Out(self.state_layout),
                "lane_spikes": Out(layout.lanes),
                "lane_pulses": Out(layout.lanes),
                "taps": Out(data.ArrayLayout(unsigned(layout.lanes), len(self.ages))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        chunks = max(2, len(self.layout.chunks))
        m.submodules.state_memory = state = Memory(shape=unsigned(self.state_layout.size), depth=chunks, init=[])
        m.submodules.history = history = Memory(
            shape=unsigned(self.layout.lanes), depth=chunks << self.depth_bits, init=[]
        )
        self._write(m, state.write_port(), history.write_port())
        state_read, history_read = state.read_port(), history.read_port()
        ages = Array(self.ages)[self.tap_a]
        seen, begun = Signal(), Signal()
        """`seen`: the delay line's word is of this image. `begun`: the image's first step is over."""
        m.d.comb += [
            state_read.addr.eq(self.operation_a.chunk),
            history_read.addr.eq(Cat((self.step_a - ages)[: self.depth_bits], self.operation_a.chunk)),
        ]
        m.d.sync += [seen.eq(self.step_a >= ages), begun.eq(self.step_a != 0)]
        loads = (self.operation_r.kind == Kind.LOAD) | self.operation_r.reload
        if not self.own_pulses:
            m.d.comb += self.lane_pulses.eq(self.lane_spikes)
        with m.If(loads):
            m.d.sync += self.state.eq(Mux(begun, state_read.data, 0))
            with m.Switch(self.operation_r.chunk):
                for chunk in self.layout.chunks:
                    layer, neurons = layer_name(chunk.layer), slice(chunk.first, chunk.first + chunk.count)
                    with m.Case(chunk.index):
                        m.d.sync += self.lane_spikes.eq(self.spikes[layer][neurons])
                        if self.own_pulses:
                            m.d.sync += self.lane_pulses.eq(self.pulses[layer][neurons])
        with m.If(loads | self.operation_r.tap):
            with m.Switch(self.tap_r):
                for i in range(len(self.ages)):
                    with m.Case(i):
                        m.d.sync += self.taps[i].eq(Mux(seen, history_read.data, 0))
        return m

    def _write(self, m: Module, state: wiring.PureInterface, history: wiring.PureInterface) -> None:
        """Write ports of both memories."""
        update = self.update
        missing = max(0, self.depth_bits - len(self.step))
        place = Cat(self.step[: self.depth_bits], Value.cast(0).replicate(missing))
        m.d.comb += [
            state.en.eq(update.valid),
            state.addr.eq(update.chunk),
            state.data.eq(update.state),
            history.en.eq(update.valid),
            history.addr.eq(Cat(place, update.chunk)),
            history.data.eq(update.spikes),
        ]


__all__ = ["ChunkState"]
