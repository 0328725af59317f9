"""cocotb: the check of a payload's numbers, against the ranges of the golden formats and the places of the weights."""

from __future__ import annotations

import cocotb
from amaranth.lib import wiring

from cocotb_tests import networks
from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.cells import cell_bits
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.rtl.bits import ResultCodec
from eqspike.rtl.layout import Layout
from eqspike.rtl.link.numbers import NumberCheck
from eqspike.rtl.link.protocol import Sizes, sizes_of
from eqspike.sim import harness

_NARROW, _WIDE = networks.TINY["synapses"][1], networks.TINY["synapses"][0]
JOBS = {
    # Two formats, chunks that lack a neuron.
    "two": {"config": config_data(**networks.TINY), "lanes": 2, "banks": 1},
    # Rows in three memories, three layers of synapses, pixels of two bytes.
    "banks": {
        "config": config_data(
            **networks.TINY
            | {
                "network": {"layers": [13, 5, 4, 3]},
                "input": {"full_scale": 512},
                "synapses": [_WIDE | {"bits": 17}, _NARROW, _WIDE],
            }
        ),
        "lanes": 3, "banks": 3,
    },
    # Accumulators below the weights.
    "cells": {
        "config": config_data(
            **networks.TINY
            | {
                "programming": {"accumulator": 3, "step": "2^-5"},
                "synapses": [synapse | {"draw": "synapse"} for synapse in networks.TINY["synapses"]],
            }
        ),
        "lanes": 2, "banks": 1,
    },
    # One byte a weight, all lanes used in each word, and all values of it in range.
    "byte": {
        "config": config_data(
            **networks.TINY
            | {
                "network": {"layers": [7, 4, 2]},
                "input": {"full_scale": 8},
                "synapses": [_NARROW, _NARROW],
            }
        ),
        "lanes": 2, "banks": 1,
    },
}  # fmt: skip
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=990 + _seed)

PAYLOADS = 400


def _parts(job: dict) -> tuple[Config, Layout, Sizes]:
    config = config_from_dict(job["config"])
    layout = Layout(config, job["lanes"], job["banks"])
    weight_bits = max(cell_bits(config))
    return config, layout, sizes_of(config, layout, weight_bits, ResultCodec(config).width)


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return NumberCheck(*_parts(job))


class Numbers:
    """The numbers of payloads, and whether each is in its range."""

    def __init__(self, bench: Bench, config: Config, layout: Layout, sizes: Sizes) -> None:
        self.bench, self.sizes, self.full_scale = bench, sizes, config.input.full_scale
        self.rest_bits = config.programming.accumulator or 0
        bits = cell_bits(config)
        self.formats = {
            (word, lane): (-(1 << bits[synapses] - 1), (1 << bits[synapses] - 1) - 1)
            for synapses, _, _, word, lane in layout.places()
        }

    def pixels(self, wrong: bool) -> list[tuple[bytes, bool]]:
        """An image: (bytes, wrong) of each pixel."""
        size, full = self.sizes.pixel_bytes, self.full_scale
        values = [self.bench.pick(0, full) for _ in range(self.sizes.inputs)]
        if wrong:
            at = self.bench.random.randrange(len(values))
            values[at] = self.bench.pick(full + 1, (1 << 8 * size) - 1)
        return [(value.to_bytes(size, "little"), value > full) for value in values]

    def weights(self, word: int, lane: int, count: int, wrong: bool) -> list[tuple[bytes, bool]]:
        """A block of weights, as `pixels`."""
        bench, size = self.bench, self.sizes.weight_bytes
        low, high = -(1 << (8 * size - 1)), (1 << (8 * size - 1)) - 1
        out = []
        for at in range(lane, lane + count):
            least, most = self.formats.get((word, at), (0, 0))
            # What would mean a whole pulse in an accumulator, and the weight above it.
            whole = (1 << self.rest_bits) >> 1
            value = bench.pick(least, most)
            if self.rest_bits and value % (1 << self.rest_bits) == whole:
                value += 1
            if wrong and bench.chance(0.5):
                value = bench.pick(low, high, least - 1, most + 1, 1, -1, whole, whole - (1 << self.rest_bits))
            is_whole = self.rest_bits > 0 and value % (1 << self.rest_bits) == whole
            is_wrong = not least <= value <= most or is_whole
            bench.seen["no neuron"] += is_wrong and (word, at) not in self.formats
            bench.seen["whole pulse"] += is_whole
            out.append((value.to_bytes(size, "little", signed=True), is_wrong))
        return out


@cocotb.test(**TIMEOUT)
async def numbers(dut: object) -> None:
    """Payloads of both kinds, right ones and such with any wrong number, with gaps between their bytes."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    config, layout, sizes = _parts(job)
    source = Numbers(bench, config, layout, sizes)
    await bench.start()
    for _ in range(PAYLOADS):
        pixels, wrong = int(bench.chance(0.3)), bench.chance(0.5)
        word, lane = bench.pick(0, sizes.words - 1), bench.random.randrange(sizes.lanes)
        count = bench.pick(1, sizes.lanes - lane)
        payload = source.pixels(wrong) if pixels else source.weights(word, lane, count, wrong)
        bench.drive(begin=1, word=word, lane=lane, pixels=pixels, bytes__valid=0)
        await bench.settle()
        await bench.cycle()
        # Where it began is told once.
        bench.drive(begin=0, word=bench.random.getrandbits(16), lane=bench.random.getrandbits(16))
        seen, waited = False, 0
        for raw, outside in payload:
            for byte in raw:
                taken = False
                while not taken:
                    valid = bench.chance(0.7)
                    bench.drive(bytes__valid=valid, bytes__payload=byte if valid else bench.random.getrandbits(8))
                    await bench.settle()
                    bench.check("wrong", int(seen), word=word, lane=lane)
                    taken = valid and bool(bench.get("bytes__ready"))
                    waited += valid and not taken
                    await bench.cycle()
            seen |= outside
        bench.drive(bytes__valid=0)
        await bench.settle()
        bench.check("wrong", int(seen), word=word, lane=lane, count=count)
        bench.check("waits too long", False, waited > layout.words)
        bench.seen[("pixels " if pixels else "weights ") + ("wrong" if seen else "right")] += 1
        await bench.cycle()
    bench.report()
