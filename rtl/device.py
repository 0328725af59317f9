"""The memristors of the crossbar's lanes (the circuit of `golden.device`)."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Out

from eqspike.golden.config import Config
from eqspike.golden.derived import neuron_numbers
from eqspike.golden.deviations import device_seeds, layer_devices, stuck_limits
from eqspike.golden.device_numbers import FACTOR_BITS, SLOPE_MAX, DeviceNumbers, fixed_devices
from eqspike.golden.device_section import STUCK_OFF, STUCK_ON
from eqspike.golden.draw import NOISE_KEY, column_key
from eqspike.golden.number import bits_for_signed, fixed_numbers
from eqspike.rtl.accumulator import Accumulators, RowDraw, connect_accumulators
from eqspike.rtl.draw import (
    deviate_index,
    mix,
    neuron_rotation,
    noise_of,
    rotate_right,
    row_key,
    spread,
    xorshift32,
)
from eqspike.rtl.layout import Layout
from eqspike.rtl.number import Rounder, saturate_layers, table
from eqspike.rtl.operation import Kind
from eqspike.rtl.program import later, program_ports


def lookup(tables: list[tuple[int, ...]], index: Value, layer: Value) -> Value:
    """Entry `index` of the table of `layer`; a constant where all entries are the same."""
    choices = {values: table(values, index) for values in tables}
    if len(choices) == 1:
        return choices[tables[0]]
    return Array(choices[values] for values in tables)[layer]


class Devices(wiring.Component):
    """One word of devices takes the programming pulses of an operation.

    The ports are those of `rtl.program.program_ports`; `post`, `program` and (without accumulators) `pulses` are not
    read. With accumulators there is `given` (a bit a lane), in stage X: the device got a pulse. A stuck device has
    its own weight whatever the host writes: `word` is, combinationally, the word with stuck devices in it.

    Without `enable`, the hashes of the last one that did
    stay, which saves power and simulation time.

    `new` and `saturated` come `LATENCY` cycles after stage R; a device without a pulse keeps its weight. Throughput 1.
    What each cycle after R ends with: 1 hashes; 2 sign and factor, deviates, curves; 3 learning rate, slopes, offsets;
    4 what each half leaves over the thresholds, slope times curve; 5 products; 6 noise, rounding, saturation.
    """

    LATENCY = 6
    latency = LATENCY
    """As `rtl.program.IdealProgram` has it, which is not the same for all configs."""

    def __init__(self, config: Config, layout: Layout, weight_bits: int) -> None:
        self.config, self.layout, self.weight_bits = config, layout, weight_bits
        self.numbers = fixed_numbers(config)
        self.device = config.device
        self.devices: tuple[DeviceNumbers, ...] = fixed_devices(config, self.numbers)
        # All layers' changes are aligned to the one with the most fraction bits.
        self.rest_bits = config.programming.rest_bits
        self.accumulators = Accumulators(config, layout) if self.rest_bits else None
        """Then devices get pulses from these, and nothing else."""
        aligned = [
            n._replace(step_shift=d.fraction, step_boost=d.x_boost, halvings=0 if self.rest_bits else n.halvings)
            for n, d in zip(self.numbers.synapses, self.devices, strict=True)
        ]
        self.image_end = config.programming.image_end
        self.rounder = Rounder(tuple(aligned), list(range(len(aligned))))
        self.fraction = self.rounder.shift
        self.naive = config.naive
        self.varied = bool(self.device.slope_spread or self.device.file)
        self.offset = bool(self.device.threshold_spread or self.device.file)
        self.curved = bool(self.device.nonlinearity_up or self.device.nonlinearity_down)
        self.noisy = self.device.write_noise > 0
        self.sticks = bool(self.device.stuck_on or self.device.stuck_off or self.device.file)
        self.measured = [layer_devices(config, s, d) for s, d in enumerate(self.devices)] if self.device.file else None
        given = {"given": Out(layout.lanes)} if self.rest_bits else {}
        super().__init__(program_ports(config, layout, weight_bits + self.rest_bits) | given)

    # -----------------------------------------------------------------------------------------------------------------

    def elaborate(self, platform: object) -> Module:
        m = self.m = Module()
        self.chunk_r = Signal.like(self.chunk)
        m.d.sync += self.chunk_r.eq(self.chunk)
        self.layer_at = [self.layer, *self._delays(self.layer, 6, "layer")]
        # Index i is the layer as of i - 1 cycles after stage R: 0 is A, 1 is R.
        self.number_r, self.step_word_r = Signal.like(self.number), Signal.like(self.step_word)
        m.d.sync += [self.number_r.eq(self.number), self.step_word_r.eq(self.step_word)]
        self.keys = self._keys()
        if self.measured:
            self._measured()
        shared = self._shared(self._row_draw())
        exists = Array(Const((1 << c.count) - 1, self.layout.lanes) for c in self.layout.chunks)[self.chunk_r]
        for lane in range(self.layout.lanes):
            self._lane(lane, exists[lane], shared)
        return m

    def _register(self, value: object, name: str) -> Signal:
        """A value, a cycle later."""
        value = Value.cast(value)
        register = Signal(value.shape(), name=name)
        self.m.d.sync += register.eq(value)
        return register

    def _delays(self, value: object, cycles: int, name: str) -> list[Signal]:
        """A value after 1, 2, ... cycles."""
        out = []
        for cycle in range(1, cycles + 1):
            value = self._register(value, f"{name}_{cycle}")
            out.append(value)
        return out

    def _keys(self) -> list[Value]:
        """Each lane's key of the devices of a row, at stage R."""
        numbers = neuron_numbers(self.layout.layers)
        return [
            Array(Const(column_key(numbers[c.layer] + c.first + lane), 32) for c in self.layout.chunks)[self.chunk_r]
            for lane in range(self.layout.lanes)
        ]

    def _measured(self) -> None:
        """Memories of measured devices, a word of devices at each address, beside the weights."""
        m, layout = self.m, self.layout
        low = min(int(a.min()) for d in self.measured for a in (d.offset_up, d.offset_down))
        high = max(int(a.max()) for d in self.measured for a in (d.offset_up, d.offset_down))
        offset = signed(bits_for_signed(min(low, 0), max(high, 0)))
        slope = unsigned(SLOPE_MAX.bit_length())
        device = data.StructLayout({"slope_up": slope, "slope_down": slope, "offset_up": offset, "offset_down": offset})
        words = [[{} for _ in range(layout.lanes)] for _ in range(layout.words)]
        stuck = [0] * layout.words
        for s, row, column, word, lane in layout.places():
            devices = self.measured[s]
            words[word][lane] = {name: int(getattr(devices, name)[row, column]) for name in device.members}
            stuck[word] |= int(devices.stuck[row, column]) << 2 * lane
        rom = data.ArrayLayout(device, layout.lanes)
        m.submodules.measured = memory = Memory(shape=rom, depth=layout.words, init=words)
        m.submodules.measured_stuck = marks = Memory(shape=unsigned(2 * layout.lanes), depth=layout.words, init=stuck)
        read, read_marks = memory.read_port(), marks.read_port()
        m.d.comb += [read.addr.eq(self._delays(self.address, 2, "address")[-1]), read_marks.addr.eq(self.address)]
        self.measured_word, self.measured_marks = read.data, read_marks.data

    def _row_draw(self) -> Value:
        """Stage R: the word that lane 0 draws from. Accumulators round by it too."""
        m = self.m
        if self.accumulators is not None:
            m.submodules.accumulators = self.accumulators
            m.submodules.draw = draw = RowDraw(self.layout)
            connect_accumulators(m, self, self.accumulators, draw)
            return draw.word
        drawn = Signal(32)
        m.d.comb += drawn.eq(xorshift32(self.step_word_r ^ row_key(self.number_r)))
        turned = Array(rotate_right(drawn, neuron_rotation(c.layer, c.first)) for c in self.layout.chunks)
        return turned[self.chunk_r]

    def _shared(self, row_draw: Value) -> dict[str, Value]:
        """What all lanes share: rows' words of the hashes, the draw, the voltage of the neuron above."""
        m, rounder = self.m, self.rounder
        seeds = device_seeds(self.config)
        out: dict[str, Value] = {}
        for name in ("slopes", "thresholds", "stuck"):
            row = mix(m, getattr(seeds, name) ^ spread(self.number), f"row_{name}")
            out[name] = Signal(32, name=f"row_{name}")
            with m.If(self.enable):
                m.d.sync += out[name].eq(row)
        noise = mix(m, self.step_word_r ^ NOISE_KEY ^ spread(self.number_r), "row_noise")
        enabled = self._register(self.enable, "enabled")
        out["noise"] = Signal(32, name="row_noise")
        with m.If(enabled):
            m.d.sync += out["noise"].eq(noise)
        out["draw"] = self._delays(row_draw, 5, "draw")[-1]
        amount = Signal(rounder.amount_range)
        for s in rounder.layers:
            with m.If(self.layer_at[3] == s):
                m.d.comb += amount.eq(rounder.amount(s, self.halvings[s]))
        out["amount"] = amount
        out["x_above"] = self._voltage(self.post_integrator, amount, "above")
        return out

    def _voltage(self, value: Value, amount: Value, name: str) -> Signal:
        """rho-bar with the image's sign times the learning rate, at cycle 3."""
        held = self._register(value, f"v_{name}")
        turned = self._register(Mux(self.negative, -held, held) * self.rounder.factor, f"turned_{name}")
        return self._register(Value.cast((turned << self.rounder.least) << amount).as_signed(), f"x_{name}")

    # -----------------------------------------------------------------------------------------------------------------

    def _lane(self, lane: int, exists: Value, shared: dict[str, Value]) -> None:
        m = self.m
        stuck = self._stuck(lane, shared)
        word = self._delays(self._weight(self.word[lane]), 5, f"word_{lane}")
        slopes, offsets = self._deviations(lane, shared)
        pulses, acts_5 = self._pulses(lane, exists, stuck, shared)

        # 4: what is left over the thresholds, and the slopes at this conductance.
        halves: tuple[list[Value], list[Value]] = ([], [])
        for acts, x, which in pulses:
            over = Signal(
                signed(len(x) + 1 if not self.offset else max(len(x), len(offsets[0])) + 1), name=f"over_{which}_{lane}"
            )
            under = Signal.like(over, name=f"under_{which}_{lane}")
            m.d.comb += [over.eq(x - offsets[0]), under.eq(x + offsets[1])]
            halves[0].append(Mux(acts & ~over[-1], over[:-1], 0))
            halves[1].append(Mux(acts & under[-1], under, 0))
        up = self._register(sum(halves[0][1:], halves[0][0]), f"up_{lane}")
        down = self._register(sum(halves[1][1:], halves[1][0]), f"down_{lane}")
        factors = self._factors(lane, word[0], slopes)

        # 5: products.
        change_up = self._register(up * factors[0], f"change_up_{lane}")
        change_down = self._register(down * factors[1], f"change_down_{lane}")

        # 6: noise, rounding, saturation.
        parts = [change_up, change_down]
        if self.noisy:
            parts.append(self._noise(lane, shared))
        total_value = sum(parts[1:], parts[0])
        total = Signal(Value.cast(total_value).shape(), name=f"total_{lane}")
        layer = self.layer_at[6]
        selected = {s: layer == s for s in self.rounder.layers}
        draw = rotate_right(shared["draw"], neuron_rotation(0, lane))
        exact_value = word[4] + self.rounder.rounded(total, draw, selected, high=bool(self.rest_bits))
        exact = Signal(Value.cast(exact_value).shape(), name=f"exact_{lane}")
        m.d.comb += [total.eq(total_value), exact.eq(exact_value)]
        new, outside = saturate_layers(exact, [n.weight.bits for n in self.numbers.synapses], layer)
        m.d.sync += self.saturated[lane].eq(acts_5 & outside)
        weight = Mux(acts_5, new, word[4])
        if self.rest_bits:
            rest = later(m, self.accumulators.new[lane], 5 - self.accumulators.LATENCY, f"rest_{lane}")
            weight = Cat(rest, Value.cast(weight)[: self.weight_bits])
        m.d.sync += self.new[lane].eq(weight)

    def _weight(self, cell: Value) -> Value:
        """The weight of a synapse in a word."""
        return cell[self.rest_bits :].as_signed() if self.rest_bits else cell

    def _pulses(
        self, lane: int, exists: Value, stuck: Value, shared: dict[str, Value]
    ) -> tuple[list[tuple[Value, Value, str]], Value]:
        """At cycle 3, pulses at a lane's device: (it acts, its x, its name) each. And, at cycle 5: one acts."""
        m, gathers = self.m, self.accumulators
        if gathers is None:
            own = self._delays(self.pg_lanes[lane] & exists & ~stuck, 5, f"own_{lane}")
            other = self._delays(self.pg_above[lane] & exists & ~stuck, 5, f"other_{lane}")
            x_own = self._voltage(self.integrator[lane], shared["amount"], f"{lane}")
            x_other = x_own if self.naive or self.image_end else shared["x_above"]
            return [(own[2], x_own, "own"), (other[2], x_other, "other")], own[4] | other[4]
        up, down = gathers.up[lane], gathers.down[lane]
        free = self._delays(exists & ~stuck, 2, f"free_{lane}")[-1]
        acts = self._delays((up | down) & free, 3, f"acts_{lane}")
        sizes = [n.pulse << self.rounder.left(s, 0) for s, n in enumerate(self.numbers.synapses)]
        size = Const(sizes[0]) if len(set(sizes)) == 1 else Array(Const(v) for v in sizes)[self.layer_at[3]]
        x = self._register(Mux(down, -size, size), f"x_{lane}")
        m.d.sync += self.given[lane].eq(self._delays(up | down, 3, f"given_{lane}")[-1])
        return [(acts[0], x, "gathered")], acts[2]

    def _stuck(self, lane: int, shared: dict[str, Value]) -> Value:
        """Stage R: is the device stuck? Also gives `word` its weight."""
        m = self.m
        if not self.sticks:
            m.d.comb += self.word[lane].eq(self.read[lane])
            return Const(0)
        on, off = Signal(name=f"stuck_on_{lane}"), Signal(name=f"stuck_off_{lane}")
        if self.measured:
            mark = self.measured_marks[2 * lane : 2 * lane + 2]
            m.d.comb += [on.eq(mark == STUCK_ON), off.eq(mark == STUCK_OFF)]
        else:
            below_on, below_off = stuck_limits(self.config)
            draw = mix(m, shared["stuck"] ^ self.keys[lane], f"stuck_{lane}")[16:]
            m.d.comb += [on.eq(draw < below_on), off.eq((draw < below_off) & ~on)]
        weights = [n.weight for n in self.numbers.synapses]
        high = Array(Const(w.high, signed(self.weight_bits)) for w in weights)[self.layer_at[1]]
        low = Array(Const(w.low, signed(self.weight_bits)) for w in weights)[self.layer_at[1]]
        ends = Mux(on, high, low)
        if self.rest_bits:
            ends = Cat(Const(0, self.rest_bits), Value.cast(ends)[: self.weight_bits])
        m.d.comb += self.word[lane].eq(Mux((self.kind == Kind.POKE) & (on | off), ends, self.read[lane]))
        return on | off

    def _deviations(self, lane: int, shared: dict[str, Value]) -> tuple[list[Value], list[Value]]:
        """(slopes, offsets), each up and down, at cycle 3."""
        layer = self.layer_at[3]
        align = [self.fraction - d.fraction for d in self.devices]
        if self.measured:
            word = self.measured_word[lane]
            slopes = [word.slope_up, word.slope_down]
            offsets = [Array(Value.cast(o) << a for a in align)[layer] for o in (word.offset_up, word.offset_down)]
        else:
            slopes = self._drawn(lane, shared["slopes"], self.device.slope_symmetric, "slope",
                                 [[d.slopes[half] for d in self.devices] for half in (0, 1)], self.varied)  # fmt: skip
            tables = [
                [tuple(v << a for v in d.offsets[half]) for d, a in zip(self.devices, align, strict=True)]
                for half in (0, 1)
            ]
            offsets = self._drawn(lane, shared["thresholds"], self.device.threshold_symmetric, "threshold", tables,
                                  self.offset)  # fmt: skip
        if self.varied:
            slopes = [self._register(s, f"slope_{half}_{lane}") for half, s in enumerate(slopes)]
        if self.offset:
            offsets = [self._register(o, f"offset_{half}_{lane}") for half, o in enumerate(offsets)]
        return slopes, offsets

    def _drawn(
        self, lane: int, row: Value, symmetric: bool, name: str, tables: list[list[tuple[int, ...]]], varied: bool
    ) -> list[Value]:
        """Entries (up, down) of tables, by two deviates of the device's hash, before cycle 3 ends."""
        m = self.m
        if not varied:
            return [Const(tables[half][0][0]) for half in (0, 1)]
        word = self._register(mix(m, row ^ self.keys[lane], f"{name}_{lane}"), f"{name}_word_{lane}")
        indices = [
            self._register(deviate_index(word, 0 if symmetric else half), f"{name}_index_{half}_{lane}")
            for half in (0, 1)
        ]
        return [lookup(tables[half], indices[half], self.layer_at[3]) for half in (0, 1)]

    def _factors(self, lane: int, word: Value, slopes: list[Value]) -> list[Value]:
        """Slope times curve, up and down, at cycle 4; `word` is the weight at cycle 1."""
        if not self.curved:
            return [self._register(s, f"factor_{half}_{lane}") if self.varied else s for half, s in enumerate(slopes)]
        out = []
        for half in (0, 1):
            choices = []
            for n, d in zip(self.numbers.synapses, self.devices, strict=True):
                bits = n.weight.bits
                # The distance from the lowest weight: the sign bit turned over.
                parts = word[d.curve_shift : bits] ^ (1 << (bits - 1 - d.curve_shift))
                choices.append(lookup([d.curves[half]], parts[: bits - d.curve_shift], Const(0)))
            same = all(d.curves == self.devices[0].curves and n.weight.bits == self.numbers.synapses[0].weight.bits
                       for n, d in zip(self.numbers.synapses, self.devices, strict=True))  # fmt: skip
            value = choices[0] if same else Array(choices)[self.layer_at[2]]
            curve = self._delays(value, 2, f"curve_{half}_{lane}")[-1]
            product = slopes[half] * curve + (1 << (FACTOR_BITS - 1))
            out.append(self._register(product[FACTOR_BITS:], f"factor_{half}_{lane}"))
        return out

    def _noise(self, lane: int, shared: dict[str, Value]) -> Signal:
        """Write noise at cycle 5."""
        key = self._register(self.keys[lane], f"key_{lane}")
        word = self._register(mix(self.m, shared["noise"] ^ key, f"noise_{lane}"), f"noise_word_{lane}")
        unit = self._register(noise_of(word), f"noise_unit_{lane}")
        gains = [d.noise_gain << (self.fraction - d.fraction) for d in self.devices]
        gain = Const(gains[0]) if len(set(gains)) == 1 else Array(Const(g) for g in gains)[self.layer_at[4]]
        return self._delays(unit * gain, 2, f"noise_{lane}")[-1]


__all__ = ["Devices"]
