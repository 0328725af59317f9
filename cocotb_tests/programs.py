"""What the tests of `rtl.program`'s parts share: all words of a memory, and operations close behind each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cocotb_tests.bench import Bench
from eqspike.golden.config import Config
from eqspike.golden.derived import halvings, neuron_numbers
from eqspike.golden.device import network_devices
from eqspike.golden.device_numbers import fixed_devices
from eqspike.golden.number import fixed_numbers
from eqspike.golden.parameters import fixed_parameters, row_bases
from eqspike.rtl.layout import Layout

SETTLE = 3
"""Cycles after an operation in which the image's sign and the learning rates must not change."""

Operation = TypeVar("Operation")


@dataclass(frozen=True)
class Word:
    """A word of the weight memory, as a spike names it."""

    address: int
    chunk: int
    layer: int
    """Of neurons, that the lanes belong to."""
    first: int
    """The lanes' first neuron."""
    synapses: int
    number: int
    """Of the neuron on the other side."""
    places: tuple[tuple[int, int] | None, ...]
    """(row, column) of each lane's device in the network's array of weights; None where there is none."""


def words(config: Config, layout: Layout) -> list[Word]:
    """All words, in order."""
    layers, bases, numbers = (
        config.network.layers,
        row_bases(config.network.layers),
        neuron_numbers(config.network.layers),
    )
    out = []
    for chunk in layout.chunks:
        below, lanes = chunk.layer - 1, range(chunk.first, chunk.first + chunk.count)
        beyond = (None,) * (layout.lanes - chunk.count)
        rows = [*range(layers[0]), layers[0]] if chunk.layer == 1 else [layers[below]]
        for row in rows:
            places = tuple((bases[below] + row, n) for n in lanes)
            out.append((chunk, below, numbers[below] + row, places + beyond))
        for post in range(layers[chunk.layer + 1] if chunk.layer + 1 < len(layers) else 0):
            places = tuple((bases[chunk.layer] + n, post) for n in lanes)
            out.append((chunk, chunk.layer, numbers[chunk.layer + 1] + post, places + beyond))
    return [
        Word(address, chunk.index, chunk.layer, chunk.first, synapses, number, places)
        for address, (chunk, synapses, number, places) in enumerate(out)
    ]


class Reference:
    """A network's devices and parameters, with which a test computes an operation's results: `shape` and `bases` of the
    array of weights, the image's `sign`, and what an epoch has."""

    def __init__(self, config: Config) -> None:
        self.config, self.numbers = config, fixed_numbers(config)
        layers = config.network.layers
        self.shape = (sum(size + 1 for size in layers[:-1]), max(layers[1:]))
        self.bases = row_bases(layers)
        self.devices = network_devices(config, fixed_devices(config, self.numbers), self.shape, self.bases)
        self.sign = 1
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """The learning rates of an epoch."""
        self.parameters = fixed_parameters(self.config, self.numbers, epoch)
        self.halvings = [halvings(s.halve_at, epoch) for s in self.config.synapses]


@dataclass(frozen=True)
class Steps(Generic[Operation]):
    """How a test issues operations and looks at what becomes of them."""

    count: int
    """Of operations."""
    latency: int
    """Cycles from stage R to the results."""
    draw: Callable[[], Operation]
    """The next operation, with its results."""
    drive: Callable[[Bench, Operation | None, Operation | None], None]
    """The inputs for what stands in stages A and R."""
    check: Callable[[Bench, Operation | None, Operation | None], None]
    """The outputs for what stands in stage R, and for what leaves."""


async def serve_all(bench: Bench, golden: Reference, steps: Steps[Operation]) -> None:
    """Operations, mostly one every cycle; between runs of them the sign and the epoch change."""
    pipeline: deque[Operation | None] = deque([None] * (2 + steps.latency))
    # The newest first: place 0 is stage A, place 1 stage R.
    left, until_change = steps.count, 0
    while left or any(pipeline):
        issued = None
        if left and until_change > 0:
            if not bench.chance(0.1):
                issued = steps.draw()
                left -= 1
            until_change -= 1
        elif until_change > -SETTLE:
            until_change -= 1
        elif left:
            golden.set_epoch(bench.random.randrange(4))
            golden.sign = bench.random.choice((-1, 1))
            bench.drive(negative=int(golden.sign < 0), halvings=golden.halvings)
            until_change = bench.random.randint(1, 120)
        pipeline.appendleft(issued)
        pipeline.pop()
        steps.drive(bench, pipeline[0], pipeline[1])
        await bench.settle()
        steps.check(bench, pipeline[1], pipeline[-1])
        await bench.cycle()
