"""cocotb: rtl.number against golden.number: rounding, saturation, leaks, tables."""

from __future__ import annotations

import cocotb
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.number import STOCHASTIC, fixed_numbers, leak_down, leak_to_zero, weight_step
from eqspike.rtl import number
from eqspike.sim import harness

WIDE = 14
LEAKS = (0, 1, 3, 7, 12)
"""Right shifts of the leaks; `leak_down` is also made with -1."""
RANGES = ((-8, 7), (-1, 0), (-(1 << (WIDE - 1)), (1 << (WIDE - 1)) - 1), (0, 100), (-1, 5), (-9, 7))
"""Of `saturate`: formats, also that of the value itself, and other ranges."""
FORMATS = ((8, 5, 8, 11), (6, 6, 6, 6), (WIDE, 2, 3, WIDE))
"""Bits of the weights of four layers, for `saturate_layers`."""
TABLES = (tuple(range(20, 52)), (-3, 7, 0, -8) * 8, (5,) * 32, (0, 2047, 1) * 11, tuple(range(-40, 0)))
"""Tables to look things up in, of at least 32 entries."""

_NETWORK = {"layers": [5, 4, 4, 3, 2]}

_MIXED = [
    {"bits": 12, "range": 0.5, "learning_rate": "2^-14", "halve_at": [1, 2]},
    {"bits": 8, "range": 0.25, "learning_rate": "2^-9", "rounding": "nearest", "halve_at": [3]},
    {"bits": 16, "range": 1, "learning_rate": "2^-12", "rounding": "truncate", "halve_at": [1, 2, 3]},
    {"bits": 10, "range": 0.5, "learning_rate": "2^-8", "draw": "synapse"},
]
JOBS = {
    # Every rounding mode, short and long shifts, 0 to 3 halvings: all in one circuit.
    "mixed": {
        "config": config_data(
            network=_NETWORK,
            synapses=_MIXED,
        ),
        "layers": [0, 1, 2, 3],
    },
    # Large learning rates: no right shift at all in some layers, a left shift in others.
    "coarse": {
        "config": config_data(
            network=_NETWORK,
            synapses=[
                {"bits": 12, "range": 0.5, "learning_rate": "2^-3", "rounding": "nearest"},
                {"bits": 12, "range": 0.5, "learning_rate": "2^-5", "rounding": "truncate"},
                {"bits": 12, "range": 0.5, "learning_rate": "2^-6", "halve_at": [1]},
                {"bits": 8, "range": 0.5, "learning_rate": "2^-4", "rounding": "nearest", "halve_at": [1, 2]},
            ],
        ),
        "layers": [0, 1, 2, 3],
    },
    # One layer of a network, which needs no choice.
    "single": {
        "config": config_data(network=_NETWORK, synapses=[{"learning_rate": "2^-10", "halve_at": [4, 5]}]),
        "layers": [1],
    },
    # Sparse programming multiplies the learning rate: by 15, and by 27 / 2^3.
    "fifteenth": {
        "config": config_data(
            network=_NETWORK,
            programming={"probability": 1 / 15},
            synapses=_MIXED,
        ),
        "layers": [0, 1, 2, 3],
    },
    "three_tenths": {
        "config": config_data(
            network=_NETWORK,
            programming={"probability": 0.3},
            synapses=[
                {"bits": 12, "range": 0.5, "learning_rate": "2^-3", "rounding": "nearest"},
                {"bits": 12, "range": 0.5, "learning_rate": "2^-6", "rounding": "truncate", "halve_at": [1]},
                {"bits": 6, "range": 0.5, "learning_rate": "2^-7"},
                {"bits": 8, "range": 0.5, "learning_rate": "2^-5", "rounding": "nearest", "halve_at": [1, 2]},
            ],
        ),
        "layers": [0, 1, 2, 3],
    },
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=100 + _seed, vectors=1500)


class NumberProbe(wiring.Component):
    """The functions of rtl.number, made into a circuit without a clock."""

    def __init__(self, job: dict) -> None:
        config = config_from_dict(job["config"])
        self.layers = job["layers"]
        self.numbers = fixed_numbers(config)
        self.rounder = number.StepRounder(self.numbers.synapses, self.layers)
        self.rate_bits = self.numbers.rate.bits
        halvings = max(s.halvings for s in self.numbers.synapses)
        super().__init__(
            {
                "value": In(signed(self.rate_bits)),
                "synapses": In(range(len(self.numbers.synapses))),
                "halvings": In(range(max(2, halvings + 1))),
                "draw": In(32),
                "step": Out(self.rounder.shape(self.rate_bits)),
                "wide": In(signed(WIDE)),
                "saturated": Out(data.ArrayLayout(signed(WIDE), len(RANGES))),
                "outside": Out(data.ArrayLayout(1, len(RANGES))),
                "not_leaked": Out(signed(WIDE)),
                "leaked_down": Out(data.ArrayLayout(signed(WIDE + 1), len(LEAKS))),
                "leaked_to_zero": Out(data.ArrayLayout(signed(WIDE), len(LEAKS))),
                "index": In(5),
                "looked_up": Out(data.ArrayLayout(signed(13), len(TABLES))),
                "layer": In(range(len(FORMATS[0]))),
                "layer_saturated": Out(data.ArrayLayout(signed(WIDE), len(FORMATS))),
                "layer_outside": Out(data.ArrayLayout(1, len(FORMATS))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        control = Signal(self.rounder.control)
        self.rounder.choose(m, control, self.synapses, [self.halvings] * len(self.numbers.synapses))
        m.d.comb += self.step.eq(self.rounder.step(self.value, self.rounder.turn(self.draw, control), control))
        for i, (low, high) in enumerate(RANGES):
            clamped, outside = number.saturate(self.wide, low, high)
            m.d.comb += [self.saturated[i].eq(clamped), self.outside[i].eq(outside)]
        m.d.comb += self.not_leaked.eq(number.leak_down(self.wide, -1))
        for i, shift in enumerate(LEAKS):
            m.d.comb += [
                self.leaked_down[i].eq(number.leak_down(self.wide, shift)),
                self.leaked_to_zero[i].eq(number.leak_to_zero(self.wide, shift)),
            ]
        for i, table in enumerate(TABLES):
            m.d.comb += self.looked_up[i].eq(number.table(table, self.index))
        for i, formats in enumerate(FORMATS):
            clamped, outside = number.saturate_layers(self.wide, list(formats), self.layer)
            m.d.comb += [self.layer_saturated[i].eq(clamped), self.layer_outside[i].eq(outside)]
        return m


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return NumberProbe(job)


@cocotb.test(**TIMEOUT)
async def number_functions(dut: object) -> None:
    """Every function, on corner values and random ones."""
    job = harness.job()
    probe = make(job)
    bench = Bench(dut, probe, job["seed"])
    rate, synapses = probe.numbers.rate, probe.numbers.synapses
    for _ in range(job["vectors"]):
        s = bench.random.choice(job["layers"])
        shift = synapses[s].step_shift
        halvings = bench.random.randint(0, synapses[s].halvings)
        gain = synapses[s].step_boost - halvings
        # Halves, where rounding modes part.
        half = (1 << shift) >> 1 >> max(gain, 0)
        value = bench.pick(rate.low, rate.high, half, -half, half - 1, -half - 1, 3 * half, -3 * half)
        draw = bench.random.choice((0, (1 << shift) - 1, 1 << shift, 2**32 - 1, bench.random.getrandbits(32)))
        wide = bench.pick(
            -(1 << (WIDE - 1)),
            (1 << (WIDE - 1)) - 1,
            *(end + d for r in RANGES for end in r for d in (-1, 1)),
            *(
                end + d
                for bits in FORMATS[0]
                for end in (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
                for d in (-1, 0, 1)
            ),
        )
        index = bench.random.getrandbits(5)
        layer = bench.random.randrange(len(FORMATS[0]))
        bench.drive(value=value, synapses=s, halvings=halvings, draw=draw, wide=wide, index=index, layer=layer)
        await bench.settle_combinational()

        factor = synapses[s].factor
        golden = weight_step(value, factor, gain, shift, synapses[s].rounding, draw & ((1 << shift) - 1))
        bench.check("step", golden, value=value, synapses=s, halvings=halvings, draw=draw)
        bench.seen[f"layer {s}"] += 1
        bench.seen["negative" if value < 0 else "positive" if value else "zero"] += 1
        if synapses[s].rounding == STOCHASTIC and golden != weight_step(value, factor, gain, shift, STOCHASTIC, 0):
            bench.seen["rounded up by the draw"] += 1
        clamped = [min(max(wide, low), high) for low, high in RANGES]
        bench.check("saturated", clamped, wide=wide)
        bench.check("outside", [int(c != wide) for c in clamped], wide=wide)
        bench.check("not_leaked", leak_down(wide, -1), wide=wide)
        bench.check("leaked_down", [leak_down(wide, shift) for shift in LEAKS], wide=wide)
        bench.check("leaked_to_zero", [leak_to_zero(wide, shift) for shift in LEAKS], wide=wide)
        bench.check("looked_up", [table[index] for table in TABLES], index=index)
        ends = [1 << (formats[layer] - 1) for formats in FORMATS]
        clamped = [min(max(wide, -end), end - 1) for end in ends]
        bench.check("layer_saturated", clamped, wide=wide, layer=layer)
        bench.check("layer_outside", [int(c != wide) for c in clamped], wide=wide, layer=layer)
        bench.seen[f"format {layer} " + ("saturated" if clamped[0] != wide else "kept")] += 1
    bench.report()
