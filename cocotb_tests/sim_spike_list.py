"""cocotb: the lists of input spikes (rtl.spike_list) against lists of Python."""

from __future__ import annotations

import cocotb
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.configfile import config_from_dict
from eqspike.rtl.layout import Layout
from eqspike.rtl.spike_list import FiredInputs, SpikeList, SpikeQueue
from eqspike.sim import harness

DRAWN = [{"draw": "synapse", "bits": 10}, {"bits": 10}]

JOBS = {
    # As many inputs as a half has places.
    "full": {"config": config_data(network={"layers": [8, 3, 2]})},
    # Every so many spikes program: entries say which.
    "pulses": {"config": config_data(network={"layers": [5, 3, 2]}, programming={"every": 3})},
    # The second of two banks, where draws depend on the input's number.
    "second_bank": {"banks": 2, "bank": 1, "config": config_data(network={"layers": [33, 3, 2]}, synapses=DRAWN)},
    # Lists are made ahead.
    "queue": {"queue": True, "banks": 2, "bank": 1, "config": config_data(
        network={"layers": [33, 3, 2]}, synapses=DRAWN, programming={"every": 3})},
    "fired": {"banks": 2, "fired": True, "config": config_data(network={"layers": [19, 3, 2]})},
    "fired_ahead": {"banks": 2, "fired": True, "lists": 4, "config": config_data(network={"layers": [19, 3, 2]})},
}  # fmt: skip
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=1200 + _seed)

STEPS = 150
CYCLES = 6000


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    config = config_from_dict(job["config"])
    layout = Layout(config, 3, job.get("banks", 1))
    if job.get("fired"):
        return FiredInputs(layout, job.get("lists", 1))
    return (SpikeQueue if job.get("queue") else SpikeList)(config, layout, job.get("bank", 0))


@cocotb.test(**TIMEOUT)
async def lists(dut: object) -> None:
    """Steps of few, many, all or no spikes."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    await bench.start()
    test = _fired_ahead if "lists" in job else _fired if "fired" in job else _queue if "queue" in job else _spike_list
    await test(bench)
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
            bench.check("last", int(place == len(served) - 1))
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


async def _queue(bench: Bench) -> None:
    """Lists are made at any time, as many as there is room for, while others are served, often not to their end."""
    rows, most = bench.component.rows, bench.component.LISTS
    made: list[dict[str, int]] = []
    served: list[dict[str, int]] = []
    waiting: list[list[dict[str, int]]] = []
    left: list[int] = []
    place, asked, number, speed = None, None, 0, 0.5
    for cycle in range(CYCLES):
        if cycle % 100 == 0:
            speed = bench.random.choice((0.1, 0.5, 0.9))
        if cycle % 1000 == 0:
            bench.drive(restart=1, spike={"valid": 0}, close=0, end_step=0, rewind=0, next=0)
            await bench.cycle()
            bench.drive(restart=0)
            made, served, waiting, left, place, asked, number = [], [], [], _spikes(bench, rows), None, None, 0
            bench.seen["restart"] += 1
        # The list that is served has a place in memory, and so have those that wait and the one that is made.
        close = not left and len(waiting) < most - 1 and bench.chance(0.5)
        if close:
            left = _spikes(bench, rows)
            bench.seen["full" if len(made) == len(rows) else "some" if made else "empty"] += 1
        room = len(waiting) + close < most - 1
        spike = None
        if left and room and bench.chance(0.7):
            row = left.pop(0)
            spike = {"place": rows.index(row), "pulse": bench.random.getrandbits(1), "number": row}
        ends = bool(waiting) and bench.chance(0.2 if close else speed / len(rows))
        rewind = place is None or bench.chance(0.01)
        following = not rewind and not ends and place < len(served) and bench.chance(0.7)
        given = {"valid": 1, "place": spike["place"], "pulse": spike["pulse"]} if spike else {"valid": 0}
        bench.drive(spike=given, close=close, end_step=ends, rewind=rewind, next=following)
        await bench.settle()
        bench.check("ready", int(bool(waiting)))
        bench.check("waiting", len(waiting))
        bench.check("filling", (number + close) % most)
        if spike:
            bench.check("fired", spike["number"], bench.get("fired")["number"])
        if place is not None:
            bench.check("place", place)
            bench.check("more", int(place < len(served)))
            bench.check("last", int(place == len(served) - 1))
        if asked is not None:
            wanted = {name: asked[name] if shown else 0 for name, shown in _fields(bench)}
            bench.check("entry", wanted, bench.get("entry"))
        asked = served[place] if place is not None and place < len(served) and not ends else None
        place = 0 if rewind else place + following
        bench.seen["made and served"] += spike is not None and following
        bench.seen["closed with a spike"] += spike is not None and close
        bench.seen["closed and ended"] += ends and close
        bench.seen["no room"] += len(waiting) == most - 1
        if close:
            waiting.append(made)
            made, number = [], number + 1
        if spike:
            made.append(spike)
        if ends:
            served, place = waiting.pop(0), None
        await bench.cycle()


async def _fired_ahead(bench: Bench) -> None:
    """Which inputs fired, of several steps at once."""
    inputs, lists = bench.component.inputs, bench.component.lists
    steps = [0] * lists
    first = served = 0
    for cycle in range(CYCLES // 4):
        now = [(bench.random.randrange(inputs), (first + bench.random.randrange(lists)) % lists) for _ in range(2)]
        valid = [bench.chance(0.5) for _ in now]
        ends, restart = bench.chance(0.1), cycle % 200 == 199
        ends = ends and not restart
        # Of the step that ends nothing comes any more.
        valid = [given and not (ends and where == first) for given, (_, where) in zip(valid, now, strict=True)]
        bench.drive(
            fired=[{"valid": given, "number": n} for given, (n, _) in zip(valid, now, strict=True)],
            list=[where for _, where in now], restart=restart, end_step=ends,
        )  # fmt: skip
        await bench.settle()
        bench.check("served", served)
        await bench.cycle()
        for given, (n, where) in zip(valid, now, strict=True):
            steps[where] |= given << n
        bench.seen["both banks"] += all(valid)
        if ends:
            served, steps[first], first = steps[first], 0, (first + 1) % lists
            bench.seen["steps"] += 1
        if restart:
            steps, first = [0] * lists, 0


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
