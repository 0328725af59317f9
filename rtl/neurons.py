"""All lanes' neurons take a step together, chunk after chunk."""

from __future__ import annotations

from amaranth.hdl import Array, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.deviations import fixed_thresholds
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.chunks import chunk_constant
from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.lane import Lane
from eqspike.rtl.neuron import Lif
from eqspike.rtl.nudge import OutputRates
from eqspike.rtl.streams import (
    chunk_update_layout,
    layer_name,
    neuron_layout,
    step_shape,
    tap_ages,
    update_layout,
)
from eqspike.rtl.sums import sums_layout


class Neurons(wiring.Component):
    """P lanes of neurons, and how far the step is.

    - `start` (`chunk_update_layout`): a chunk's neurons begin to take a step: its UPDATE is in stage E. With it stand
      `state` (an array of `neuron_layout`), `taps`, `lane_spikes`, `lane_pulses` (as `rtl.chunk_state.ChunkState` gives
      them), `sums` (`rtl.sums.sums_layout`) and, for outputs while `nudging` (1), `nudge` (an array of signed, membrane
      LSBs); `current` (an array of signed) `Lif.CURRENT_LATENCY` cycles later, as the crossbar gives it.
    - `counting` (1): spikes count towards programming pulses.
    - `update` (`update_layout`): the step is taken; `LATENCY` cycles after `start`. `output` (1): it is a chunk of
      outputs, number `part` of their layer. `saturated` (a bit a lane): membranes that did, in that cycle.
    - `drive_part`: the chunk of `start` as a part of the output layer, for `nudge`.
    - `updates` (`chunk_update_layout`, `LATENCY` of them): chunks on their way, the youngest first.
    - `restart`, `end_step` (1): an image begins; a step's last UPDATE is issued. `settled` (1): all neurons stand as
      the last step left them. `steps_done`: how many all have taken. `step_done` (1): the last chunk's `update`.

    Throughput: a chunk a cycle.
    """

    LATENCY = Lane.LATENCY

    def __init__(self, config: Config, crossbar: Crossbar, rates: OutputRates) -> None:
        self.config, self.layout = config, crossbar.layout
        self.numbers = fixed_numbers(config)
        self.align = [synapses.align for synapses in crossbar.synapses]
        """Left shifts from each synapse layer's weight LSBs to membrane LSBs."""
        layout, lanes = self.layout, crossbar.layout.lanes
        # `fixed_numbers` bounds the sum of all currents into a neuron, which `Lif` asks for, and so each part of it.
        self.current_bits = max(self.numbers.current_bits) + 1
        assert crossbar.accumulator_bits < self.current_bits
        assert crossbar.CURRENT_LATENCY == Lif.CURRENT_LATENCY, (
            "an UPDATE in stage E reads the currents of rows before it"
        )
        super().__init__(
            {
                "start": In(chunk_update_layout(layout)),
                "state": In(data.ArrayLayout(neuron_layout(config), lanes)),
                "taps": In(data.ArrayLayout(unsigned(lanes), len(tap_ages(config)) + 1)),
                "lane_spikes": In(lanes),
                "lane_pulses": In(lanes),
                "sums": In(sums_layout(config, crossbar.weight_bits)),
                "nudge": In(rates.drive.shape()),
                "nudging": In(1),
                "current": In(crossbar.current.shape()),
                "counting": In(1),
                "restart": In(1),
                "end_step": In(1),
                "drive_part": Out(rates.part_drive.shape()),
                "update": Out(update_layout(config, layout)),
                "output": Out(1),
                "part": Out(rates.part.shape()),
                "saturated": Out(lanes),
                "updates": Out(data.ArrayLayout(chunk_update_layout(layout), self.LATENCY)),
                "settled": Out(1, init=1),
                "steps_done": Out(step_shape(config)),
                "step_done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        chunks, last = self.layout.chunks, len(self.layout.layers) - 1
        done = self.updates[self.LATENCY - 1]
        parts = Array(chunk.part if chunk.layer == last else 0 for chunk in chunks)
        is_output = Array(int(chunk.layer == last) for chunk in chunks)
        m.d.comb += [
            self.drive_part.eq(parts[self.start.chunk]),
            self.update.valid.eq(done.valid),
            self.update.chunk.eq(done.chunk),
            self.output.eq(is_output[done.chunk]),
            self.part.eq(parts[done.chunk]),
        ]
        nudged = self.nudging & is_output[self.start.chunk]
        exist = chunk_constant([(1 << chunk.count) - 1 for chunk in chunks], done.chunk)
        for lane in range(self.layout.lanes):
            self._lane(m, lane, nudged, exist[lane])
        self._pass(m)
        self._follow_steps(m)
        return m

    def _lane(self, m: Module, number: int, nudged: Value, exists: Value) -> None:
        """One lane."""
        # This step's pass served spikes of the nudge phase.
        summing = self.nudging & (self.steps_done > self.config.learning.free_steps)
        lane = Lane(self.config, self.current_bits)
        m.submodules[f"lane_{number}"] = lane
        m.d.comb += [
            lane.state.eq(self.state[number]),
            lane.drive.eq(self._from_below(number) + Mux(nudged, self.nudge[number], 0)),
            lane.current.eq(self.current[number]),
            lane.last_spike.eq(self.lane_spikes[number]),
            lane.last_pulse.eq(self.lane_pulses[number]),
            lane.exists.eq(exists),
            lane.counting.eq(self.counting),
            lane.summing.eq(summing),
            self.update.state[number].eq(lane.next_state),
            self.update.spikes[number].eq(lane.spike),
            self.update.pulses[number].eq(lane.pulse),
            self.saturated[number].eq(lane.saturated & self.update.valid),
        ]
        m.d.comb += [lane.taps[i].eq(self.taps[i][number]) for i in range(len(lane.taps))]
        if lane.lif.gains:
            thresholds = fixed_thresholds(self.config, self.numbers.membrane)
            own = [int(thresholds[c.layer][c.first + number]) if number < c.count else 0 for c in self.layout.chunks]
            m.d.comb += lane.threshold.eq(chunk_constant(own, self.start.chunk))

    def _from_below(self, lane: int) -> Value:
        """Current into the lane's neuron from the two-way synapses below it, in membrane LSBs."""
        choices = []
        for chunk in self.layout.chunks:
            if chunk.layer < 2 or lane >= chunk.count:
                choices.append(0)
            else:
                choices.append(self.sums[layer_name(chunk.layer)][chunk.first + lane] << self.align[chunk.layer - 1])
        if all(isinstance(choice, int) for choice in choices):
            return Value.cast(0)
        return Array(Value.cast(choice) for choice in choices)[self.start.chunk]

    def _pass(self, m: Module) -> None:
        """The chunk's number, and the spikes that leave the outputs' window, as late as the lanes' outputs."""
        chunk, leaving = self.start, self.taps[len(self.taps) - 1]
        for stage, passed in enumerate(self.updates):
            later = Signal(self.layout.lanes, name=f"leaving_{stage}")
            m.d.sync += [passed.eq(chunk), later.eq(leaving)]
            chunk, leaving = passed, later
        m.d.comb += self.update.leaving.eq(leaving)

    def _follow_steps(self, m: Module) -> None:
        """Which steps are taken."""
        m.d.comb += self.step_done.eq(self.update.valid & (self.update.chunk == len(self.layout.chunks) - 1))
        with m.If(self.restart):
            m.d.sync += [self.settled.eq(1), self.steps_done.eq(0)]
        with m.Elif(self.step_done):
            m.d.sync += [self.settled.eq(1), self.steps_done.eq(self.steps_done + 1)]
        with m.Elif(self.end_step):
            m.d.sync += self.settled.eq(0)


__all__ = ["Neurons"]
