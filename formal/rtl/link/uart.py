"""Proofs of `rtl/link/uart.py`."""

from __future__ import annotations

from eqspike.rtl.link.uart import UartReceiver, UartTransmitter
from formal.bench import Bench
from formal.registry import proof

DIVIDER = 8
"""The least clock cycles a bit."""


@proof("From transmitter to receiver, every byte comes as it was sent, once, within a byte's time and half a bit's.",
       depth=11 * DIVIDER, weight=3, solvers=("yices", "z3"), bug=("shift.eq(1 << 8)", "shift.eq(1 << 7)"))  # fmt: skip
def round_trip(b: Bench) -> None:
    sender = b.add(UartTransmitter(DIVIDER), "sender", leave=("bytes",))
    receiver = b.add(UartReceiver(DIVIDER), "receiver", leave=("rx", "bytes"))
    byte = b.held(8, "byte")
    b.m.d.comb += [
        sender.bytes.valid.eq(b.first), sender.bytes.payload.eq(byte), receiver.rx.eq(sender.tx),
        receiver.bytes.ready.eq(1),
    ]  # fmt: skip
    came = b.register(1, "came")
    b.m.d.sync += came.eq(came | receiver.bytes.valid)
    b.prove(~receiver.bytes.valid | (~came & (receiver.bytes.payload == byte)))
    b.prove((b.cycle < 11 * DIVIDER - 1) | came)
    b.reach(receiver.bytes.valid & (byte == 0xA5))


@proof("A byte that was received waits unchanged until it is taken, whatever the line does and did.", depth=3,
       any_state=True, bug=("with m.If(~self.bytes.valid | self.bytes.ready):", "with m.If(1):"))  # fmt: skip
def receiver_stable(b: Bench) -> None:
    block = b.add(UartReceiver(DIVIDER), leave=("rx",))
    b.m.d.comb += block.rx.eq(b.free(1, "line"))
    b.stable(block.bytes)
    b.reach(block.bytes.valid & ~block.bytes.ready)


@proof("Whatever it was in the midst of, the receiver waits for a start bit again once the line has rested for the "
       "longest byte.", depth=11 * DIVIDER, any_state=True,
       bug=("with m.If(shift[0]):", "with m.If(~shift[0]):"))  # fmt: skip
def receiver_recovers(b: Bench) -> None:
    block = b.add(UartReceiver(DIVIDER), leave=("rx",))
    b.m.d.comb += block.rx.eq(1)
    state, waits = b.peek("dut.fsm_state", 2), 0
    rested = b.cycle >= 10 * DIVIDER + 4
    b.prove(~rested | (state == waits))
    b.reach(b.past(state != waits) & (state == waits) & (b.cycle > 9 * DIVIDER))
