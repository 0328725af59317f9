"""cocotb: the lists of input spikes (rtl.spike_list) against lists of Python."""

from __future__ import annotations

import cocotb
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.configfile import config_from_dict
from eqspike.rtl.layout import Layout
from eqspike.rtl.spike_list import FiredInputs, SpikeList
from eqspike.sim import harness

DRAWN = [{"draw": "synapse", "bits": 10}, {"bits": 10}]

JOBS = {
    # As many inputs as a half has places.
    "full": {"config": config_data(network={"layers": [8, 3, 2]})},
    # Every so many spikes program: entries say which.
    "pulses": {"config": config_data(network={"layers": [5, 3, 2]}, programming={"every": 3})},
    # The second of two banks, where draws depend on the input's number.
    "second_bank": {"banks": 2, "bank": 1, "config": config_data(network={"layers": [33, 3, 2]}, synapses=DRAWN)},
    "fired": {"banks": 2, "fired": True, "config": config_data(network={"layers": [19, 3, 2]})},
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=1200 + _seed)

STEPS = 150


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    config = config_from_dict(job["config"])
    layout = Layout(config, 3, job.get("banks", 1))
    return FiredInputs(layout) if job.get("fired") else SpikeList(config, layout, job.get("bank", 0))


@cocotb.test(**TIMEOUT)
async def lists(dut: object) -> None:
    """Steps of few, many, all or no spikes."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    await bench.start()
    await (_fired if job.get("fired") else _spike_list)(bench)
    bench.report()


def _spikes(bench: Bench, places: list[int]) -> list[int]:
    """The places of a step's spikes, in rising order."""
    chance = bench.random.choice((0, 0.2, 0.8, 1))
    return [place for place in places if bench.chance(chance)]


async def _serve(bench: Bench, served: list[dict[str, int]], made: list[dict[str, int]]) -> None:
    """A step: spikes of `made` come in at any time, the list `served` is read, often with pauses, often not to its
    end."""
    rows = bench.component.rows
    left, place, asked = list(made), None, None
    patience = bench.random.choice((5, 400))
    while left or (patience and place != len(served)):
        patience = max(0, patience - 1)
        spike = left.pop(0) if left and bench.chance(0.5) else None
        rewind = place is None or bench.chance(0.01)
        following = not rewind and place < len(served) and bench.chance(0.7)
        given = {"valid": 1, "place": spike["place"], "pulse": spike["pulse"]} if spike else {"valid": 0}
        bench.drive(spike=given, rewind=rewind, next=following)
        await bench.settle()
        fired = bench.get("fired")
        bench.check("spike", bool(spike), bool(fired["valid"]))
        if spike:
            bench.check("fired", rows[spike["place"]], fired["number"])
        if place is not None:
            bench.check("place", place)
            bench.check("more", int(place < len(served)))
        entry = bench.get("entry")
        if asked is not None and asked < len(served):
            bench.check("entry", {name: served[asked][name] if shown else 0 for name, shown in _fields(bench)}, entry)
        asked, place = place, 0 if rewind else None if place is None else place + following
        await bench.cycle()
    bench.seen["served" if place == len(served) else "left"] += 1


def _fields(bench: Bench) -> list[tuple[str, bool]]:
    """The fields of an entry, and whether the list holds them."""
    spikes = bench.component
    return [("place", True), ("pulse", spikes.entry_layout["pulse"].width > 0), ("number", spikes.numbered)]


async def _spike_list(bench: Bench) -> None:
    rows, served = bench.component.rows, []
    for step in range(STEPS):
        if step % 20 == 0:
            bench.drive(restart=1, spike={"valid": 0}, rewind=0, next=0)
            await bench.cycle()
            bench.drive(restart=0)
            served = []
            bench.seen["restart"] += 1
        made = [
            {"place": place, "pulse": bench.random.getrandbits(1), "number": rows[place]}
            for place in _spikes(bench, list(range(len(rows))))
        ]
        await _serve(bench, served, made)
        bench.drive(end_step=1, spike={"valid": 0}, rewind=0, next=0)
        await bench.cycle()
        bench.drive(end_step=0)
        served = made
        bench.seen["full" if len(made) == len(rows) else "empty" if not made else "some"] += 1


async def _fired(bench: Bench) -> None:
    """Which inputs fired, those of both banks at once."""
    inputs = bench.component.inputs
    for step in range(STEPS):
        left, made, first = _spikes(bench, list(range(inputs))), 0, True
        bench.random.shuffle(left)
        while left or first:
            now = [left.pop() if left and bench.chance(0.7) else None for _ in range(2)]
            first = False
            bench.drive(fired=[{"valid": n is not None, "number": n or 0} for n in now])
            made |= sum(1 << n for n in now if n is not None)
            bench.seen["both banks"] += None not in now
            await bench.cycle()
        restart = step % 20 == 19
        bench.drive(fired=[{"valid": 0}] * 2, end_step=not restart, restart=restart)
        served = bench.get("served") if restart else made
        await bench.cycle()
        bench.drive(end_step=0, restart=0)
        await bench.settle()
        bench.check("served", served)
        await bench.cycle()
