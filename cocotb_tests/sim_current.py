"""cocotb: the lanes' currents (rtl.current) against plain sums, of one bank's words and of several banks' rows."""

from __future__ import annotations

import cocotb
from amaranth.hdl import signed
from amaranth.lib import data, wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.current import Currents
from eqspike.sim import harness

# The layers' weights have different fractions.
_CONFIG = config_data(
    network={"layers": [6, 5, 4, 3]},
    synapses=[
        {"bits": 8, "range": 0.5, "learning_rate": "2^-7"},
        {"bits": 12, "range": 0.25, "learning_rate": "2^-12", "feedback": 0.25},
        {"bits": 6, "range": 0.25, "learning_rate": "2^-7", "feedback": 0.5},
    ],
)
JOBS = {
    "one_bank": {"config": _CONFIG, "lanes": 3, "banks": 1, "seed": 700},
    "four_banks": {"config": _CONFIG, "lanes": 2, "banks": 4, "seed": 701},
}
OPERATIONS = 1500
LONGEST = 12
"""Operations between two times that the currents are cleared: they must not overflow."""


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    numbers = fixed_numbers(config_from_dict(job["config"]))
    word = data.ArrayLayout(signed(max(s.weight.bits for s in numbers.synapses)), job["lanes"])
    return Currents(numbers.synapses, word, job["banks"], 30)


@cocotb.test(**TIMEOUT)
async def current(dut: object) -> None:
    """A word and rows every cycle; the currents `LATENCY` cycles later."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    await bench.start()
    synapses = fixed_numbers(config_from_dict(job["config"])).synapses
    lanes, banks = job["lanes"], job["banks"]
    totals = [0] * lanes
    expected: list[list[int]] = []
    since, clears = LONGEST, 0
    for number in range(OPERATIONS + Currents.LATENCY):
        # What clears comes a cycle after its operation, which is one without weights.
        begins = since >= LONGEST or bench.chance(0.15)
        layer = bench.random.randrange(len(synapses))
        weight = synapses[layer].weight
        word = [bench.pick(weight.low, weight.high) for _ in range(lanes)]
        first = synapses[0].weight
        there = [not begins and bench.chance(0.5) for _ in range(banks - 1)]
        rows = [[bench.pick(first.low, first.high) if row else 0 for _ in range(lanes)] for row in there]
        adds, down = int(not begins and bench.chance(0.7)), int(layer > 0 and bench.chance(0.5))
        bench.drive(word=word, layer=layer, adds=adds, down=down, rows=rows, clears=clears)
        align = synapses[layer].align_down if down else synapses[layer].align
        if begins:
            totals, since = [0] * lanes, 0
        totals = [
            total + adds * (word[lane] << align) + sum(row[lane] << synapses[0].align for row in rows)
            for lane, total in enumerate(totals)
        ]
        since, clears = since + 1, int(begins)
        expected.append(totals)
        await bench.settle()
        if number >= Currents.LATENCY:
            bench.check("current", expected[number - Currents.LATENCY], number=number)
        bench.seen["cleared"] += begins
        bench.seen["from above"] += adds and down
        bench.seen["rows without a word"] += any(there) and not adds
        bench.seen["word and rows"] += all(there) and adds
        await bench.cycle()
    bench.report()
