"""cocotb: the pass at an image's end (rtl.sweep): which words it programs, with what, and what it leaves out."""

from __future__ import annotations

from collections import deque

import cocotb
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.derived import bias_spikes, neuron_numbers
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import Kind
from eqspike.rtl.pipeline import Pipeline
from eqspike.rtl.sweep import Sweep
from eqspike.sim import harness


def _config(layers: list[int], **learning: int) -> dict:
    return config_data(
        network={"layers": layers}, synapses=[{"draw": "synapse"}], programming={"when": "image_end"}, learning=learning
    )


JOBS = {
    "one_hidden": {"lanes": 2, "config": _config([5, 3, 4]), "seed": 2300},
    "two_hidden": {"lanes": 3, "config": _config([1, 4, 5, 2]), "seed": 2301},
    # No spike of a bias is served in so short a phase.
    "no_bias": {"lanes": 4, "config": _config([3, 4, 1], free_steps=151, nudge_steps=2), "seed": 2302},
}
WRITE_STAGE = 5
SWEEPS = 25


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    config = config_from_dict(job["config"])
    return Sweep(config, Layout(config, job["lanes"]), WRITE_STAGE)


def operations(layout: Layout, bias: int, counts: list[int], above: list[list[tuple[int, int]]]) -> list[dict]:
    """The operations of a sweep in order; beside them `factors`, the count and the sum above."""
    numbers, last, out = neuron_numbers(layout.layers), len(layout.layers) - 1, []

    def add(kind: Kind, chunk: int, synapses: int, address: int, number: int, post: int, factors: tuple) -> None:
        out.append({"kind": kind, "chunk": chunk, "synapses": synapses, "address": address, "number": number,
                    "post": post, "factors": factors})  # fmt: skip

    for c in layout.chunks:
        out.append({"kind": Kind.LOAD, "chunk": c.index})
        below = c.layer - 1
        for i in range(layout.layers[0] if c.layer == 1 else 0):
            if counts[i]:
                add(Kind.ROW, c.index, 0, c.base + i, i, None, (counts[i], 0))
        if bias:
            add(Kind.ROW, c.index, below, c.bias, numbers[below] + layout.layers[below], None, (bias, 0))
        for k in range(layout.layers[c.layer + 1] if c.layer < last else 0):
            if any(above[c.layer + 1][k]):
                add(Kind.PAIR, c.index, c.layer, c.pairs + k, numbers[c.layer + 1] + k, k, above[c.layer + 1][k])
    return out


@cocotb.test(**TIMEOUT)
async def sweep(dut: object) -> None:
    """Counts and sums come as late as the core gives them; products take any time; each word once, in order, and none
    is programmed while the one before may still be in the way."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    config, layout = config_from_dict(job["config"]), bench.component.layout
    numbers, bias = fixed_numbers(config), bias_spikes(config)
    most = (1 << numbers.spike_count.bits) - 1
    await bench.start()
    for number in range(SWEEPS):
        few = bench.random.choice([0.0, 0.3, 0.9, 1.0])

        def some(low: int, high: int, few: float = few) -> int:
            return (bench.pick(low, high) or high) if bench.chance(few) else 0

        counts = [some(0, most) for _ in range(layout.layers[0])]
        above = [[(some(0, most), some(numbers.rate_sum.low, numbers.rate_sum.high)) for _ in range(size)]
                 for size in layout.layers]  # fmt: skip
        left = deque(operations(layout, bias, counts, above))
        bench.drive(start=1)
        place, named = 0, deque([(1, 0)] * Pipeline.TO_R, maxlen=Pipeline.TO_R)
        making, made, done, since = None, None, 0, 100
        for _ in range(4000):
            synapses, post = named[0]
            here = above[min(synapses + 1, len(above) - 1)]
            count, total = here[min(post, len(here) - 1)] if synapses > 0 else (0, 0)
            bench.drive(
                input_count=counts[min(place, len(counts) - 1)],
                above_count=count,
                above_sum=total,
                multiplied=making == 0,
            )
            await bench.settle()
            operation, place = bench.get("operation"), bench.get("place")
            kind = Kind(operation["kind"])
            if kind != Kind.NOP:
                expected = left.popleft()
                factors, post = expected.pop("factors", None), expected.pop("post", None)
                bench.check("operation", {k: v.value if isinstance(v, Kind) else v for k, v in expected.items()},
                            {name: operation[name] for name in expected})  # fmt: skip
                if kind == Kind.LOAD:
                    since = 0
                else:
                    bench.check("program", (1, 1), (operation["program"], operation["silent"]))
                    bench.check("post", operation["post"] if post is None else post, operation["post"])
                    bench.check("factors", factors, made)
                    since = 0
            if bench.get("multiply"):
                made = (bench.get("count"), bench.get("above"))
                # The chunk's state, and what is programmed, must stand.
                bench.check("stands", True, since >= Pipeline.TO_R)
                making = bench.random.choice([1, 3, 8])
            elif making is not None:
                making = making - 1 if making else None
            named.append((operation["synapses"], operation["post"]))
            done, since = bench.get("done"), since + 1
            await bench.cycle()
            bench.drive(start=0)
            if done:
                break
        bench.check("all words", 0, len(left), sweep=number)
        bench.check("written", True, since > Pipeline.LATENCY + WRITE_STAGE)
        bench.seen["nothing"] += not any(counts)
        bench.seen["all"] += all(counts)
    bench.report()
