"""The core: sequencer, neuron state and the datapath of one step (the circuit of `golden.network`)."""

from __future__ import annotations

import itertools

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from golden import number
from golden.config import Config, HardwareConfig
from golden.device import fixed_thresholds
from golden.number import COUNTERS, MASK32, WARM_UP, WEYL, fixed_numbers, history_depth, neuron_numbers
from rtl.crossbar import Crossbar, Kind, operation_layout, popcount
from rtl.layout import Layout
from rtl.neuron import InputNeurons, Lif
from rtl.nudge import OutputRates
from rtl.number import table, xorshift32
from rtl.pulse import PulseTail
from rtl.rate import RhoBar

COUNTER_BITS = 32


class Mode(enum.Enum, shape=2):
    """What to do with an image."""

    INFER = number.INFER
    """The free phase."""
    LEARN = number.LEARN
    """Both phases."""
    INFER_FIRST_SPIKE = number.INFER_FIRST_SPIKE
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
    """One result an image. `counts`: spikes of each output in the window at the end of the free phase."""
    outputs = config.network.layers[-1]
    return data.StructLayout(
        {
            "prediction": range(max(2, outputs)),
            "first_valid": 1,
            "first_spike": range(max(2, outputs)),
            "first_step": range(config.learning.free_steps + 1),
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
            "data": signed(crossbar.weight_bits),
        }
    )


def neuron_layout(config: Config) -> data.StructLayout:
    """One neuron's state in the state memory."""
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
    return data.StructLayout(fields)


class SpikeList:
    """A bank's input spikes: the list of step t-1 is served while that of step t is made."""

    def __init__(self, core: Core, m: Module, bank: int) -> None:
        inputs = core.inputs[bank]
        rows = core.layout.rows[bank]
        self.bank = bank
        self.numbered = core.banks > 1 and core.numbers.synapses[0].per_synapse
        """An entry also holds the input's number among all, on which draws depend."""
        size = 1 << ceil_log2(max(2, len(rows)))
        entry = data.StructLayout(
            {
                "place": inputs.index_bits,
                "pulse": int(core.every > 1),
                "number": range(max(2, core.layers[0])) if self.numbered else 0,
            }
        )
        memory = Memory(shape=entry, depth=2 * size, init=[])
        m.submodules[f"spike_list_{bank}" if bank else "spike_list"] = memory
        write, self.read = memory.write_port(), memory.read_port()
        filling = Signal(name=f"list_{bank}_filling")
        """The half that is being filled."""
        filled = Signal(range(len(rows) + 1), name=f"list_{bank}_filled")
        count = Signal(range(len(rows) + 1), name=f"list_{bank}_count")
        """Entries of the half that is being served."""
        self.place = Signal(range(core.layers[0] + 1), name=f"list_{bank}_place")
        """The entry that is served next."""
        self.more = self.place != count
        number = inputs.spikes.payload if core.banks == 1 else table(rows, inputs.spikes.payload)
        half = ceil_log2(size)
        m.d.comb += [
            write.en.eq(inputs.spikes.valid),
            write.data.place.eq(inputs.spikes.payload),
            write.data.pulse.eq(inputs.pulse),
            inputs.counting.eq(core.counting),
            write.addr.eq(Cat(filled[:half], filling)),
            self.read.addr.eq(Cat(self.place[:half], ~filling)),
        ]
        if self.numbered:
            m.d.comb += write.data.number.eq(number)
        with m.If(inputs.spikes.valid):
            m.d.sync += filled.eq(filled + 1)
            m.d.sync += core.made.bit_select(number, 1).eq(1)
        with m.If(core.restart):
            m.d.sync += [filled.eq(0), count.eq(0)]
        with m.Elif(core.end_step):
            m.d.sync += [filling.eq(~filling), count.eq(filled), filled.eq(0)]


class Core(wiring.Component):
    """The chip's core on P lanes.

    `images` takes images, `results` gives one result each, in order. `weights` reads and writes single weights between
    images; every read gives one word on `weight_data`. `halvings` holds, for each synapse layer, how often the
    learning rate has been halved. `key_load` sets the place `key` in the stream of random draws, which moves on by
    itself with each image learned. `clear_counters` zeroes the counters. `trace` shows every change of state as it
    happens, for simulation; a synthesiser removes what is not connected.
    """

    def __init__(self, config: Config, hardware: HardwareConfig | None = None) -> None:
        self.config = config
        self.hardware = hardware or config.hardware
        self.numbers = fixed_numbers(config)
        self.layers = config.network.layers
        # More lanes than the widest layer would never be used.
        self.layout = Layout(config, min(self.hardware.lanes, max(self.layers[1:])), self.hardware.banks)
        self.lanes = self.layout.lanes
        self.crossbar = Crossbar(config, self.layout, self.hardware.deep)
        self.banks = self.layout.banks
        self.prefetch = self.hardware.prefetch
        self.inputs = [
            InputNeurons(config, self.hardware.input_lanes, rows, self.prefetch) for rows in self.layout.rows
        ]
        """Those of each bank."""
        self.rates = OutputRates(config, self.layout)
        neuron = neuron_layout(config)
        self.state_layout = data.ArrayLayout(neuron, self.lanes)
        if config.pulses:
            self.taps = [config.pulse.half, 2 * config.pulse.half + 1]
        elif config.rate.filter == 1:
            self.taps = [config.rate.delay]
        else:
            self.taps = [config.rate.delay, config.rate.filter, config.rate.delay + config.rate.filter]
        self.every = config.programming.every
        """Where above 1, a neuron counts its spikes and every so many sends a programming pulse."""
        self.late = config.pulses
        """A-EqSpike: a neuron's programming pulse comes steps after its spike."""
        self.own_pulses = self.every > 1 or self.late
        """Who sends a programming pulse is known from other bits than who fired."""
        self.naive = config.naive
        self.steps = config.learning.free_steps + config.learning.nudge_steps
        step = range(self.steps + 1)
        super().__init__(
            {
                "images": In(stream.Signature(image_layout(config))),
                "results": Out(stream.Signature(result_layout(config))),
                "weights": In(stream.Signature(weight_layout(self.crossbar))),
                "weight_data": Out(stream.Signature(signed(self.crossbar.weight_bits))),
                "halvings": In(self.crossbar.halvings.shape()),
                "key_load": In(1),
                "key_data": In(32),
                "key": Out(32, init=self.numbers.seed),
                "clear_counters": In(1),
                "counters": Out(counter_layout(config)),
                "trace": Out(
                    wiring.Signature(
                        {
                            "step": Out(step),
                            "step_done": Out(1),
                            "word": Out(32),
                            "counts": Out(self.rates.counts.shape()),
                            "inputs": Out(self.layers[0]),
                            "neurons_valid": Out(1),
                            "neurons_chunk": Out(range(max(2, len(self.layout.chunks)))),
                            "neurons": Out(self.state_layout),
                            "neurons_spikes": Out(self.lanes),
                            "write_toggle": Out(1),
                            "write_valid": Out(self.banks),
                            "write_step": Out(step),
                            "write_address": Out(self.crossbar.write_address.shape()),
                            "write_data": Out(self.crossbar.write_data.shape()),
                            "stages": Out(data.ArrayLayout(COUNTER_BITS, len(Stage))),
                            "rows": Out(data.ArrayLayout(COUNTER_BITS, self.banks)),
                            "row_cycles": Out(COUNTER_BITS),
                        }
                    )
                ),
            }
        )

    # -----------------------------------------------------------------------------------------------------------------

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crossbar = self.crossbar
        for bank, inputs in enumerate(self.inputs):
            m.submodules[f"inputs_{bank}" if bank else "inputs"] = inputs
        m.submodules.rates = self.rates

        # Per image.
        self.mode = Signal(Mode)
        self.label = Signal.like(self.rates.label)
        self.negative = Signal()
        self.word = Signal(32)
        self.nudging = Signal()
        # Per step.
        self.step = Signal(range(self.steps + 1))
        self.bias_phase = Signal(range(self.config.neuron.refractory))
        self.serves_bias = Signal()
        self.alone, self.inputs_served = Signal(), Signal(self.layers[0])
        """Naive: a pulse of this chunk programs all rows; which inputs fired in the step being served."""
        self.bias_count, self.bias_pulse = Signal(range(self.every)), Signal()
        """Spikes of the bias neurons since their last programming pulse; does the last one send a pulse?"""
        self.spikes = [None, *(Signal(size, name=f"spikes_{i}") for i, size in enumerate(self.layers) if i)]
        self.pulses = self.spikes
        if self.own_pulses:
            self.pulses = [None, *(Signal(size, name=f"pulses_{i}") for i, size in enumerate(self.layers) if i)]
        self.counting = self.nudging if self.config.programming.count_from == "nudge" else Const(1)
        self.rhobar = {
            layer: Array(
                Signal(signed(self.numbers.signal.bits), name=f"rhobar_{layer}_{n}") for n in range(self.layers[layer])
            )
            for layer in range(2, len(self.layers))
        }
        self.forward = {
            layer: [
                Signal(
                    signed(self.crossbar.weight_bits + ceil_log2(self.layers[layer - 1] + 1)), name=f"fw_{layer}_{n}"
                )
                for n in range(self.layers[layer])
            ]
            for layer in range(2, len(self.layers))
        }
        self.restart = Signal()
        """In the first cycle of FILL: it reaches too much to be decided in the same cycle."""
        self.begin_step, self.end_step = Signal(), Signal()
        self.settled = Signal(init=1)
        """All neurons stand as the last step left them."""
        self.steps_done = Signal(range(self.steps + 1))
        """Steps that all neurons have taken: `step` runs ahead of it."""

        self._spike_list(m)
        self._pipeline(m)
        self._neurons(m)
        self._sequencer(m)
        self._count(m)
        return m

    # -----------------------------------------------------------------------------------------------------------------
    # Input spikes: the list of step t-1 is served while the list of step t is made.

    def _spike_list(self, m: Module) -> None:
        self.made = Signal(self.layers[0])
        """Inputs that fired in the step that is being made."""
        self.lists = [SpikeList(self, m, bank) for bank in range(self.banks)]
        with m.If(self.restart | self.end_step):
            m.d.sync += self.made.eq(0)
        with m.If(self.end_step):
            m.d.sync += self.trace.inputs.eq(self.made)
        self.list_place = self.lists[0].place

    # -----------------------------------------------------------------------------------------------------------------
    # Operations: issued (stage L), list entry read (B), address formed (A), then into the crossbar (R, E, X).

    def _pipeline(self, m: Module) -> None:
        crossbar, layout = self.crossbar, self.layout
        shape = operation_layout(layout)
        self.op = Signal(shape)
        """The operation issued in this cycle (stage L)."""
        self.op_listed = Signal()
        """It is the row of the next entry of bank 0's list."""
        self.op_tap = Signal(range(max(2, len(self.taps) + 1)))
        op_b, op_a, op_r, op_e = (Signal(shape, name=f"op_{stage}") for stage in "bare")
        listed_b = Signal()
        tap_b, tap_a, tap_r = (Signal.like(self.op_tap, name=f"tap_{stage}") for stage in "bar")
        listed = self.lists[0].read.data
        entry = Mux(listed_b, listed.place, 0)
        m.d.sync += [
            op_b.eq(self.op),
            listed_b.eq(self.op_listed),
            op_a.eq(op_b),
            op_a.address.eq(op_b.address + entry),
            op_a.number.eq(op_b.number + (Mux(listed_b, listed.number, 0) if self.lists[0].numbered else entry)),
            op_a.program.eq(op_b.program & (~listed_b | listed.pulse if self.every > 1 else 1)),
            op_r.eq(op_a),
            op_e.eq(op_r),
            tap_b.eq(self.op_tap),
            tap_a.eq(tap_b),
            tap_r.eq(tap_a),
        ]
        for row_b, row_a, entries in zip(op_b.rows, op_a.rows, self.lists[1:], strict=True):
            found = entries.read.data
            m.d.sync += [
                row_a.address.eq(row_b.address + Mux(row_b.valid, found.place, 0)),
                row_a.program.eq(row_b.program & (found.pulse if self.every > 1 else 1)),
            ]
            if entries.numbered:
                m.d.sync += row_a.number.eq(found.number)
        # The pass of a step begins with the first chunk's LOAD; what goes before it belongs to the step before.
        self.step_a = Signal.like(self.step)
        with m.If((op_b.kind == Kind.LOAD) & (op_b.chunk == 0)):
            m.d.sync += self.step_a.eq(self.step)
        self.new_word = Signal()
        m.d.comb += self.new_word.eq((op_a.kind == Kind.LOAD) & (op_a.chunk == 0))
        self.in_flight = [op_b, op_a, op_r, op_e]
        m.d.comb += [
            crossbar.operation.eq(op_a),
            crossbar.negative.eq(self.negative),
            crossbar.halvings.eq(self.halvings),
            crossbar.word.eq(self.word),
        ]
        self.op_e = op_e

        # State and delay line are read beside the weights, and taken at the end of stage R.
        chunks = len(layout.chunks)
        m.submodules.state = state = Memory(shape=unsigned(self.state_layout.size), depth=max(2, chunks), init=[])
        self.state_write, state_read = state.write_port(), state.read_port()
        depth_bits = ceil_log2(history_depth(self.config))
        m.submodules.history = history = Memory(shape=unsigned(self.lanes), depth=max(2, chunks) << depth_bits, init=[])
        self.history_write, history_read = history.write_port(), history.read_port()
        self.depth_bits = depth_bits
        taps = [*self.taps, self.config.learning.window]
        tap_steps = Array(taps)[tap_a]
        seen, begun = Signal(), Signal()
        """`seen`: the delay line's word is of this image. `begun`: the image's first step is over."""
        m.d.comb += [
            state_read.addr.eq(op_a.chunk),
            history_read.addr.eq(Cat((self.step_a - tap_steps)[:depth_bits], op_a.chunk)),
        ]
        m.d.sync += [seen.eq(self.step_a >= tap_steps), begun.eq(self.step_a != 0)]
        self.lane_state = Signal(self.state_layout)
        self.lane_spikes = Signal(self.lanes)
        self.lane_pulses = Signal(self.lanes) if self.own_pulses else self.lane_spikes
        self.lane_taps = [Signal(self.lanes, name=f"lane_tap_{i}") for i in range(len(taps))]
        with m.If(op_r.kind == Kind.LOAD):
            # An image begins at rest: nothing needs to be cleared in memory.
            m.d.sync += self.lane_state.eq(Mux(begun, state_read.data, 0))
            with m.Switch(op_r.chunk):
                for chunk in layout.chunks:
                    with m.Case(chunk.index):
                        spikes = self.spikes[chunk.layer][chunk.first : chunk.first + chunk.count]
                        m.d.sync += self.lane_spikes.eq(spikes)
                        if self.own_pulses:
                            pulses = self.pulses[chunk.layer][chunk.first : chunk.first + chunk.count]
                            m.d.sync += self.lane_pulses.eq(pulses)
        with m.If((op_r.kind == Kind.LOAD) | (op_r.kind == Kind.TAP)):
            with m.Switch(tap_r):
                for i, tap in enumerate(self.lane_taps):
                    with m.Case(i):
                        m.d.sync += tap.eq(Mux(seen, history_read.data, 0))

        # The crossbar's stage R needs the lanes' rho-bars and the neuron above, whose spike reaches every lane: it is
        # chosen a stage before. All neurons stand while two-way synapses are served.
        m.d.comb += [crossbar.spikes.eq(self.lane_spikes), crossbar.pulses.eq(self.lane_pulses)]
        for lane in range(self.lanes):
            m.d.comb += crossbar.integrator[lane].eq(self.lane_state[lane].integrator)
        ports = (crossbar.post_spike, crossbar.post_pulse, crossbar.post_integrator)
        spike, pulse, integrator = above = [Signal.like(port) for port in ports]
        m.d.comb += [port.eq(chosen) for port, chosen in zip(ports, above, strict=True)]
        with m.Switch(op_a.synapses):
            for s in crossbar.pair_layers:
                with m.Case(s):
                    m.d.sync += [
                        spike.eq(self.spikes[s + 1].bit_select(op_a.post, 1)),
                        pulse.eq(self.pulses[s + 1].bit_select(op_a.post, 1)),
                        integrator.eq(self.rhobar[s + 1][op_a.post]),
                    ]

        # Sums for the neurons above: gone once the last of them takes its step.
        for above, sums in self.forward.items():
            ends = (op_e.kind == Kind.UPDATE) & (op_e.chunk == layout.chunks_of(above)[-1].index)
            with m.If(ends | self.restart):
                m.d.sync += [total.eq(0) for total in sums]
            with m.Elif(crossbar.forward_valid):
                with m.If(crossbar.forward_synapses == above - 1):
                    for k, total in enumerate(sums):
                        with m.If(crossbar.forward_post == k):
                            m.d.sync += total.eq(total + crossbar.forward)

    # -----------------------------------------------------------------------------------------------------------------
    # Neurons: an UPDATE in stage E starts the LIF neurons; four cycles later their spikes drive the rho-bar blocks.

    def _neurons(self, m: Module) -> None:
        layout, lanes, numbers = self.layout, self.lanes, self.numbers
        last = len(self.layers) - 1
        current_bits = max(numbers.current_bits) + 1
        update_e = self.op_e.kind == Kind.UPDATE
        chunk_e = self.op_e.chunk

        parts = Array(c.part if c.layer == last else 0 for c in layout.chunks)
        m.d.comb += self.rates.part_drive.eq(parts[chunk_e])
        is_output = Array(int(c.layer == last) for c in layout.chunks)
        nudged = self.nudging & is_output[chunk_e]

        # What the LIF neurons do not need passes by in four stages.
        filters = "filtered" in self.state_layout.elem_shape.members
        passing = data.StructLayout(
            {
                "valid": 1,
                "chunk": range(max(2, len(layout.chunks))),
                "integrator": data.ArrayLayout(signed(numbers.signal.bits), lanes),
                "filtered": data.ArrayLayout(self.state_layout.elem_shape["filtered"].shape, lanes) if filters else 0,
                "taps": data.ArrayLayout(unsigned(lanes), len(self.lane_taps)),
                "pulse_count": data.ArrayLayout(unsigned((self.every - 1).bit_length()), lanes),
                "last_spikes": lanes * int(self.late),
                "last_pulses": lanes * int(self.late),
            }
        )
        stages = [Signal(passing, name=f"pass_{i}") for i in range(4)]
        first = stages[0]
        m.d.sync += [first.valid.eq(update_e), first.chunk.eq(chunk_e)]
        m.d.sync += [first.taps[i].eq(tap) for i, tap in enumerate(self.lane_taps)]
        if self.late:
            m.d.sync += [first.last_spikes.eq(self.lane_spikes), first.last_pulses.eq(self.lane_pulses)]
        m.d.sync += [later.eq(earlier) for earlier, later in itertools.pairwise(stages)]
        done = stages[-1]
        # The naive variant asks already at LOAD for the pulses that the last stage gives.
        self.in_flight_late = stages if self.naive else stages[:2]
        last_done = done.valid & (done.chunk == len(layout.chunks) - 1)
        late_step = Signal.like(self.steps_done)
        with m.If(self.restart):
            m.d.sync += [self.settled.eq(1), self.steps_done.eq(0)]
        with m.Elif(last_done):
            m.d.sync += [self.settled.eq(1), self.steps_done.eq(self.steps_done + 1)]
        with m.Elif(self.end_step):
            m.d.sync += self.settled.eq(0)
        m.d.sync += late_step.eq(self.steps_done)
        self.first_step_known = Signal()
        with m.If(self.rates.first_valid & ~self.first_step_known):
            m.d.sync += [self.results.payload.first_step.eq(late_step), self.first_step_known.eq(1)]
        with m.If(self.restart):
            m.d.sync += self.first_step_known.eq(0)

        spikes, pulses = Signal(lanes), Signal(lanes)
        thresholds = fixed_thresholds(self.config, numbers.membrane)
        saturated = Signal(lanes)
        new_state = Signal(self.state_layout)
        valid_lanes = self.crossbar.chunk_constant([(1 << c.count) - 1 for c in layout.chunks], done.chunk)
        for lane in range(lanes):
            state = self.lane_state[lane]
            lif = Lif(self.config, current_bits)
            rho = PulseTail(self.config) if self.late else RhoBar(self.config)
            m.submodules[f"lif_{lane}"] = lif
            m.submodules[f"signal_{lane}"] = rho
            drive = Mux(nudged, self.rates.drive[lane], 0)
            m.d.comb += [
                lif.membrane.eq(state.membrane),
                lif.refractory.eq(state.refractory),
                lif.drive.eq(self._from_below(lane, chunk_e) + drive),
                lif.current.eq(self.crossbar.current[lane]),
            ]
            if lif.gains:
                own = [int(thresholds[c.layer][c.first + lane]) if lane < c.count else 0 for c in layout.chunks]
                m.d.comb += lif.threshold.eq(self.crossbar.chunk_constant(own, chunk_e))
            m.d.sync += first.integrator[lane].eq(state.integrator)
            m.d.comb += [
                spikes[lane].eq(lif.spike & valid_lanes[lane]),
                saturated[lane].eq(lif.saturated & valid_lanes[lane] & done.valid),
                rho.spike.eq(spikes[lane]),
                rho.integrator.eq(done.integrator[lane]),
                rho.delayed.eq(done.taps[0][lane]),
                new_state[lane].membrane.eq(lif.next_membrane),
                new_state[lane].refractory.eq(lif.next_refractory),
                new_state[lane].integrator.eq(rho.next_integrator),
            ]
            if filters:
                m.d.sync += first.filtered[lane].eq(state.filtered)
                m.d.comb += [
                    rho.filtered.eq(done.filtered[lane]),
                    new_state[lane].filtered.eq(rho.next_filtered),
                ]
            if self.late:
                # The neuron's spike and pulse of the last step are those of 1 and of h + 1 steps ago.
                m.d.comb += [
                    rho.leaving.eq(done.last_spikes[lane]),
                    rho.delayed_leaving.eq(done.last_pulses[lane]),
                    rho.old.eq(done.taps[1][lane]),
                    pulses[lane].eq(rho.pulse),
                ]
            elif self.config.rate.filter > 1:
                m.d.comb += [
                    rho.leaving.eq(done.taps[1][lane]),
                    rho.delayed_leaving.eq(done.taps[2][lane]),
                ]
            if self.every > 1:
                m.d.sync += first.pulse_count[lane].eq(state.pulse_count)
                count, counted = done.pulse_count[lane], spikes[lane] & self.counting
                m.d.comb += [
                    pulses[lane].eq(counted & (count == self.every - 1)),
                    new_state[lane].pulse_count.eq(Mux(pulses[lane], 0, count + counted)),
                ]

        m.d.comb += [
            self.state_write.en.eq(done.valid),
            self.state_write.addr.eq(done.chunk),
            self.state_write.data.eq(new_state),
            self.history_write.en.eq(done.valid),
            self.history_write.addr.eq(Cat(self.steps_done[: self.depth_bits], done.chunk)),
            self.history_write.data.eq(spikes),
        ]
        if len(self.step) < self.depth_bits:
            m.d.comb += self.history_write.addr.eq(
                Cat(self.steps_done, Value.cast(0).replicate(self.depth_bits - len(self.step)), done.chunk)
            )
        with m.If(self.restart):
            m.d.sync += [register.eq(0) for register in (*self.spikes[1:], *self.pulses[1:])]
            m.d.sync += [value.eq(0) for layer in self.rhobar.values() for value in layer]
        with m.Elif(done.valid):
            with m.Switch(done.chunk):
                for chunk in layout.chunks:
                    with m.Case(chunk.index):
                        register = self.spikes[chunk.layer]
                        mine = slice(chunk.first, chunk.first + chunk.count)
                        m.d.sync += register[mine].eq(spikes[: chunk.count])
                        if self.own_pulses:
                            m.d.sync += self.pulses[chunk.layer][mine].eq(pulses[: chunk.count])
                        if chunk.layer in self.rhobar:
                            for lane in range(chunk.count):
                                value = new_state[lane].integrator
                                m.d.sync += self.rhobar[chunk.layer][chunk.first + lane].eq(value)
        m.d.comb += [
            self.rates.update.eq(done.valid & is_output[done.chunk]),
            self.rates.part.eq(parts[done.chunk]),
            self.rates.spikes.eq(spikes),
            self.rates.leaving.eq(done.taps[-1]),
            self.rates.label.eq(self.label),
            self.rates.negative.eq(self.negative),
            self.rates.restart.eq(self.restart),
            self.trace.neurons_valid.eq(done.valid),
            self.trace.neurons_chunk.eq(done.chunk),
            self.trace.neurons.eq(new_state),
            self.trace.neurons_spikes.eq(spikes),
            self.trace.counts.eq(self.rates.counts),
        ]
        # From stage A, where the step begins, to X, where words are written.
        write_step = self.step_a
        for stage in range(self.crossbar.write_stage):
            earlier = Signal.like(self.step, name=f"write_step_{stage}")
            m.d.sync += earlier.eq(write_step)
            write_step = earlier
        with m.If(self.crossbar.write_valid.any()):
            m.d.sync += [
                self.trace.write_step.eq(write_step),
                self.trace.write_toggle.eq(~self.trace.write_toggle),
                self.trace.write_valid.eq(self.crossbar.write_valid),
            ]
        for bank in range(self.banks):
            with m.If(self.crossbar.write_valid[bank]):
                m.d.sync += [
                    self.trace.write_address[bank].eq(self.crossbar.write_address[bank]),
                    self.trace.write_data[bank].eq(self.crossbar.write_data[bank]),
                ]
        # The word and the spikes that belong to the step that is done.
        op_a = self.in_flight[1]
        with m.If((op_a.kind == Kind.UPDATE) & (op_a.chunk == len(layout.chunks) - 1)):
            m.d.sync += self.trace.word.eq(self.word)
        m.d.sync += self.trace.step_done.eq(last_done)
        m.d.comb += self.trace.step.eq(self.steps_done)
        self.neurons_valid, self.neurons_chunk = done.valid, done.chunk
        self.neuron_spikes, self.neuron_saturated = spikes, saturated

    def _from_below(self, lane: int, chunk: Value) -> Value:
        """Current into the lane's neuron from the two-way synapses below it, in membrane LSBs."""
        choices = []
        for c in self.layout.chunks:
            if c.layer < 2 or lane >= c.count:
                choices.append(0)
            else:
                align = self.crossbar.synapses[c.layer - 1].align
                choices.append(self.forward[c.layer][c.first + lane] << align)
        if all(isinstance(choice, int) for choice in choices):
            return Value.cast(0)
        return Array(Value.cast(choice) for choice in choices)[chunk]

    # -----------------------------------------------------------------------------------------------------------------
    # Sequencer.

    def _sequencer(self, m: Module) -> None:
        crossbar, layout, rates = self.crossbar, self.layout, self.rates
        learning = self.config.learning
        chunks = layout.chunks
        last = len(self.layers) - 1
        numbering = neuron_numbers(self.layers)

        pixels_ready, loaded, busy = (
            Cat(getattr(inputs, name) if name != "ready" else inputs.pixels.ready for inputs in self.inputs)
            for name in ("ready", "loaded", "busy")
        )
        result = self.results.payload
        at = Signal(range(max(2, len(chunks))))
        """The chunk being served."""
        tap = Signal.like(self.op_tap)
        pending = Signal(max([*self.layers[2:], 1]))
        """Neurons above the chunk whose synapses are still to be served in this pass."""
        known = Signal()
        """Which those are is known."""
        bias_left = Signal()
        """The bias is still to be served."""
        wait = Signal(range(16))
        warm = Signal(range(WARM_UP + 1))
        learns = Signal()
        """This pass programs: it serves spikes of the nudge phase."""
        m.d.comb += learns.eq(self.nudging & (self.step > learning.free_steps))
        with m.If(self.new_word):
            m.d.sync += self.word.eq(xorshift32(self.word))

        def per_chunk(values: list[int]) -> Value:
            return crossbar.chunk_constant(values, at)

        layer_of = per_chunk([c.layer for c in chunks])
        pair_post = Signal(range(max(2, len(pending))))
        for k in reversed(range(len(pending))):
            with m.If(pending[k]):
                m.d.comb += pair_post.eq(k)
        m.d.comb += self.op.chunk.eq(at)
        taps = [len(self.lane_taps) if c.layer == last else len(self.taps) for c in chunks]

        # A layer's sums from below must be in when its first chunk is updated: they take the tree's latency and one
        # cycle; UPDATE, LOAD, TAPs and the next UPDATE come after the last of the pairs.
        def settle(i: int) -> int:
            if i == 0 or chunks[i].layer == 1 or chunks[i - 1].layer == chunks[i].layer:
                return 0
            return max(0, crossbar.forward_latency - 1 - taps[i])

        # A chunk's state must be in memory when it is read again: seven cycles after its UPDATE. With four chunks or
        # more, serving the others takes as long.
        still = Signal()
        if len(chunks) < 4 or self.naive:
            flying = [(op.kind == Kind.UPDATE) & (op.chunk == at) for op in self.in_flight]
            flying += [stage.valid & (stage.chunk == at) for stage in self.in_flight_late]
            m.d.comb += still.eq(Cat(flying).any())

        # Spikes of the last step say which two-way synapses are to be served.
        pairs_known = Signal()
        m.d.comb += pairs_known.eq(known | (layer_of == last))

        peeking, peek_data = Signal(), Signal.like(crossbar.peek_data)
        weight = self.weights.payload
        poke_data, bank = Signal.like(crossbar.poke_data), Signal.like(crossbar.bank)
        m.d.comb += [
            crossbar.poke_data.eq(poke_data), crossbar.bank.eq(bank), self.weight_data.payload.eq(peek_data)
        ]  # fmt: skip
        with m.If(self.weight_data.valid & self.weight_data.ready):
            m.d.sync += self.weight_data.valid.eq(0)
        with m.If(crossbar.peek_valid):
            m.d.sync += [peek_data.eq(crossbar.peek_data), self.weight_data.valid.eq(1), peeking.eq(0)]
        with m.If(self.results.valid & self.results.ready):
            m.d.sync += self.results.valid.eq(0)
        with m.If(self.key_load):
            m.d.sync += self.key.eq(self.key_data)
        self.stage = stage = Signal(Stage)
        images = self.images.payload
        label, mode = images.label, images.mode
        if self.prefetch:
            label, mode = Signal.like(self.label, name="next_label"), Signal(Mode, name="next_mode")
            m.d.comb += self.images.ready.eq(pixels_ready.all())
            m.d.comb += [inputs.pixels.valid.eq(self.images.valid) for inputs in self.inputs]
            with m.If(self.images.valid & self.inputs[0].empty):
                m.d.sync += [label.eq(images.label), mode.eq(images.mode)]
        for inputs in self.inputs:
            m.d.comb += [inputs.restart.eq(self.restart), inputs.start.eq(self.begin_step)]
            m.d.comb += inputs.pixels.payload.eq(self.images.payload.pixel)

        begins = Signal()
        m.d.sync += self.restart.eq(begins)
        with m.FSM():
            with m.State("IDLE"):
                # Weight commands have priority over the next image, so that both may be offered at once.
                with m.If(self.weights.valid):
                    m.d.comb += self.weights.ready.eq(~peeking & ~self.weight_data.valid)
                    with m.If(self.weights.ready):
                        m.d.comb += [
                            self.op.kind.eq(Mux(weight.write, Kind.POKE, Kind.PEEK)),
                            self.op.address.eq(weight.word),
                            self.op.post.eq(weight.lane),
                        ]
                        if crossbar.devices is not None and crossbar.devices.sticks:
                            self._locate(m, weight.word)
                        m.d.sync += [
                            poke_data.eq(weight.data),
                            peeking.eq(~weight.write),
                            bank.eq(0),
                            wait.eq(6 + crossbar.extra_stages),
                        ]
                        for other, row in enumerate(self.op.rows, 1):
                            first = layout.bank_first[other]
                            m.d.comb += row.address.eq(weight.word - first)
                            with m.If(weight.word >= first):
                                m.d.sync += bank.eq(other)
                        m.next = "WEIGHT"
                offered = loaded.all() if self.prefetch else self.images.valid
                with m.Elif(offered & ~self.results.valid & ~self.key_load):
                    m.d.comb += begins.eq(1)
                    m.d.sync += [
                        self.label.eq(label),
                        self.mode.eq(mode),
                        self.word.eq(Mux(self.key == 0, MASK32, self.key)),
                        self.nudging.eq(0),
                        self.step.eq(0),
                        self.serves_bias.eq(0),
                        self.bias_phase.eq(0),
                        self.bias_count.eq(0),
                        self.bias_pulse.eq(0),
                        warm.eq(0),
                        result.nudged.eq(0),
                        at.eq(0),
                    ]
                    m.next = "FILL"
            with m.State("WEIGHT"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.next = "IDLE"
            with m.State("FILL"):
                m.d.comb += stage.eq(Stage.FILL)
                filled = Const(1)
                if not self.prefetch:
                    filled = loaded.all()
                    takes = ~self.restart
                    m.d.comb += self.images.ready.eq(pixels_ready.all() & takes)
                    m.d.comb += [inputs.pixels.valid.eq(self.images.valid & takes) for inputs in self.inputs]
                with m.If(warm != WARM_UP):
                    m.d.sync += [self.word.eq(xorshift32(self.word)), warm.eq(warm + 1)]
                with m.If(filled & (warm == WARM_UP)):
                    sign = self.word[0] if learning.random_sign else 0
                    m.d.sync += self.negative.eq(sign)
                    m.next = "STEP"
            with m.State("STEP"):
                m.d.comb += [stage.eq(Stage.BEGIN), self.begin_step.eq(1)]
                m.d.sync += at.eq(0)
                m.next = "LOAD"
            with m.State("LOAD"):
                m.d.comb += [stage.eq(Stage.BEGIN), self.op_tap.eq(0)]
                m.d.sync += [entries.place.eq(0) for entries in self.lists]
                m.d.sync += [tap.eq(1), known.eq(0), bias_left.eq(self.serves_bias)]
                m.d.sync += wait.eq(per_chunk([settle(i) for i in range(len(chunks))]))
                with m.If(~still):
                    m.d.comb += [stage.eq(Stage.LOAD), self.op.kind.eq(Kind.LOAD)]
                    if self.naive:
                        with m.Switch(at):
                            for chunk in chunks:
                                with m.Case(chunk.index):
                                    mine = slice(chunk.first, chunk.first + chunk.count)
                                    pulses = learns & self.pulses[chunk.layer][mine].any()
                                    m.d.sync += [self.alone.eq(pulses), bias_left.eq(self.serves_bias | pulses)]
                    with m.If(per_chunk(taps) > 1):
                        m.next = "TAPS"
                    with m.Else():
                        m.next = "SERVE"
            with m.State("TAPS"):
                m.d.comb += [stage.eq(Stage.LOAD), self.op.kind.eq(Kind.TAP), self.op_tap.eq(tap)]
                m.d.sync += tap.eq(tap + 1)
                with m.If(tap == per_chunk(taps) - 1):
                    m.next = "SERVE"
            with m.State("SERVE"):
                # The rows of the inputs that fired, then the bias, then the two-way synapses: what there is of each.
                # In step 0 no spikes are left to serve.
                m.d.comb += stage.eq(Stage.SERVE)
                with m.If(~known & self.settled):
                    self._choose_pairs(m, at, pending, known, learns)
                with m.If(wait != 0):
                    m.d.sync += wait.eq(wait - 1)
                for bank_list, row in zip(self.lists[1:], self.op.rows, strict=True):
                    more = (layer_of == 1) & bank_list.more
                    m.d.comb += [
                        row.valid.eq(more),
                        row.program.eq(more & learns),
                        row.address.eq(
                            per_chunk([layout.base(c, bank_list.bank) if c.layer == 1 else 0 for c in chunks])
                        ),
                    ]
                    with m.If(more):
                        m.d.sync += bank_list.place.eq(bank_list.place + 1)
                others = Cat(row.valid for row in self.op.rows).any() if self.banks > 1 else Const(0)
                entries = (layer_of == 1) & self.lists[0].more
                if self.naive:
                    entries = (layer_of == 1) & Mux(self.alone, self.list_place != self.layers[0], self.lists[0].more)
                with m.If(entries):
                    m.d.comb += [
                        self.op.kind.eq(Kind.ROW),
                        self.op.program.eq(learns),
                        self.op.synapses.eq(0),
                        self.op.number.eq(0),
                        self.op.address.eq(per_chunk([c.base for c in chunks])),
                        self.op_listed.eq(1),
                    ]
                    if self.naive:
                        with m.If(self.alone):
                            m.d.comb += [
                                self.op.address.eq(per_chunk([c.base for c in chunks]) + self.list_place),
                                self.op.number.eq(self.list_place),
                                self.op.silent.eq(~self.inputs_served.bit_select(self.list_place, 1)),
                                self.op_listed.eq(0),
                            ]
                    m.d.sync += self.list_place.eq(self.list_place + 1)
                with m.Elif(bias_left):
                    m.d.comb += [
                        self.op.kind.eq(Kind.ROW),
                        self.op.program.eq(learns & self.bias_pulse if self.every > 1 else learns),
                        self.op.silent.eq(~self.serves_bias),
                        self.op.synapses.eq(per_chunk([c.layer - 1 for c in chunks])),
                        self.op.address.eq(per_chunk([c.bias for c in chunks])),
                        self.op.number.eq(
                            per_chunk([numbering[c.layer - 1] + self.layers[c.layer - 1] for c in chunks])
                        ),
                    ]
                    m.d.sync += bias_left.eq(0)
                with m.Elif(known & pending.any()):
                    m.d.comb += [
                        self.op.kind.eq(Kind.PAIR),
                        self.op.program.eq(learns),
                        self.op.synapses.eq(per_chunk([min(c.layer, last - 1) for c in chunks])),
                        self.op.post.eq(pair_post),
                        self.op.address.eq(per_chunk([c.pairs for c in chunks]) + pair_post),
                        self.op.number.eq(per_chunk([numbering[min(c.layer + 1, last)] for c in chunks]) + pair_post),
                    ]
                    m.d.sync += pending.eq(pending & (pending - 1)[: len(pending)])
                with m.Elif(others):
                    pass
                with m.Elif(~pairs_known | (wait != 0)):
                    m.d.comb += stage.eq(Stage.WAIT)
                with m.Elif(at != len(chunks) - 1):
                    m.d.comb += [stage.eq(Stage.UPDATE), self.op.kind.eq(Kind.UPDATE)]
                    m.d.sync += at.eq(at + 1)
                    m.next = "LOAD"
                with m.Elif(~self.settled | busy.any()):
                    m.d.comb += stage.eq(Stage.DRAIN)
                with m.Else():
                    # The next step begins while the neurons take this one.
                    m.d.comb += [stage.eq(Stage.UPDATE), self.op.kind.eq(Kind.UPDATE), self.end_step.eq(1)]
                    self._end_step(m)
                    m.d.sync += at.eq(0)
                    free_ends = ~self.nudging & (self.step == learning.free_steps - 1)
                    with m.If(free_ends | (self.step == self.steps - 1) | (self.mode == Mode.INFER_FIRST_SPIKE)):
                        m.next = "DRAIN"
                    with m.Else():
                        m.d.comb += self.begin_step.eq(1)
                        m.next = "LOAD"
            with m.State("DRAIN"):
                m.d.comb += stage.eq(Stage.DRAIN)
                with m.If(self.settled):
                    stopped = (self.mode == Mode.INFER_FIRST_SPIKE) & rates.first_valid
                    with m.If(~self.nudging & ((self.step == learning.free_steps) | stopped)):
                        m.d.comb += rates.scan.eq(1)
                        m.next = "SCAN"
                    with m.Elif(self.step == self.steps):
                        m.next = "RESULT"
                    with m.Else():
                        m.next = "STEP"
            with m.State("SCAN"):
                m.d.comb += stage.eq(Stage.RESULT)
                with m.If(rates.scanned):
                    m.d.sync += [result.prediction.eq(rates.prediction), result.counts.eq(rates.counts)]
                    with m.If((self.mode == Mode.LEARN) & ~rates.within):
                        m.d.sync += [self.nudging.eq(1), result.nudged.eq(1)]
                        m.next = "STEP"
                    with m.Else():
                        m.next = "RESULT"
            with m.State("RESULT"):
                m.d.comb += stage.eq(Stage.RESULT)
                m.d.sync += [
                    self.results.valid.eq(1),
                    result.first_valid.eq(rates.first_valid),
                    result.first_spike.eq(rates.first_spike),
                ]
                with m.If(self.mode == Mode.LEARN):
                    m.d.sync += self.key.eq(self.key + WEYL)
                m.next = "IDLE"

    def _choose_pairs(self, m: Module, at: Value, pending: Signal, known: Signal, learns: Value) -> None:
        """Which neurons above need serving: all when a neuron of the chunk fired, else those that fired themselves; a
        late programming pulse counts as well while the chip learns."""
        acts = self.spikes
        if self.late:
            acts = [None, *(s | Mux(learns, p, 0) for s, p in zip(self.spikes[1:], self.pulses[1:], strict=True))]
        m.d.sync += [known.eq(1), pending.eq(0)]
        with m.Switch(at):
            for chunk in self.layout.chunks:
                if chunk.layer == len(self.layers) - 1:
                    continue
                with m.Case(chunk.index):
                    mine = slice(chunk.first, chunk.first + chunk.count)
                    above = self.layers[chunk.layer + 1]
                    m.d.sync += pending.eq(Mux(acts[chunk.layer][mine].any(), (1 << above) - 1, acts[chunk.layer + 1]))

    def _locate(self, m: Module, word: Value) -> None:
        """Name the devices of a word of the weight memory in the operation, as a spike that served them would."""
        numbering = neuron_numbers(self.layers)
        for chunk in self.layout.chunks:
            below = chunk.layer - 1
            parts = [(chunk.bias, 1, below, numbering[below] + self.layers[below])]
            if chunk.bias > chunk.base:
                parts.append((chunk.base, chunk.bias - chunk.base, below, numbering[below]))
            if chunk.layer + 1 < len(self.layers):
                parts.append((chunk.pairs, self.layers[chunk.layer + 1], chunk.layer, numbering[chunk.layer + 1]))
            for first, count, synapses, numbered in parts:
                with m.If((word >= first) & (word < first + count)):
                    m.d.comb += [
                        self.op.chunk.eq(chunk.index),
                        self.op.synapses.eq(synapses),
                        self.op.number.eq(word - first + numbered),
                    ]

    def _end_step(self, m: Module) -> None:
        """Leave a step for the next."""
        refractory = self.config.neuron.refractory
        if self.naive:
            m.d.sync += self.inputs_served.eq(self.made)
        m.d.sync += [
            self.step.eq(self.step + 1),
            self.serves_bias.eq(self.bias_phase == 0),
            self.bias_phase.eq(Mux(self.bias_phase == refractory - 1, 0, self.bias_phase + 1)),
        ]
        if self.every > 1:
            wraps = self.bias_count == self.every - 1
            with m.If((self.bias_phase == 0) & self.counting):
                m.d.sync += [self.bias_pulse.eq(wraps), self.bias_count.eq(Mux(wraps, 0, self.bias_count + 1))]

    # -----------------------------------------------------------------------------------------------------------------

    def _count(self, m: Module) -> None:
        """Counters."""
        crossbar, counters = self.crossbar, self.counters
        busy = Signal()
        with m.If(self.restart):
            m.d.sync += busy.eq(1)
        with m.Elif(self.results.valid):
            m.d.sync += busy.eq(0)
        scanned = Signal()
        m.d.sync += scanned.eq(self.rates.scanned)
        decided = self.rates.scanned & ~scanned & (self.mode == Mode.LEARN)
        increments = [
            (counters.steps, self.end_step),
            (counters.cycles, busy),
            (counters.synops, crossbar.operations),
            (counters.programming_pulses, crossbar.programmed),
            (counters.membrane_saturations, popcount(self.neuron_saturated)),
            (counters.weight_saturations, crossbar.saturations),
            (counters.nudged, decided & ~self.rates.within),
            (counters.skipped, decided & self.rates.within),
            (counters.images, self.restart),
            (counters.spikes[0], popcount(Cat(inputs.spikes.valid for inputs in self.inputs))),
        ]
        fired = Mux(self.neurons_valid, popcount(self.neuron_spikes), 0)
        layer_of = Array(c.layer for c in self.layout.chunks)[self.neurons_chunk]
        increments += [
            (counters.spikes[layer], Mux(layer_of == layer, fired, 0)) for layer in range(1, len(self.layers))
        ]
        # For measurements in a simulator.
        first = (self.op.kind == Kind.ROW) | (self.op.kind == Kind.PAIR)
        moved = Cat(first, *(row.valid for row in self.op.rows))
        with m.If(self.clear_counters):
            m.d.sync += [self.trace.stages.as_value().eq(0), self.trace.rows.as_value().eq(0)]
            m.d.sync += self.trace.row_cycles.eq(0)
        with m.Else():
            for kind in Stage:
                with m.If(self.stage == kind):
                    m.d.sync += self.trace.stages[kind.value].eq(self.trace.stages[kind.value] + 1)
            for bank in range(self.banks):
                m.d.sync += self.trace.rows[bank].eq(self.trace.rows[bank] + moved[bank])
            m.d.sync += self.trace.row_cycles.eq(self.trace.row_cycles + moved.any())
        with m.If(self.clear_counters):
            m.d.sync += counters.as_value().eq(0)
        with m.Else():
            m.d.sync += [counter.eq(counter + amount) for counter, amount in increments]


__all__ = ["Core", "Mode", "Stage", "counter_layout", "image_layout", "result_layout", "weight_layout"]
