"""What a proof is written on: free inputs, and properties that hold in every cycle."""

from __future__ import annotations

import warnings

from amaranth.hdl import (
    Assert,
    Assume,
    ClockDomain,
    Cover,
    Elaboratable,
    Module,
    Shape,
    Signal,
    UnusedElaboratable,
    Value,
)
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In

# Components are also made for their description alone, as a crossbar for the widths of its words, and not elaborated.
warnings.simplefilter("ignore", UnusedElaboratable)

KEPT = "formal_"
"""Registers whose names begin so keep their first value also where a proof begins in any state."""


class Bench:
    """One component with properties around it. Its clock has no reset: cycle 0 is the cycle after reset."""

    def __init__(self) -> None:
        self.m = Module()
        self.m.domains.sync = self.clock = ClockDomain("sync", reset_less=True)
        self.inputs: list[Signal] = []
        self.peeks: list[tuple[str, str]] = []
        """(name of an input, name of the register inside that it shows)."""
        self._count = 0
        self.cycle = Signal(16, name="formal_cycle")
        """How many cycles there were before this one; it stops at its end."""
        self.m.d.sync += self.cycle.eq(self.cycle + ~self.cycle.all())
        self.first = self.cycle == 0

    # -----------------------------------------------------------------------------------------------------------------
    # Inputs

    def free(self, shape: object, name: str) -> Signal:
        """Any value, another in each cycle."""
        signal = Signal(shape, name=name)
        self.inputs.append(Value.cast(signal))
        return signal

    def held(self, shape: object, name: str) -> Signal:
        """Any value, the same in all cycles."""
        signal = self.free(shape, name)
        value = Value.cast(signal)
        self.assume(self.first | (value == self.past(value)))
        return signal

    def add(self, component: wiring.Component, name: str = "dut", leave: tuple[str, ...] = ()) -> wiring.Component:
        """The component, its inputs free but for those in `leave` (names, or beginnings of names before a point)."""
        self.m.submodules[name] = component
        for path, member, value in component.signature.flatten(component):
            full = "__".join(str(part) for part in path)
            if member.flow is In and path[0] not in leave and full not in leave:
                self.drive(value, f"{name}_{full}")
        return component

    def drive(self, value: object, name: str) -> None:
        """A port gets any value in each cycle."""
        target = Value.cast(value)
        source = Signal(Shape(len(target), target.shape().signed), name=name)
        self.inputs.append(source)
        self.m.d.comb += target.eq(source)

    def peek(self, inside: str, shape: object) -> Signal:
        """A register inside, by its name in the flat design, `dut.part.register`; of a memory, `dut.part.memory[7]`.

        Of several that one line of Python makes, Amaranth calls the first `$signal`: it finds no name for it.
        """
        name = f"peek_{len(self.peeks)}"
        signal = self.free(shape, name)
        self.peeks.append((name, inside))
        return signal

    # -----------------------------------------------------------------------------------------------------------------
    # Properties

    def prove(self, condition: Value) -> None:
        """It holds in every cycle."""
        self.m.d.comb += Assert(Value.cast(condition).any())

    def assume(self, condition: Value) -> None:
        """Nothing is said of runs in which it does not hold in every cycle."""
        self.m.d.comb += Assume(Value.cast(condition).any())

    def reach(self, condition: Value) -> None:
        """There is a run, within the proof's depth, in which it holds."""
        self.m.d.comb += Cover(Value.cast(condition).any())

    def past(self, value: object, cycles: int = 1) -> Signal:
        """The value so many cycles ago; 0 before there was any."""
        value = Value.cast(value)
        for _ in range(cycles):
            self._count += 1
            earlier = Signal(value.shape(), name=f"formal_past_{self._count}")
            self.m.d.sync += earlier.eq(value)
            value = earlier
        return value

    def as_of_first(self, value: object, shape: object) -> Signal:
        """The value of cycle 0, in a shape that holds it."""
        self._count += 1
        kept = Signal(shape, name=f"formal_kept_{self._count}")
        with self.m.If(self.first):
            self.m.d.sync += kept.eq(value)
        return kept

    def wire(self, value: object) -> Signal:
        """The value as a signal."""
        value = Value.cast(value)
        self._count += 1
        out = Signal(value.shape(), name=f"wire_{self._count}")
        self.m.d.comb += out.eq(value)
        return out

    def since(self, cycles: int) -> Value:
        """So many cycles have passed."""
        return self.cycle >= cycles

    def register(self, shape: object, name: str, init: int = 0) -> Signal:
        """A register of the bench's own."""
        return Signal(shape, name=f"{KEPT}{name}", init=init)

    def stable(self, *streams: stream.Interface) -> None:
        """A stream that was offered and not taken is offered with the same payload in the next cycle."""
        for port in streams:
            self.prove(self.first | ~self._waited(port) | self._same(port))

    def patient(self, *streams: stream.Interface) -> None:
        """As `stable`, of streams that the component takes: their sources keep to it."""
        for port in streams:
            self.assume(self.first | ~self._waited(port) | self._same(port))

    def _waited(self, port: stream.Interface) -> Value:
        return self.past(port.valid) & ~self.past(port.ready)

    def _same(self, port: stream.Interface) -> Value:
        payload = Value.cast(port.payload)
        return port.valid & (payload == self.past(payload))


class Top(Elaboratable):
    """What is handed to the solvers."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def elaborate(self, platform: object) -> Module:
        return self.bench.m


__all__ = ["KEPT", "Bench", "Top"]
