"""cocotb: the host's way to single weights (rtl.weight_port) against a model of it, command by command."""

from __future__ import annotations

import cocotb
from amaranth.lib import wiring

from cocotb_tests import faults
from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.derived import neuron_numbers
from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import Kind
from eqspike.rtl.weight_port import WeightPort
from eqspike.sim import harness

JOBS = {
    "one_bank": {"lanes": 2, "config": config_data(network={"layers": [4, 5, 3]})},
    "banks": {"lanes": 3, "banks": 3, "config": config_data(network={"layers": [11, 7, 3, 2]})},
    # Some devices are stuck: the crossbar is told which it writes.
    "devices": {**faults.job("stuck")},
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=1700 + _seed)

CYCLES = 3000


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    config = faults.config_of(job) if "device" in job["config"] else config_from_dict(job["config"])
    return WeightPort(Crossbar(config, Layout(config, job["lanes"], job.get("banks", 1))))


def located(layout: Layout) -> dict[int, tuple[int, int, int]]:
    """Word of bank 0 -> (chunk, synapse layer, number of the neuron that shares its devices)."""
    numbers, found = neuron_numbers(layout.layers), {}
    for s, row, column, word, _ in layout.places():
        one_way = s == 0 or row == layout.layers[s]
        layer, neuron = (s + 1, column) if one_way else (s, row)
        chunk = layout.chunks_of(layer)[neuron // layout.lanes]
        found[word] = (chunk.index, s, numbers[s] + row if one_way else numbers[s + 1] + column)
    return found


@cocotb.test(**TIMEOUT)
async def weight_port(dut: object) -> None:
    """Commands are offered and weights taken at any time; the core takes a command when it likes."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    port = bench.component
    layout = port.layout
    where = located(layout)
    weights = port.data.shape()
    low, high = -(1 << weights.width - 1), (1 << weights.width - 1) - 1
    await bench.start()
    command, reading, waiting = None, False, None
    data = bank = None
    for _ in range(CYCLES):
        if command is None and bench.chance(0.5):
            word = bench.random.choice(sorted(where)) if bench.chance(0.7) else bench.random.randrange(layout.words)
            lane = bench.random.randrange(layout.lanes)
            command = {"write": bench.random.getrandbits(1), "word": word, "lane": lane, "data": bench.pick(low, high)}
        bench.drive(weights__valid=int(command is not None), weights__payload=command or 0)
        taking = bench.chance(0.3)
        answer = bench.pick(low, high) if reading and bench.chance(0.4) else None
        bench.drive(weight_data__ready=taking, peek_valid=int(answer is not None), peek_data=answer or 0, take=0)
        ready = command is not None and not reading and waiting is None
        bench.seen["a word waits"] += command is not None and waiting is not None
        bench.seen["a read is under way"] += command is not None and reading
        take = ready and bench.chance(0.6)
        bench.drive(take=int(take))
        await bench.settle()
        bench.check("waiting", int(command is not None))
        bench.check("ready", int(ready), command=command, waits=waiting)
        bench.check("weights__ready", int(take))
        bench.check("weight_data__valid", int(waiting is not None))
        if waiting is not None:
            bench.check("weight_data__payload", waiting)
        if data is not None:
            bench.check("data", data)
            bench.check("bank", bank)
        if command:
            _check_operation(bench, layout, command, where)
        await bench.cycle()
        if waiting is not None and taking:
            waiting = None
        if answer is not None:
            reading, waiting = False, answer
        if take:
            data = command["data"]
            bank = sum(command["word"] >= first for first in layout.bank_first[1:])
            reading = not command["write"]
            bench.seen["write" if command["write"] else "read"] += 1
            command = None
    bench.report()


def _check_operation(bench: Bench, layout: Layout, command: dict, where: dict) -> None:
    """The operation that the command is, while it is offered."""
    operation = bench.get("operation")
    golden = {
        "kind": (Kind.POKE if command["write"] else Kind.PEEK).value, "address": command["word"],
        "post": command["lane"],
    }  # fmt: skip
    for name, value in golden.items():
        bench.check(name, value, operation[name], command=command)
    own = sum(command["word"] >= first for first in layout.bank_first[1:])
    if own:
        address = operation["rows"][own - 1]["address"]
        bench.check("row's address", command["word"] - layout.bank_first[own], address, command=command)
    if bench.component.locates and command["word"] in where:
        found = tuple(operation[name] for name in ("chunk", "synapses", "number"))
        bench.check("devices", where[command["word"]], found, command=command)
