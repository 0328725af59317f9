"""The sequencer: phases of an image, steps, chunks, and the operations that a chunk's pass consists of."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.derived import neuron_numbers
from eqspike.rtl.chunk_state import ChunkState
from eqspike.rtl.chunks import chunk_constant
from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.neurons import Neurons
from eqspike.rtl.operation import Kind, operation_layout
from eqspike.rtl.pipeline import Pipeline
from eqspike.rtl.registers import NeuronRegisters
from eqspike.rtl.streams import (
    Mode,
    Stage,
    chunk_shape,
    chunk_update_layout,
    issue_layout,
    layer_bits,
    layer_name,
    step_shape,
    tap_ages,
)
from eqspike.rtl.sums import Sums

WAITS = 16
"""A wait is less than this."""


class Sequencer(wiring.Component):
    """Says what happens in a cycle; the other parts do it.

    All members are one bit wide unless said otherwise. Those marked * are levels, the others strobes of one cycle.

    - Images and results (`rtl.image_port`): `offered`*, `filled`*, `mode`* (`Mode`), `result_valid`*, `key_load`*.
      `begin`: an image begins; `restart`: the cycle after. `fill`*: take pixels. `give`: offer the result.
    - Weights (`rtl.weight_port.WeightPort`): `weight_waiting`*, `weight_ready`*, `weight_operation`
      (`operation_layout`); `weight_take`.
    - Generator: `warm`*; `warm_up`*, `draw_sign`, `next_key`.
    - Steps: `begin_step`, `end_step`; `step` (the number from 0 on). `nudging`*; `learns`*: the pass serves spikes of
      the nudge phase; `counting`*: spikes count towards programming pulses. `settled`*, `updates` (an array of
      `chunk_update_layout`: ends of chunks 1, 2, ... cycles ago): see `rtl.neurons.Neurons`. `inputs_busy`*: the input
      neurons of a bank are at work.
    - Spike lists (`rtl.spike_list.SpikeList`): `list_more`*, `list_last`* (a bit a bank), `list_place` (bank 0's next
      entry); `list_rewind`, `list_next` (a bit a bank). Bias: `bias_spike`*, `bias_pulse`*.
    - Pairs (`rtl.pairs.PairChooser`): `pairs_known`*, `pairs_left`*, `pairs_last`*, `pair_post` (a neuron's
      number); `pairs_forget`, `pairs_choose`, `pairs_serve`.
    - A-EqSpike's naive variant only: `pulses` (`layer_bits`), `inputs_served` (a bit an input).
    - Programming at the image's end only (`rtl.sweep.Sweep`): `sweep_start`, `sweep_done`; `sweep_operation`
      (`operation_layout`), issued meanwhile. `sums_cleared`*: spikes of the nudge phase may be counted.
    - Outputs (`rtl.nudge.OutputRates`): `first_valid`*, `scanned`*, `within`*; `scan`, `judge`, `nudge`.
    - `chunk` (its number): the one being served. `issued` (`issue_layout`): the operation of this cycle, a NOP when
      there is none. `stage` (`Stage`): what the cycle is spent on.

    Throughput: an operation a cycle, unless it waits for what the parts' latencies say. Taps are read and chunks end
    beside the last of what is served.
    """

    STANDS = Pipeline.TO_E + Neurons.LATENCY
    """From the operation that ends a chunk to its neurons' spikes in the registers, less one. A chunk that is not the
    last ends two cycles before the last one at least, which then loads and ends."""

    def __init__(self, config: Config, crossbar: Crossbar) -> None:
        self.config, self.crossbar = config, crossbar
        self.layout = layout = crossbar.layout
        self.every = config.programming.every
        self.image_end = config.programming.image_end
        self.naive = config.naive
        self.last_layer = len(layout.layers) - 1
        self.numbering = neuron_numbers(layout.layers)
        self.taps = [len(tap_ages(config)) + int(chunk.layer == self.last_layer) for chunk in layout.chunks]
        """Taps of the delay line that each chunk reads."""
        # The first cycle after a command in which its word may be read.
        self.weight_wait = Pipeline.LATENCY + crossbar.write_stage + 1
        self.settle_waits = [self._settle_wait(index) for index in range(len(layout.chunks))]
        assert max(self.weight_wait, *self.settle_waits) < WAITS
        ins = {
            "offered": 1, "filled": 1, "mode": Mode, "result_valid": 1, "key_load": 1, "weight_waiting": 1,
            "weight_ready": 1, "weight_operation": operation_layout(layout), "warm": 1, "settled": 1,
            "updates": data.ArrayLayout(chunk_update_layout(layout), Pipeline.TO_E + Neurons.LATENCY),
            "inputs_busy": 1, "list_more": layout.banks, "list_last": layout.banks,
            "list_place": range(layout.layers[0] + 1), "bias_spike": 1, "bias_pulse": 1, "pairs_known": 1,
            "pairs_left": 1, "pairs_last": 1, "pair_post": range(max(2, *layout.layers[2:])),
            "pulses": layer_bits(config), "inputs_served": layout.layers[0], "first_valid": 1, "scanned": 1,
            "within": 1,
        }  # fmt: skip
        if self.image_end:
            ins |= {"sums_cleared": 1, "sweep_done": 1, "sweep_operation": operation_layout(layout)}
        outs = {
            "begin": 1, "restart": 1, "fill": 1, "give": 1, "weight_take": 1, "warm_up": 1, "draw_sign": 1,
            "next_key": 1, "begin_step": 1, "end_step": 1, "step": step_shape(config), "nudging": 1, "learns": 1,
            "counting": 1, "chunk": chunk_shape(layout), "list_rewind": 1, "list_next": layout.banks,
            "pairs_forget": 1, "pairs_choose": 1, "pairs_serve": 1, "scan": 1, "judge": 1, "nudge": 1,
            "issued": issue_layout(config, layout), "stage": Stage,
        }  # fmt: skip
        if self.image_end:
            outs["sweep_start"] = 1
        super().__init__({name: In(shape) for name, shape in ins.items()} | {name: Out(s) for name, s in outs.items()})
        self._op = self.issued.operation
        self._tap = Signal(range(max(self.taps) + 1), name="tap")
        """The next tap to read."""
        self._bias_left, self._wait = Signal(name="bias_left"), Signal(range(WAITS), name="wait")
        """The bias is still to be served. Cycles to wait."""
        self._stale, self._recent = Signal(name="stale"), Signal(range(self.STANDS), name="recent")
        """The chunk did not stand as it was loaded. Cycles until what the last step left stands, but the last chunk."""
        self._free_ended, self._ended = Signal(name="free_ended"), Signal(name="ended")
        """The step that ended last was the free phase's last one, or the nudge phase's."""
        self._programs = Const(0) if self.image_end else self.learns
        """Spikes that are served program their synapses."""
        self._alone = Signal(name="alone")
        """Naive: a pulse of this chunk programs all rows."""

    def _settle_wait(self, index: int) -> int:
        """Cycles that a chunk's pass must last beyond its LOAD and one more, for a layer's sums from below to be in
        when its first chunk is updated. The last of the pairs may end its chunk, then come LOAD and what ends the
        next."""
        chunks = self.layout.chunks
        if index == 0 or chunks[index].layer == 1 or chunks[index - 1].layer == chunks[index].layer:
            return 0
        others = 2
        return max(0, self.crossbar.forward_latency + Sums.LATENCY - others)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += [
            self._op.chunk.eq(self.chunk),
            self.learns.eq(self.nudging & (self.step > self.config.learning.free_steps)),
            self.counting.eq(self.nudging if self.config.programming.count_from == "nudge" else 1),
        ]
        m.d.sync += self.restart.eq(self.begin)
        still = self._still(m)
        with m.If(self._recent != 0):
            m.d.sync += self._recent.eq(self._recent - 1)
        with m.FSM():
            with m.State("IDLE"):
                self._idle(m)
            with m.State("WEIGHT"):
                m.d.sync += self._wait.eq(self._wait - 1)
                with m.If(self._wait == 0):
                    m.next = "IDLE"
            with m.State("FILL"):
                m.d.comb += [self.stage.eq(Stage.FILL), self.fill.eq(~self.restart), self.warm_up.eq(1)]
                with m.If(self.filled & self.warm):
                    m.d.comb += self.draw_sign.eq(1)
                    m.next = "STEP"
            with m.State("STEP"):
                m.d.comb += [self.stage.eq(Stage.BEGIN), self.begin_step.eq(1)]
                m.d.sync += self.chunk.eq(0)
                m.next = "LOAD"
            with m.State("LOAD"):
                self._load(m, still)
            with m.State("SERVE"):
                self._serve(m, still)
            with m.State("DRAIN"):
                self._drain(m)
            with m.State("SCAN"):
                self._scan(m)
            if self.image_end:
                with m.State("SWEEP"):
                    m.d.comb += [self.stage.eq(Stage.SWEEP), self._op.eq(self.sweep_operation)]
                    with m.If(self.sweep_done):
                        m.next = "RESULT"
            with m.State("RESULT"):
                m.d.comb += [self.stage.eq(Stage.RESULT), self.give.eq(1)]
                with m.If(self.mode == Mode.LEARN):
                    m.d.comb += self.next_key.eq(1)
                m.next = "IDLE"
        return m

    def _per_chunk(self, values: list[int]) -> Value:
        return chunk_constant(values, self.chunk)

    def _still(self, m: Module) -> Signal:
        """A chunk must stand when it is loaded for good: its state in memory when the LOAD is in stage A; in the naive
        variant, which asks for the chunk's pulses as the LOAD is issued, the registers."""
        stands = Pipeline.TO_E + Neurons.LATENCY
        again = stands + ChunkState.WRITE_LATENCY - Pipeline.LATENCY
        if self.naive:
            again = stands + NeuronRegisters.LATENCY
        # Each of the other chunks takes a LOAD and one operation more at least: many of them take as long.
        others = 1 + 2 * (len(self.layout.chunks) - 1)
        still = Signal()
        if others < again or self.naive:
            flying = [update.valid & (update.chunk == self.chunk) for update in list(self.updates)[: again - 1]]
            m.d.comb += still.eq(Cat(flying).any())
        return still

    # -----------------------------------------------------------------------------------------------------------------
    # States. Each is called within its own.

    def _idle(self, m: Module) -> None:
        """Weight commands have priority over the next image, so that both may be offered at once."""
        command = self.weight_operation
        with m.If(self.weight_waiting):
            with m.If(self.weight_ready):
                m.d.comb += [
                    self.weight_take.eq(1),
                    self._op.kind.eq(command.kind),
                    self._op.address.eq(command.address),
                    self._op.post.eq(command.post),
                ]
                m.d.comb += [
                    row.address.eq(other.address) for row, other in zip(self._op.rows, command.rows, strict=True)
                ]
                if self.crossbar.devices is not None and self.crossbar.devices.sticks:
                    m.d.comb += [self._op[name].eq(command[name]) for name in ("chunk", "synapses", "number")]
                m.d.sync += self._wait.eq(self.weight_wait)
                m.next = "WEIGHT"
        with m.Elif(self.offered & ~self.result_valid & ~self.key_load):
            m.d.comb += self.begin.eq(1)
            m.d.sync += [self.nudging.eq(0), self.step.eq(0), self.chunk.eq(0)]
            m.next = "FILL"

    def _load(self, m: Module, still: Value) -> None:
        """Begin a chunk, once it stands. Rows that program nothing need its currents cleared, but not its state: then
        it begins at once, and the state is taken once it stands."""
        m.d.comb += [self.stage.eq(Stage.BEGIN), self.list_rewind.eq(1), self.pairs_forget.eq(1)]
        m.d.sync += [self._tap.eq(1), self._bias_left.eq(self.bias_spike), self._stale.eq(still)]
        m.d.sync += self._wait.eq(self._per_chunk(self.settle_waits))
        waits = still if self.naive else still & self._programs
        with m.If(~waits):
            m.d.comb += [self.stage.eq(Stage.LOAD), self._op.kind.eq(Kind.LOAD)]
            if self.naive:
                with m.Switch(self.chunk):
                    for chunk in self.layout.chunks:
                        with m.Case(chunk.index):
                            own = self.pulses[layer_name(chunk.layer)][chunk.first : chunk.first + chunk.count]
                            pulses = self.learns & own.any()
                            m.d.sync += [self._alone.eq(pulses), self._bias_left.eq(self.bias_spike | pulses)]
            m.next = "SERVE"

    def _serve(self, m: Module, still: Value) -> None:
        """The rows of the inputs that fired, then the bias, then the two-way synapses: what there is of each. In step 0
        no spikes are left to serve. The chunk ends with the last of it, if nothing is to be waited for."""
        m.d.comb += self.stage.eq(Stage.SERVE)
        m.d.comb += self.pairs_choose.eq(~self.pairs_known & (self._recent == 0))
        with m.If(self._wait != 0):
            m.d.sync += self._wait.eq(self._wait - 1)
        read = self._read_state(m, still)
        first_layer = self._per_chunk([chunk.layer for chunk in self.layout.chunks]) == 1
        others = self._serve_other_banks(m, first_layer)
        entries = first_layer & self.list_more[0]
        if self.naive:
            entries = first_layer & Mux(self._alone, self.list_place != self.layout.layers[0], self.list_more[0])
        is_last = self._per_chunk([chunk.layer for chunk in self.layout.chunks]) == self.last_layer
        pairs_known, served, drains = Signal(), Signal(), Signal()
        """`served`: bank 0 serves the last of the pass in this cycle, or nothing is left of it."""
        ends_step = self.chunk == len(self.layout.chunks) - 1
        m.d.comb += [
            pairs_known.eq(self.pairs_known | is_last),
            drains.eq(ends_step & (~self.settled | self.inputs_busy)),
        ]
        with m.If(entries):
            self._issue_entry(m)
        # While sums from below are waited for, the bias waits too: it may end the chunk then.
        with m.Elif(self._bias_left & (self._wait == 0)):
            self._issue_bias(m)
            m.d.comb += served.eq(pairs_known & ~self.pairs_left)
        with m.Elif(self.pairs_left & ~self._stale):
            self._issue_pair(m)
            m.d.comb += served.eq(self.pairs_last & ~self._bias_left)
        with m.Else():
            m.d.comb += served.eq(pairs_known & ~self.pairs_left & ~self._bias_left)
            with m.If(others):
                pass
            with m.Elif(~served | ~read | (self._wait != 0)):
                m.d.comb += self.stage.eq(Stage.WAIT)
            with m.Elif(drains):
                m.d.comb += self.stage.eq(Stage.DRAIN)
            with m.Else():
                m.d.comb += self.stage.eq(Stage.UPDATE)
        with m.If(served & self._ends_other_banks(first_layer) & read & (self._wait == 0) & ~drains):
            m.d.comb += self._op.update.eq(1)
            with m.If(ends_step):
                self._end_step(m)
            with m.Else():
                m.d.sync += self.chunk.eq(self.chunk + 1)
                m.next = "LOAD"

    def _read_state(self, m: Module, still: Value) -> Value:
        """Beside what is served: take the chunk's state once it stands, then the taps of its delay line. Is the last of
        them read now, or was it?"""
        left = self._tap != self._per_chunk(self.taps)
        m.d.comb += self._op.reload.eq(self._stale & ~still)
        with m.If(self._stale):
            m.d.sync += self._stale.eq(still)
        with m.Elif(left):
            m.d.comb += [self._op.tap.eq(1), self.issued.tap.eq(self._tap)]
            m.d.sync += self._tap.eq(self._tap + 1)
        after = self._per_chunk([max(1, taps - 1) for taps in self.taps])
        return ~self._stale & (~left | (self._tap == after))

    def _end_step(self, m: Module) -> None:
        """End the last chunk. The next step begins while the neurons take this one, unless the outputs are judged."""
        learning = self.config.learning
        m.d.comb += self.end_step.eq(1)
        m.d.sync += [self.step.eq(self.step + 1), self.chunk.eq(0), self._recent.eq(self.STANDS - 2)]
        free_ends = self.step == learning.free_steps - 1
        ends = self.step == learning.free_steps + learning.nudge_steps - 1
        # Kept, so that the comparisons are not on the way to what judges the outputs.
        m.d.sync += [self._free_ended.eq(free_ends), self._ended.eq(ends)]
        with m.If(~self.nudging & free_ends | ends | (self.mode == Mode.INFER_FIRST_SPIKE)):
            m.next = "DRAIN"
        with m.Else():
            m.d.comb += self.begin_step.eq(1)
            m.next = "LOAD"

    def _drain(self, m: Module) -> None:
        """A step's neurons stand before anything is decided by them."""
        m.d.comb += self.stage.eq(Stage.DRAIN)
        with m.If(self.settled):
            stopped = (self.mode == Mode.INFER_FIRST_SPIKE) & self.first_valid
            with m.If(~self.nudging & (self._free_ended | stopped)):
                m.d.comb += self.scan.eq(1)
                m.next = "SCAN"
            with m.Elif(self._ended):
                if self.image_end:
                    m.d.comb += self.sweep_start.eq(1)
                m.next = "SWEEP" if self.image_end else "RESULT"
            with m.Else():
                m.next = "STEP"

    def _scan(self, m: Module) -> None:
        """Judge the outputs at the end of the free phase."""
        m.d.comb += self.stage.eq(Stage.RESULT)
        with m.If(self.scanned & self.sums_cleared if self.image_end else self.scanned):
            m.d.comb += self.judge.eq(1)
            with m.If((self.mode == Mode.LEARN) & ~self.within):
                m.d.comb += self.nudge.eq(1)
                m.d.sync += self.nudging.eq(1)
                m.next = "STEP"
            with m.Else():
                m.next = "RESULT"

    # -----------------------------------------------------------------------------------------------------------------
    # Operations of a pass.

    def _serve_other_banks(self, m: Module, first_layer: Value) -> Value:
        """Rows of inputs in the other banks, beside whatever bank 0 does. Is there one?"""
        chunks = self.layout.chunks
        for bank, row in enumerate(self._op.rows, 1):
            more = first_layer & self.list_more[bank]
            base = self._per_chunk([self.layout.base(c, bank) if c.layer == 1 else 0 for c in chunks])
            m.d.comb += [
                row.valid.eq(more),
                row.program.eq(more & self._programs),
                row.address.eq(base),
                self.list_next[bank].eq(more),
            ]
        return Cat(row.valid for row in self._op.rows).any() if self.layout.banks > 1 else Const(0)

    def _ends_other_banks(self, first_layer: Value) -> Value:
        """Is no row left in them after this cycle?"""
        if self.layout.banks == 1:
            return Const(1)
        return ~first_layer | (~self.list_more | self.list_last)[1:].all()

    def _issue_entry(self, m: Module) -> None:
        """The row of the next entry of bank 0's list; or, naive and alone, of the next input."""
        base = self._per_chunk([chunk.base for chunk in self.layout.chunks])
        m.d.comb += [
            self._op.kind.eq(Kind.ROW),
            self._op.program.eq(self._programs),
            self._op.synapses.eq(0),
            self._op.number.eq(0),
            self._op.address.eq(base),
            self.issued.listed.eq(1),
            self.list_next[0].eq(1),
        ]
        if self.naive:
            with m.If(self._alone):
                m.d.comb += [
                    self._op.address.eq(base + self.list_place),
                    self._op.number.eq(self.list_place),
                    self._op.silent.eq(~self.inputs_served.bit_select(self.list_place, 1)),
                    self.issued.listed.eq(0),
                ]

    def _issue_bias(self, m: Module) -> None:
        """The bias row of the chunk."""
        chunks, layers = self.layout.chunks, self.layout.layers
        m.d.comb += [
            self._op.kind.eq(Kind.ROW),
            self._op.program.eq(self._programs & self.bias_pulse if self.every > 1 else self._programs),
            self._op.silent.eq(~self.bias_spike),
            self._op.synapses.eq(self._per_chunk([c.layer - 1 for c in chunks])),
            self._op.address.eq(self._per_chunk([c.bias for c in chunks])),
            self._op.number.eq(self._per_chunk([self.numbering[c.layer - 1] + layers[c.layer - 1] for c in chunks])),
        ]
        m.d.sync += self._bias_left.eq(0)

    def _issue_pair(self, m: Module) -> None:
        """The two-way word of the chunk and the next neuron above."""
        chunks, last = self.layout.chunks, self.last_layer
        above = self._per_chunk([self.numbering[min(c.layer + 1, last)] for c in chunks])
        m.d.comb += [
            self._op.kind.eq(Kind.PAIR),
            self._op.program.eq(self._programs),
            self._op.synapses.eq(self._per_chunk([min(c.layer, last - 1) for c in chunks])),
            self._op.post.eq(self.pair_post),
            self._op.address.eq(self._per_chunk([c.pairs for c in chunks]) + self.pair_post),
            self._op.number.eq(above + self.pair_post),
            self.pairs_serve.eq(1),
        ]


__all__ = ["Sequencer"]
