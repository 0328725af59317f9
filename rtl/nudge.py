"""Output rates, the error that nudges, skip rule and prediction (the circuit of `golden.nudge`)."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.layout import Layout


class OutputRates(wiring.Component):
    """Spikes of each output in the window, and what follows from them.

    `update` with `part` (a chunk of the output layer) takes that chunk's `spikes` and its spikes of `window` steps ago,
    `leaving`. `drive` is, combinationally, sign * beta * (target - rate) in membrane LSBs for the lanes of
    `part_drive`.
    `first_spike` is the lowest output of the first step in which any spiked; `first_valid` when there was one.
    `scan` starts the evaluation, which takes as many cycles as there are outputs; then `scanned` stays high until
    `restart`, with `prediction` (the highest count, the lowest output where several are) and `within` (the skip rule).
    """

    def __init__(self, config: Config, layout: Layout) -> None:
        self.numbers = fixed_numbers(config)
        self.layout = layout
        self.outputs = config.network.layers[-1]
        self.parts = layout.chunks_of(len(config.network.layers) - 1)
        lanes = layout.lanes
        self.count_shape = unsigned(self.numbers.count_bits)
        self.error_bits = self.numbers.count_bits + 2
        part, index = range(max(2, len(self.parts))), range(max(2, self.outputs))
        self.drive_shape = signed(self.error_bits + max(0, self.numbers.nudge_shift))
        super().__init__(
            {
                "restart": In(1),
                "label": In(index),
                "negative": In(1),
                "update": In(1),
                "part": In(part),
                "spikes": In(lanes),
                "leaving": In(lanes),
                "part_drive": In(part),
                "drive": Out(data.ArrayLayout(self.drive_shape, lanes)),
                "counts": Out(data.ArrayLayout(self.count_shape, self.outputs)),
                "first_valid": Out(1),
                "first_spike": Out(index),
                "scan": In(1),
                "scanned": Out(1),
                "prediction": Out(index),
                "within": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        numbers, outputs, lanes = self.numbers, self.outputs, self.layout.lanes
        counts = self.counts
        with m.If(self.restart):
            m.d.sync += [counts.as_value().eq(0), self.first_valid.eq(0)]
        with m.Elif(self.update):
            with m.Switch(self.part):
                for chunk in self.parts:
                    with m.Case(chunk.part):
                        for lane in range(chunk.count):
                            k = chunk.first + lane
                            # One up, one down, or neither.
                            with m.If(self.spikes[lane] ^ self.leaving[lane]):
                                change = Cat(Const(1, 1), self.leaving[lane].replicate(len(counts[k]) - 1))
                                m.d.sync += counts[k].eq(counts[k] + change)
                        spikes = self.spikes[: chunk.count]
                        with m.If(~self.first_valid & spikes.any()):
                            m.d.sync += self.first_valid.eq(1)
                            for lane in reversed(range(chunk.count)):
                                with m.If(spikes[lane]):
                                    m.d.sync += self.first_spike.eq(chunk.first + lane)

        def error(count: Value, right: Value) -> Value:
            """count - target. At f_max there are 2^k spikes in the window: the low k bits pass through."""
            return count - Mux(right, numbers.target, 0)

        for lane in range(lanes):
            here = [(c.part, c.first + lane) for c in self.parts if lane < c.count]
            if not here:
                continue
            drive = Signal(signed(self.error_bits), name=f"drive_{lane}")
            difference = Signal(signed(self.error_bits), name=f"difference_{lane}")
            with m.Switch(self.part_drive):
                for part, k in here:
                    # The last case is the default: where a lane has no output, its drive goes nowhere.
                    with m.Case(part) if k != here[-1][1] else m.Default():
                        m.d.comb += difference.eq(error(counts[k], self.label == k))
            m.d.comb += [
                drive.eq(Mux(self.negative, difference, -difference)),
                self.drive[lane].eq(drive << numbers.nudge_shift),
            ]

        place = Signal(range(max(2, outputs)))
        scanning, best = Signal(), Signal(self.count_shape)
        count = Array(counts[k] for k in range(outputs))[place]
        far_by = Signal(signed(self.error_bits))
        m.d.comb += far_by.eq(error(count, self.label == place))
        far = (far_by > numbers.skip_counts) | (far_by < -numbers.skip_counts)
        with m.If(self.restart):
            m.d.sync += [self.scanned.eq(0), scanning.eq(0)]
        with m.Elif(self.scan):
            m.d.sync += [scanning.eq(1), place.eq(0), best.eq(0), self.prediction.eq(0)]
            m.d.sync += self.within.eq(1 if numbers.skip_counts >= 0 else 0)
        with m.Elif(scanning):
            with m.If(count > best):
                m.d.sync += [best.eq(count), self.prediction.eq(place)]
            with m.If(far):
                m.d.sync += self.within.eq(0)
            m.d.sync += place.eq(place + 1)
            with m.If(place == outputs - 1):
                m.d.sync += [scanning.eq(0), self.scanned.eq(1)]
        return m
