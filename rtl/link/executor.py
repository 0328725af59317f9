"""Does what frames ask for: requests in order, each once, and their answers in frames of their own."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from eqspike.rtl.core import Core
from eqspike.rtl.link import protocol
from eqspike.rtl.link.check_sum import CheckSum
from eqspike.rtl.link.commands import HEAD_BYTES, Commands, core_sizes
from eqspike.rtl.link.protocol import COMMAND, COMMANDS, CRC_BYTES, SLOTS, STATUS

NUMBER_BITS = 8
"""Of a sequence number."""


class Executor(Commands):
    """Takes frames from `requests`, as `rtl.link.frame.FrameReceiver` gives them, one after the other.

    `busy` (1 bit): there is a request. An answer is written to a memory and its slot offered to `replies` (stream of
    slot numbers); `address` and `data` (8 bits) read that memory, one cycle later. SLOTS slots belong to sequence
    numbers, so that an answer can be sent again without doing again what it answers; SLOTS more to refusals. The other
    members are those of `rtl.link.commands.Commands`.

    A frame whose number is the one that is waited for is executed, and the next is waited for; one of the SLOTS - 1
    before only has its answer sent again; any other is refused. Nothing is changed by a frame that is refused.

    The frame of a command whose payload is many numbers is read twice: first they are only looked at, and `again` (1
    bit) lets `requests` begin anew with the frame's header. `free` (1 bit): the frame is done with.
    """

    def __init__(self, core: Core) -> None:
        self.memory_bytes = 2 * SLOTS * core_sizes(core).slot
        super().__init__(
            core,
            {
                "replies": Out(stream.Signature(range(2 * SLOTS))),
                "address": In(range(self.memory_bytes)),
                "data": Out(8),
                "again": Out(1),
                "free": Out(1),
                "busy": Out(1),
            },
        )
        # The frame.
        self.status = Signal(range(len(protocol.STATUSES)))
        self.refused = Signal()
        """It answers no request: it has a slot and a number of its own."""
        self.expected, self.sequence = Signal(NUMBER_BITS), Signal(NUMBER_BITS)
        """The number that is waited for, and the request's."""
        self.kept = Signal(range(SLOTS))
        """How many of the answers before can be sent again."""
        self.head_left = Signal(range(HEAD_BYTES + 1))
        self.checked = Signal()
        """Its numbers were looked at."""
        self.begins = Signal()
        """It is an `identify` as it must be: one with a payload may not begin anything."""
        # The answer.
        self.refusals = Signal(SLOTS.bit_length() - 1)
        self.place = Signal((self.sizes.slot - 1).bit_length())

    def elaborate(self, platform: object) -> Module:
        m = Module()
        request, place = self.requests, self.place
        m.submodules.memory = memory = Memory(shape=8, depth=self.memory_bytes, init=[])
        write, read = memory.write_port(), memory.read_port()
        m.submodules.check = check = CheckSum()
        slot = Cat(Mux(self.refused, self.refusals, self.sequence[: len(self.refusals)]), self.refused)
        m.d.comb += [
            read.addr.eq(self.address),
            self.data.eq(read.data),
            write.addr.eq(Cat(place, slot)),
            write.data.eq(self.put_data),
            write.en.eq(self.put & check.first),
            check.bytes.payload.eq(self.put_data),
            check.bytes.valid.eq(self.put),
            self.done.eq(self.put & check.bytes.ready),
            self.replies.payload.eq(slot),
            self.begins.eq((self.command == COMMAND["identify"].code) & (self.left == 0)),
        ]
        with m.If(self.done):
            m.d.sync += place.eq(place + 1)
        self._connect_commands(m)
        with m.If(self.take):
            m.d.comb += request.ready.eq(1)
            with m.If(request.valid):
                m.d.sync += self.left.eq(self.left - 1)

        with m.FSM() as states:
            m.d.comb += self.busy.eq(~states.ongoing("LOW") | request.valid)
            self._begin_frame(m)
            self._order(m)
            self._judge(m)
            self._begin_answer(m, check)
            for add_states in self._states():
                add_states(m)
            self._end_answer(m, check, write, slot)
        return m

    def _begin_frame(self, m: Module) -> None:
        """The header, of length and status, then the sequence number and the command."""
        request = self.requests
        with m.State("LOW"):
            m.d.comb += request.ready.eq(1)
            m.d.sync += [self.left.eq(request.payload), self.place.eq(0), self.refused.eq(0)]
            with m.If(request.valid):
                m.next = "HIGH"
        with m.State("HIGH"):
            m.d.comb += request.ready.eq(1)
            m.d.sync += [self.left[8:].eq(request.payload), self.status.eq(request.payload[4:])]
            with m.If(request.valid):
                m.next = "SEQUENCE"
                with m.If(request.payload[4:] != STATUS["ok"]):
                    m.d.sync += [self.refused.eq(1), self.sequence.eq(self.expected)]
                    m.next = "LENGTH"
        with m.State("SEQUENCE"):
            m.d.comb += self.take.eq(1)
            m.d.sync += self.sequence.eq(request.payload)
            with m.If(request.valid):
                m.next = "COMMAND"
        with m.State("COMMAND"):
            m.d.comb += self.take.eq(1)
            m.d.sync += self.command.eq(request.payload)
            with m.If(request.valid):
                m.next = "ORDER"

    def _order(self, m: Module) -> None:
        """Is it the next frame, one whose answer is kept, or another?"""
        with m.State("ORDER"):
            back = (self.expected - self.sequence)[:NUMBER_BITS]
            m.d.sync += self.head_left.eq(0)
            with m.Switch(self.command):
                for entry in COMMANDS:
                    with m.Case(entry.code):
                        m.d.sync += self.head_left.eq(entry.head_bytes)
            with m.If(self.begins):
                # Its number may be any, and so have the slot of the answer that is being sent.
                with m.If(self.replies.ready):
                    m.next = "HEAD"
            with m.Elif(back == 0):
                m.next = "HEAD"
            with m.Elif(self.command == COMMAND["identify"].code):
                m.d.sync += [self.refused.eq(1), self.status.eq(STATUS["argument"])]
                m.next = "LENGTH"
            with m.Elif(back <= self.kept):
                m.next = "SEND"
            with m.Else():
                m.d.sync += [self.refused.eq(1), self.status.eq(STATUS["sequence"]), self.sequence.eq(self.expected)]
                m.next = "LENGTH"

    def _judge(self, m: Module) -> None:
        """The head, and whether the command may be executed."""
        request = self.requests
        with m.State("HEAD"):
            with m.If((self.head_left == 0) | (self.left == 0)):
                m.next = "JUDGE"
            with m.Else():
                m.d.comb += self.take.eq(1)
                with m.If(request.valid):
                    m.d.sync += [
                        self.head.eq(Cat(self.head[8:], request.payload)),
                        self.head_left.eq(self.head_left - 1),
                    ]
        with m.State("JUDGE"):
            m.d.sync += [
                self.word.eq(self._field("word", "write_weights")),
                self.lane.eq(self._field("lane", "write_weights")),
                self.count.eq(self._field("count", "write_weights")),
            ]
            right = (self.head_left == 0) & self.judge.acceptable
            with m.If(right & self.judge.numbers & ~self.checked):
                m.d.comb += self.numbers.begin.eq(1)
                m.next = "CHECK"
            with m.Else():
                m.d.sync += self.expected.eq(self.sequence + 1)
                with m.If(self.begins):
                    m.d.sync += self.kept.eq(1)
                with m.Elif(self.kept != SLOTS - 1):
                    m.d.sync += self.kept.eq(self.kept + 1)
                with m.Switch(self.command):
                    with m.Case(*(entry.code for entry in COMMANDS)):
                        with m.If(~right | (self.checked & self.numbers.wrong)):
                            m.d.sync += self.status.eq(STATUS["argument"])
                    with m.Default():
                        m.d.sync += self.status.eq(STATUS["command"])
                m.next = "LENGTH"
        with m.State("CHECK"):
            # To the payload's end, then once more from the header.
            m.d.comb += [self.numbers.bytes.valid.eq(request.valid), self.take.eq(self.numbers.bytes.ready)]
            with m.If(request.valid & self.take & (self.left == 1)):
                m.d.comb += self.again.eq(1)
                m.d.sync += self.checked.eq(1)
                m.next = "LOW"

    def _begin_answer(self, m: Module, check: CheckSum) -> None:
        """Number and status; the length is written when it is known."""
        with m.State("LENGTH"):
            m.d.comb += check.start.eq(1)
            m.d.sync += self.place.eq(1)
            m.next = "NUMBER"
        with m.State("NUMBER"):
            m.d.comb += [self.put.eq(1), self.put_data.eq(self.sequence)]
            with m.If(self.done):
                m.next = "STATUS"
        with m.State("STATUS"):
            m.d.comb += [self.put.eq(1), self.put_data.eq(self.status)]
            m.d.sync += self.index.eq(0)
            with m.If(self.done):
                m.next = "CRC"
                with m.If(self.status == STATUS["ok"]):
                    with m.Switch(self.command):
                        for entry in COMMANDS:
                            with m.Case(entry.code):
                                m.next = entry.name

    def _end_answer(self, m: Module, check: CheckSum, write: object, slot: Value) -> None:
        """The CRC and the length; then the answer is sent, and what is left of the frame skipped."""
        place, index = self.place, self.index
        with m.State("CRC"):
            m.d.comb += [self.put.eq(1), self.put_data.eq(check.low), check.own.eq(1)]
            with m.If(self.done):
                m.d.sync += index.eq(index + 1)
                with m.If(index == CRC_BYTES - 1):
                    m.next = "STORE"
        with m.State("STORE"):
            m.d.comb += [write.addr.eq(Cat(Const(0, len(place)), slot)), self.put_data.eq(place - 1), write.en.eq(1)]
            m.next = "SEND"
        with m.State("SEND"):
            m.d.comb += self.replies.valid.eq(1)
            with m.If(self.replies.ready):
                with m.If(self.refused):
                    m.d.sync += self.refusals.eq(self.refusals + 1)
                m.next = "SKIP"
        with m.State("SKIP"):
            # What is left of a frame that was not executed.
            m.d.comb += [self.take.eq(self.left != 0), self.free.eq(1)]
            m.d.sync += self.checked.eq(0)
            with m.If(self.left == 0):
                m.next = "LOW"


__all__ = ["Executor"]
