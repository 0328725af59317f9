"""cocotb: counters and measurements (rtl.counters) against integers of Python."""

from __future__ import annotations

import cocotb
from amaranth.hdl import Shape, Value
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.configfile import config_from_dict
from eqspike.rtl.counters import Counters, Measurements
from eqspike.rtl.crossbar import Crossbar, Kind
from eqspike.rtl.layout import Layout
from eqspike.rtl.streams import COUNTER_BITS, Stage
from eqspike.sim import harness

JOBS = {
    "counters": {"lanes": 3, "banks": 1, "config": config_data(network={"layers": [4, 5, 3]})},
    "counters_banks": {"lanes": 2, "banks": 3, "config": config_data(network={"layers": [7, 3, 2, 2]})},
    "measurements": {"measures": True, "lanes": 2, "banks": 1, "config": config_data(network={"layers": [4, 3, 2]})},
    "measurements_banks": {
        "measures": True, "lanes": 2, "banks": 3, "config": config_data(network={"layers": [7, 3, 2]})
    },
    # They begin so that each passes its end.
    "counters_end": {"end": True, "lanes": 3, "banks": 2, "config": config_data(network={"layers": [7, 5, 3]})},
    "measurements_end": {
        "end": True, "measures": True, "lanes": 2, "banks": 3, "config": config_data(network={"layers": [7, 3, 2]})
    },
}  # fmt: skip
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=1500 + _seed)

CYCLES = 2000
WRAP = 1 << COUNTER_BITS
BEFORE_END = 60
"""What is left to a counter's end, less than a job counts of anything."""


def make(job: dict) -> wiring.Component:
    """The component of a job; its counters come out of reset near their ends when the job says so."""
    config = config_from_dict(job["config"])
    layout = Layout(config, job["lanes"], job["banks"])
    component = Measurements(layout) if job.get("measures") else Counters(config, Crossbar(config, layout))
    if job.get("end"):
        for name in ("stages", "rows", "row_cycles") if job.get("measures") else ("counters",):
            port = Value.cast(getattr(component, name))
            port._init = sum(WRAP - BEFORE_END << at for at in range(0, len(port), COUNTER_BITS))
    return component


@cocotb.test(**TIMEOUT)
async def counters(dut: object) -> None:
    """Any events, in any cycle; cleared now and then."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    await bench.start()
    await (_measurements if job.get("measures") else _counters)(bench, job)
    bench.report()


def _events(bench: Bench) -> dict[str, int]:
    """Random bits; numbers at an end as often as not."""
    events = {}
    for name, field in bench.component.events.shape():
        top = (1 << Shape.cast(field.shape).width) - 1
        events[name] = bench.pick(0, top, top)
    events["chunk"] = bench.random.randrange(len(bench.component.layout.chunks))
    return events


async def _counters(bench: Bench, job: dict) -> None:
    layout = bench.component.layout
    shape = bench.component.counters.shape()
    zero = {name: 0 for name, _ in shape} | {"spikes": [0] * len(layout.layers)}
    golden, busy, scanned = {**zero}, 0, 0
    if job.get("end"):
        # Nothing was counted since the reset.
        golden = dict.fromkeys(zero, WRAP - BEFORE_END) | {"spikes": [WRAP - BEFORE_END] * len(layout.layers)}
    for _ in range(CYCLES):
        events, clear = _events(bench), bench.chance(0 if job.get("end") else 0.01)
        bench.drive(events=events, clear=clear)
        await bench.settle()
        bench.check("counters", golden)
        await bench.cycle()
        decided = events["scanned"] and not scanned and events["learns"]
        added = {
            "steps": events["end_step"],
            "cycles": busy,
            "synops": events["operations"],
            "programming_pulses": events["programmed"],
            "membrane_saturations": events["saturated"].bit_count(),
            "weight_saturations": events["weight_saturations"],
            "nudged": int(decided and not events["within"]),
            "skipped": int(decided and events["within"]),
            "images": events["restart"],
        }
        spikes = [events["input_spikes"].bit_count(), *[0] * (len(layout.layers) - 1)]
        if events["update"]:
            spikes[layout.chunks[events["chunk"]].layer] += events["spikes"].bit_count()
        assert added.keys() | {"spikes"} == golden.keys()
        golden = {name: (golden[name] + amount) % WRAP for name, amount in added.items()} | {
            "spikes": [(total + more) % WRAP for total, more in zip(golden["spikes"], spikes, strict=True)]
        }
        if clear:
            golden = {**zero}
            bench.seen["clear"] += 1
        bench.seen["decided"] += bool(decided)
        ends = [*(total for name, total in golden.items() if name != "spikes"), *golden["spikes"]]
        bench.seen["all wrapped"] += bool(job.get("end")) and max(ends) < WRAP - BEFORE_END
        busy = 1 if events["restart"] else 0 if events["result_valid"] else busy
        scanned = events["scanned"]


async def _measurements(bench: Bench, job: dict) -> None:
    banks = bench.component.banks
    stages, rows, row_cycles = [0] * len(Stage), [0] * banks, 0
    serves = (Kind.ROW.value, Kind.PAIR.value)
    # The cycles since the reset were counted.
    if job.get("end"):
        stages, rows, row_cycles = bench.get("stages"), bench.get("rows"), bench.get("row_cycles")
        assert min(*stages, *rows, row_cycles) >= WRAP - BEFORE_END
    else:
        bench.drive(clear=1)
        await bench.cycle()
    for _ in range(CYCLES):
        stage, kind = bench.random.choice(list(Stage)).value, bench.random.choice(list(Kind)).value
        others = [bench.random.getrandbits(1) for _ in range(banks - 1)]
        clear = bench.chance(0 if job.get("end") else 0.01)
        bench.drive(stage=stage, operation={"kind": kind, "rows": [{"valid": bit} for bit in others]}, clear=clear)
        await bench.settle()
        bench.check("stages", stages)
        bench.check("rows", rows)
        bench.check("row_cycles", row_cycles)
        await bench.cycle()
        moved = [int(kind in serves), *others]
        stages = [(total + (i == stage)) % WRAP for i, total in enumerate(stages)]
        rows = [(total + bit) % WRAP for total, bit in zip(rows, moved, strict=True)]
        row_cycles = (row_cycles + any(moved)) % WRAP
        bench.seen["all wrapped"] += bool(job.get("end")) and max(*stages, *rows, row_cycles) < WRAP - BEFORE_END
        if clear:
            stages, rows, row_cycles = [0] * len(Stage), [0] * banks, 0
            bench.seen["clear"] += 1
