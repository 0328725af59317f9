"""The emulated crossbar: wide memories of weights, and P lanes that read and program a word in one pass."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.accumulator import GatheredProgram
from eqspike.rtl.bank import Bank, RowBank
from eqspike.rtl.chunks import chunk_constant
from eqspike.rtl.current import Currents
from eqspike.rtl.device import Devices
from eqspike.rtl.emit import Emitters
from eqspike.rtl.forward import Forward
from eqspike.rtl.layout import Layout
from eqspike.rtl.number import popcount
from eqspike.rtl.operation import Kind, operation_layout
from eqspike.rtl.program import IdealProgram, RowSteps, later


class Crossbar(wiring.Component):
    """Weights and lanes. An `operation` enters at stage A and passes one stage a cycle, never stalled:

    - A: its address goes to the memory, and draws are made of `word` (32 bits, the generator's);
    - R: the word is read; every lane rounds its rho-bar to a weight step. To the operation in this stage belong
      `integrator` (signed, one a lane), `spikes` and `pulses` (a bit a lane: who fired, who would send a programming
      pulse), `post_spike`, `post_pulse` (1 bit each) and `post_integrator` (signed) of the neuron above, and
      `poke_data` (signed), the weight that the host writes;
    - E: currents are summed from the word as it was;
    - E and on: the word is programmed (`rtl.program.IdealProgram`; where devices are not ideal, `rtl.device.Devices`);
    - X, `write_stage` cycles after A: the word is written back (`write_valid`, `write_address`, `write_data`, by bank).

    With several banks, an operation may bring a row of an input for each of the others along (`rows`), which takes the
    same stages: its current is added, and its word is programmed with the lanes' rho-bars. `bank` says which one the
    host reads or writes.

    Steady while images are served: `negative` (1 bit), the image's sign is minus; `halvings`, of each synapse layer's
    learning rate.

    `current` (signed, one a lane) holds each lane's exact sum, in membrane LSBs, `CURRENT_LATENCY` cycles after E. The
    sum over the lanes that spiked, for the neuron above, is `forward` (in weight LSBs of that layer) with
    `forward_valid`, `forward_synapses` and `forward_post`, `forward_latency` cycles after E; a weight that the host
    reads comes the same way (`peek_valid`, `peek_data`). `operations` (the synapses that a spike passed), `programmed`
    (those that a programming pulse did) and `saturations` count in stage X.
    A synapse's current is the weight from before the programming pulse that the same spike sends. A word is written
    `write_stage` cycles after its address entered: the same address must not enter again within one more (a step serves
    each word once, and drains).

    The switches of the thesis's circuit (fig 3.5) are signals of stage E: `cg_lanes` and `cg_above` (the neuron
    integrates what comes along its line), `pg_lanes` and `pg_above` (the neuron's rho-bar stands on its line while the
    other side programs), `ccii_up` and `ccii_down` (the current conveyors carry a pulse to the layer above, below). A
    spike's communication pulse closes CG on the other side; its programming pulse, if `pulses` or `post_pulse` says
    that it sends one, closes PG there instead. With `programming.probability` below 1 the draw is made here.
    """

    CURRENT_LATENCY = Currents.LATENCY

    def __init__(self, config: Config, layout: Layout, deep: bool = False) -> None:
        self.config = config
        self.layout = layout
        self.numbers = fixed_numbers(config)
        self.synapses = self.numbers.synapses
        self.weight_bits = max(s.weight.bits for s in self.synapses)
        self.pair_layers = list(range(1, len(self.synapses)))
        lanes = layout.lanes
        self.signal_bits = self.numbers.moving.bits
        self.rest_bits = config.programming.rest_bits
        self.cell_bits = self.weight_bits + self.rest_bits
        """Of a synapse in a word: its weight, and below it what its accumulator holds."""
        self.image_end = config.programming.image_end
        self.naive = config.naive
        self.accumulator_bits = max(self.numbers.current_bits)
        """Of a lane's current."""
        self.word_layout = data.ArrayLayout(signed(self.cell_bits), lanes)
        weights = data.ArrayLayout(signed(self.weight_bits), lanes)
        self.initial: list[int] = []
        """Words that the weight memory holds after configuration (the rest 0); set it before elaboration."""
        self.devices = None if config.device.ideal else Devices(config, layout, self.weight_bits)
        if self.devices is not None:
            self.program = self.devices
        elif self.rest_bits:
            self.program = GatheredProgram(config, layout, self.cell_bits)
        else:
            self.program = IdealProgram(config, layout, self.weight_bits, deep)
        self.emitters = Emitters(config, layout)
        self.currents = Currents(self.synapses, weights, layout.banks, self.accumulator_bits)
        self.sums = Forward(layout, weights)
        operations = range((layout.banks + 1) * lanes + 1)
        super().__init__(
            {
                "operation": In(operation_layout(layout)),
                "poke_data": In(signed(self.cell_bits)),
                "bank": In(range(max(2, layout.banks))),
                "negative": In(1),
                "halvings": In(self.program.halvings.shape()),
                "word": In(32),
                "integrator": In(data.ArrayLayout(signed(self.signal_bits), lanes)),
                "spikes": In(lanes),
                "pulses": In(lanes),
                "post_spike": In(1),
                "post_pulse": In(1),
                "post_integrator": In(signed(self.signal_bits)),
                "current": Out(self.currents.current.shape()),
                "forward": Out(self.sums.forward.shape()),
                "forward_valid": Out(1),
                "forward_synapses": Out(range(max(2, len(self.synapses)))),
                "forward_post": Out(range(max(2, *layout.layers[1:], layout.lanes))),
                "operations": Out(operations),
                "programmed": Out(operations),
                "saturations": Out(range(layout.banks * lanes + 1)),
                "peek_valid": Out(1),
                "peek_data": Out(signed(self.cell_bits)),
                "write_valid": Out(layout.banks),
                "write_address": Out(data.ArrayLayout(unsigned(ceil_log2(max(2, *layout.bank_words))), layout.banks)),
                "write_data": Out(data.ArrayLayout(self.word_layout, layout.banks)),
            }
        )

    @property
    def write_stage(self) -> int:
        """Cycles from stage A to stage X."""
        return Bank.LATENCY + self.program.latency

    @property
    def extra_stages(self) -> int:
        """Cycles from stage E to stage X, beyond the one that every word takes."""
        return self.program.latency - 2

    @property
    def forward_latency(self) -> int:
        """Cycles from stage E to the sum for the neuron above."""
        return self.sums.latency

    def elaborate(self, platform: object) -> Module:
        m = Module()
        op_shape = operation_layout(self.layout)
        op_a = self.operation
        op_r, op_e, op_x = (Signal(op_shape, name=f"op_{stage}") for stage in "rex")
        m.d.sync += [op_r.eq(op_a), op_e.eq(op_r), op_x.eq(later(m, op_e, self.extra_stages, "op"))]
        self._emit(m, op_a, op_r)
        pulses = self.emitters.pulses

        # R: who programs.
        row_r, pair_r = op_r.kind == Kind.ROW, op_r.kind == Kind.PAIR
        # A row is programmed by the neuron below it; in A-EqSpike's naive variant also by each lane's own pulse.
        alone_r = row_r & pulses.lanes.any() if self.naive else Const(0)
        program_r, pg_lanes_r, pg_above_r = Signal(), Signal(), Signal(self.layout.lanes)
        m.d.comb += [
            program_r.eq(op_r.program & (~row_r | pulses.row | alone_r)),
            pg_lanes_r.eq(op_r.program & ((row_r & pulses.row) | (pair_r & pulses.above))),
            pg_above_r.eq(Mux(op_r.program & (pair_r | alone_r), pulses.lanes, 0)),
        ]
        m.d.sync += op_e.program.eq(program_r)
        bank = self._bank(m, op_a, op_r, op_x)
        banks = self._row_banks(m, op_a, op_r)
        self._program(m, op_a, op_r, program_r, pg_lanes_r, pg_above_r, bank)
        word_e = Signal(self.word_layout)
        m.d.sync += word_e.eq(self.program.word)
        self._read(m, op_r, op_e, pg_lanes_r, pg_above_r, word_e, banks)
        saturated = Cat(self.program.saturated, *(other.saturated for other in banks))
        m.d.comb += self.saturations.eq(popcount(saturated))
        return m

    def _emit(self, m: Module, op_a: data.View, op_r: data.View) -> None:
        """Stages A and R: the neurons as senders."""
        m.submodules.emitters = emitters = self.emitters
        m.d.comb += [
            emitters.word.eq(self.word),
            emitters.chunk.eq(op_a.chunk),
            emitters.number.eq(op_a.number),
            emitters.silent.eq(op_r.silent),
            emitters.pair.eq(op_r.kind == Kind.PAIR),
            emitters.lane_pulses.eq(self.pulses),
            emitters.post_pulse.eq(self.post_pulse),
            emitters.integrator.eq(self.integrator),
            emitters.post_integrator.eq(self.post_integrator),
        ]

    def _bank(self, m: Module, op_a: data.View, op_r: data.View, op_x: data.View) -> Bank:
        """Bank 0: read in stage R, written in stage X."""
        depth = self.layout.bank_words[0]
        bank = Bank(op_a.address.shape(), self.word_layout, depth, self.initial[:depth])
        m.submodules.weights = bank
        m.d.comb += [
            bank.read_address.eq(op_a.address),
            bank.take.eq(1),
            bank.poke_data.eq(self.poke_data),
            self.write_valid[0].eq(op_x.program | ((op_x.kind == Kind.POKE) & (self.bank == 0))),
            self.write_address[0].eq(op_x.address),
            self.write_data[0].eq(self.program.new),
            bank.write.eq(self.write_valid[0]),
            bank.write_address.eq(self.write_address[0]),
            bank.write_word.eq(self.write_data[0]),
        ]
        for lane in range(self.layout.lanes):
            m.d.comb += bank.poke[lane].eq((op_r.kind == Kind.POKE) & (self.bank == 0) & (op_r.post == lane))
        return bank

    def _row_banks(self, m: Module, op_a: data.View, op_r: data.View) -> list[RowBank]:
        """The other banks, all of whose words are rows of inputs."""
        banks = []
        for number in range(1, self.layout.banks):
            row = op_a.rows[number - 1]
            if self.program.shares_steps:
                # One draw a neuron: a lane's step is the same for all rows of a chunk.
                steps = self.program.row_steps
            else:
                m.submodules[f"steps_{number}"] = drawing = RowSteps(self.config, self.layout, self.halvings.shape())
                word_r = Signal.like(self.word, name=f"word_{number}_r")
                m.d.sync += word_r.eq(self.word)
                m.d.comb += [
                    drawing.number.eq(row.number),
                    drawing.word.eq(word_r),
                    drawing.chunk.eq(op_r.chunk),
                    drawing.integrator.eq(self.emitters.signals),
                    drawing.pokes.eq(op_r.kind == Kind.POKE),
                    drawing.negative.eq(self.negative),
                    drawing.halvings.eq(self.halvings),
                ]
                steps = drawing.steps
            first, depth = self.layout.bank_first[number], self.layout.bank_words[number]
            bank = RowBank(
                self.layout, self.word_layout, self.synapses[0].weight, steps.shape().elem_shape,
                latency=self.program.latency, depth=depth, initial=self.initial[first : first + depth],
            )  # fmt: skip
            m.submodules[f"weights_{number}"] = bank
            m.d.comb += [
                bank.row.eq(row),
                bank.kind.eq(op_a.kind),
                bank.post.eq(op_a.post),
                bank.selected.eq(self.bank == number),
                bank.poke_data.eq(self.poke_data),
                bank.steps.eq(steps),
                bank.negative.eq(self.negative),
                self.write_valid[number].eq(bank.write),
                self.write_address[number].eq(bank.write_address),
                self.write_data[number].eq(bank.write_word),
            ]
            banks.append(bank)
        return banks

    def _program(
        self,
        m: Module,
        op_a: data.View,
        op_r: data.View,
        program_r: Value,
        pg_lanes_r: Value,
        pg_above_r: Value,
        bank: Bank,
    ) -> None:
        """From stage A to X: what programs the word of bank 0. A word that nobody programs passes through unchanged."""
        m.submodules["ideal" if self.devices is None else "devices"] = program = self.program
        emitters = self.emitters
        m.d.comb += [
            program.enable.eq(
                (op_a.program & ((op_a.kind != Kind.ROW) | emitters.sends | self.naive)) | (op_a.kind == Kind.POKE)
            ),
            program.address.eq(op_a.address),
            program.chunk.eq(op_a.chunk),
            program.layer.eq(op_a.synapses),
            program.number.eq(op_a.number),
            program.post.eq(op_a.post),
            program.step_word.eq(self.word),
            program.negative.eq(self.negative),
            program.halvings.eq(self.halvings),
            program.kind.eq(op_r.kind),
            program.program.eq(program_r),
            program.pulses.eq(emitters.pulses),
            program.pg_lanes.eq(pg_lanes_r.replicate(self.layout.lanes)),
            program.pg_above.eq(pg_above_r),
            program.integrator.eq(emitters.signals),
            program.post_integrator.eq(emitters.post_signal),
            program.read.eq(bank.word),
        ]

    def _read(
        self,
        m: Module,
        op_r: data.View,
        op_e: data.View,
        pg_lanes_r: Value,
        pg_above_r: Value,
        word_e: data.View,
        banks: list[RowBank],
    ) -> None:
        """Stage E: the switches; currents and sums from the word as it was; what is counted of them."""
        m.submodules.currents, m.submodules.sums = currents, sums = self.currents, self.sums
        spikes_e, post_spike_e, clears = Signal(self.layout.lanes), Signal(), Signal()
        # A sweep programs words of neurons whose spikes are not served.
        served = ~op_r.silent if self.image_end else Const(1)
        m.d.sync += [
            spikes_e.eq(Mux(served, self.spikes, 0) if self.image_end else self.spikes),
            post_spike_e.eq(self.post_spike & served if self.image_end else self.post_spike),
            clears.eq(op_e.kind == Kind.LOAD),
        ]
        with m.If((op_r.kind == Kind.PEEK) & (self.bank == 0)):
            # As if only that lane had spiked: its weight comes out of the tree.
            m.d.sync += spikes_e.eq(1 << op_r.post)

        # The switches keep their names in the Verilog, the conveyors too, whose direction nothing else needs:
        # `sim.timing` draws them.
        is_row, is_pair = op_e.kind == Kind.ROW, op_e.kind == Kind.PAIR
        switch = {"attrs": {"keep": 1}}
        # A signal a line: only so do they get their names.
        cg_lanes = Signal(**switch)
        cg_above = Signal(**switch)
        pg_lanes = Signal(**switch)
        pg_above = Signal(self.layout.lanes, **switch)
        ccii_up = Signal(**switch)
        ccii_down = Signal(**switch)
        m.d.sync += [pg_lanes.eq(pg_lanes_r), pg_above.eq(pg_above_r)]
        m.d.comb += [
            cg_lanes.eq((is_row & ~op_e.silent) | (is_pair & post_spike_e)),
            cg_above.eq(is_pair & spikes_e.any()),
            ccii_up.eq((is_row & ~op_e.silent) | cg_above),
            ccii_down.eq(is_pair & post_spike_e),
        ]

        weights_e = self._weights(m, word_e)
        m.d.comb += [
            currents.word.eq(weights_e),
            currents.adds.eq(cg_lanes),
            currents.layer.eq(op_e.synapses),
            currents.down.eq(is_pair),
            currents.clears.eq(clears),
            self.current.eq(currents.current),
            sums.kind.eq(op_e.kind),
            sums.synapses.eq(op_e.synapses),
            sums.post.eq(op_e.post),
            sums.bank.eq(self.bank),
            *(currents.rows[i].eq(bank.word) for i, bank in enumerate(banks)),
            *(sums.rows[i].eq(bank.word) for i, bank in enumerate(banks)),
        ]
        for lane in range(self.layout.lanes):
            m.d.comb += sums.word[lane].eq(Mux(spikes_e[lane], weights_e[lane], 0))
        for name in ("forward", "forward_valid", "forward_synapses", "forward_post", "peek_valid"):
            m.d.comb += getattr(self, name).eq(getattr(sums, name))
        m.d.comb += self.peek_data.eq(self._peeked(m, word_e, spikes_e))

        counts = chunk_constant([chunk.count for chunk in self.layout.chunks], op_e.chunk)
        rows_read, rows_programmed = (
            sum((Mux(bit, counts, 0) for bit in bits[1:]), Mux(bits[0], counts, 0))
            for bits in ([cg_lanes, *(b.reads for b in banks)], [pg_lanes, *(b.programs for b in banks)])
        )
        served, programmed = Signal.like(self.operations), Signal.like(self.programmed)
        m.d.sync += [
            served.eq(Mux(is_pair, popcount(spikes_e), 0) + rows_read),
            programmed.eq(popcount(pg_above) + rows_programmed),
        ]
        given = later(m, programmed, self.extra_stages, "programmed")
        if self.rest_bits:
            given = popcount(self.program.given)
        m.d.comb += [
            self.operations.eq(later(m, served, self.extra_stages, "served")),
            self.programmed.eq(given),
        ]

    def _weights(self, m: Module, word: data.View) -> data.View:
        """The weights in a word."""
        if not self.rest_bits:
            return word
        weights = Signal(data.ArrayLayout(signed(self.weight_bits), self.layout.lanes))
        m.d.comb += [weights[lane].eq(word[lane][self.rest_bits :]) for lane in range(self.layout.lanes)]
        return weights

    def _peeked(self, m: Module, word_e: data.View, spikes_e: Value) -> Value:
        """What the host reads: the weight comes out of the sums; beside it, its accumulator."""
        if not self.rest_bits:
            return self.sums.peek_data
        chosen = Const(0, self.rest_bits)
        for lane in range(self.layout.lanes):
            chosen = chosen | Mux(spikes_e[lane], word_e[lane][: self.rest_bits], 0)
        return Cat(later(m, Value.cast(chosen), self.sums.latency, "rest"), self.sums.peek_data)


__all__ = ["Crossbar"]
