"""Exact sums of several words."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2


class Adder(wiring.Component):
    """The sum of two signed words in `bits` bits (by default exact), combinational.

    A module of its own because of Yosys: where one sum feeds another and nothing else, it makes carry-save adders of
    LUTs, which on these FPGAs take twice as much as carry chains do. `fpga.synthesis.PREPARE` makes the carry chains of
    these modules, by their name `adder_...`, before the design is flattened.
    """

    def __init__(self, a: int, b: int, bits: int | None = None) -> None:
        super().__init__({"a": In(signed(a)), "b": In(signed(b)), "sum": Out(signed(bits or max(a, b) + 1))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.sum.eq(self.a + self.b)
        return m


def add(m: Module, name: str, values: list[Value]) -> Value:
    """The exact sum of signed words, as a tree of adders. Combinational."""
    values = [Value.cast(value) for value in values]
    level = 0
    while len(values) > 1:
        sums = []
        for place in range(0, len(values) - 1, 2):
            a, b = values[place : place + 2]
            adder = Adder(len(a), len(b))
            m.submodules[f"adder_{name}_{level}_{place // 2}"] = adder
            m.d.comb += [adder.a.eq(a), adder.b.eq(b)]
            sums.append(adder.sum)
        values = sums + values[len(sums) * 2 :]
        level += 1
    return values[0]


class AdderTree(wiring.Component):
    """The exact sum of `inputs` signed words, registered after every third level of adders.

    Latency `latency` cycles, throughput 1.
    """

    LEVELS = 3

    def __init__(self, inputs: int, bits: int) -> None:
        self.inputs = inputs
        depth = max(1, ceil_log2(inputs)) if inputs > 1 else 1
        self.latency = -(-depth // self.LEVELS)
        super().__init__(
            {
                "words": In(data.ArrayLayout(signed(bits), inputs)),
                "sum": Out(signed(bits + ceil_log2(max(2, inputs)))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        values: list[Value] = [self.words[i] for i in range(self.inputs)]
        group = 1 << self.LEVELS
        for stage in range(self.latency):
            sums = [add(m, f"{stage}_{i // group}", values[i : i + group]) for i in range(0, len(values), group)]
            registered = [Signal(signed(len(value)), name=f"sum_{stage}_{i}") for i, value in enumerate(sums)]
            m.d.sync += [r.eq(v) for r, v in zip(registered, sums, strict=True)]
            values = list(registered)
        m.d.comb += self.sum.eq(values[0])
        return m


__all__ = ["Adder", "AdderTree", "add"]
