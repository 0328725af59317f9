"""Does what frames ask for: the core's streams and registers on one side, answers on the other."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import crc, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from golden.number import COUNTERS
from rtl.core import Core, Mode, counter_layout, image_layout, result_layout, weight_layout
from rtl.link import protocol
from rtl.link.frame import CRC, CRC_BYTES
from rtl.link.protocol import COMMAND, COMMANDS, SLOTS, STATUS

NUMBER_BITS = 8
"""Of a sequence number."""


def core_sizes(core: Core) -> protocol.Sizes:
    """The sizes that the protocol needs to know of a core. Raises `ConfigError` for one that it cannot serve."""
    return protocol.sizes_of(
        core.config, core.layout, core.crossbar.weight_bits, Shape.cast(result_layout(core.config)).width
    )


class Executor(wiring.Component):
    """Takes frames from `requests`, as `rtl.link.frame.FrameReceiver` gives them, one after the other.

    The ports `images`, `results`, ... are those of the core; `reset_core` resets it. An answer is written to a memory
    and its slot offered to `replies`; `address` and `data` read that memory, one cycle later. SLOTS slots belong to
    sequence numbers, so that an answer can be sent again without doing again what it answers; SLOTS more to refusals.

    A frame whose number is the one that is waited for is executed, and the next is waited for; one of the SLOTS - 1
    before only has its answer sent again; any other is refused. Nothing is changed by a frame that is refused.
    """

    def __init__(self, core: Core) -> None:
        self.config = core.config
        self.sizes = core_sizes(core)
        self.seed = core.numbers.seed
        self.memory_bytes = 2 * SLOTS * self.sizes.slot
        weight = signed(core.crossbar.weight_bits)
        super().__init__(
            {
                "requests": In(stream.Signature(8)),
                "replies": Out(stream.Signature(range(2 * SLOTS))),
                "address": In(range(self.memory_bytes)),
                "data": Out(8),
                "busy": Out(1),
                "images": Out(stream.Signature(image_layout(core.config))),
                "results": In(stream.Signature(result_layout(core.config))),
                "weights": Out(stream.Signature(weight_layout(core.crossbar))),
                "weight_data": In(stream.Signature(weight)),
                "halvings": Out(core.crossbar.halvings.shape()),
                "key_load": Out(1),
                "key_data": Out(32),
                "key": In(32),
                "clear_counters": Out(1),
                "counters": In(counter_layout(core.config)),
                "reset_core": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sizes = self.sizes
        weight_bytes = sizes.weight_bytes
        request = self.requests

        m.submodules.memory = memory = Memory(shape=8, depth=self.memory_bytes, init=[])
        write, read = memory.write_port(), memory.read_port()
        m.submodules.crc = check = crc.Parameters(CRC, 8).create()
        m.d.comb += [read.addr.eq(self.address), self.data.eq(read.data)]

        # The frame.
        left = Signal(range(sizes.frame + 1))
        """Bytes of the request not read yet; after the header, those of its payload."""
        status = Signal(range(len(protocol.STATUSES)))
        refused = Signal()
        """It answers no request: it has a slot and a number of its own."""
        refusals = Signal(SLOTS.bit_length() - 1)
        expected = Signal(NUMBER_BITS)
        kept = Signal(range(SLOTS))
        """How many of the answers before can be sent again."""
        sequence = Signal(NUMBER_BITS)
        command = Signal(8)
        identify = command == COMMAND["identify"].code
        head_bytes = max(c.head_bytes for c in COMMANDS)
        head = Signal(8 * head_bytes)
        """The payload's fields of fixed size; the last byte is the highest."""
        head_left = Signal(range(head_bytes + 1))

        def field(name: str, of: str) -> Value:
            """A field of fixed size of the head."""
            fields = COMMAND[of].head
            at = 8 * (head_bytes - COMMAND[of].head_bytes)
            for entry in fields:
                if entry.name == name:
                    return head[at : at + 8 * entry.size]
                at += 8 * entry.size
            raise KeyError(name)

        # The answer.
        place = Signal((sizes.slot - 1).bit_length())
        put, put_data = Signal(), Signal(8)
        """Write a byte of the answer."""
        slot = Cat(Mux(refused, refusals, sequence[: len(refusals)]), refused)
        m.d.comb += [
            write.addr.eq(Cat(place, slot)),
            write.data.eq(put_data),
            write.en.eq(put),
            check.data.eq(put_data),
            check.valid.eq(put),
            self.replies.payload.eq(slot),
        ]
        with m.If(put):
            m.d.sync += place.eq(place + 1)

        index = Signal(range(max(sizes.reply, 4) + 1))
        """Byte of a number or of the answer."""

        # Fields by name, whichever command they came with: those of the same name stand at the same place.
        lane, count = Signal(16), Signal(8)
        word = Signal(16)
        weight = head[8 * (head_bytes - weight_bytes) :]
        pixel = Signal(8 * sizes.pixel_bytes)
        m.d.comb += [
            self.weights.payload.word.eq(word),
            self.weights.payload.lane.eq(lane),
            self.weights.payload.data.eq(weight),
            self.weights.payload.write.eq(command == COMMAND["write_weights"].code),
            self.images.payload.mode.eq(field("mode", "present")),
            self.images.payload.label.eq(field("label", "present")),
            self.images.payload.pixel.eq(pixel),
            self.key_data.eq(field("value", "write_register")),
        ]

        registers = {r.name: r for r in protocol.registers(len(self.config.network.layers))}
        writes = command == COMMAND["write_register"].code
        # Both commands end with it, so it stands at the same place.
        number = field("number", "read_register")

        # What the frame must be like to be executed.
        acceptable = Signal()
        block = COMMAND["write_weights"]
        fits = (
            (field("word", block.name) < sizes.words)
            & (field("count", block.name) != 0)
            & (field("lane", block.name) + field("count", block.name) <= sizes.lanes)
        )
        with m.Switch(command):
            with m.Case(COMMAND["identify"].code):
                m.d.comb += acceptable.eq(left == 0)
            with m.Case(COMMAND["echo"].code):
                m.d.comb += acceptable.eq(left <= sizes.reply)
            with m.Case(COMMAND["read_register"].code, COMMAND["write_register"].code):
                with m.Switch(number):
                    for register in registers.values():
                        with m.Case(register.number):
                            m.d.comb += acceptable.eq((left == 0) & (~writes | int("w" in register.access)))
            with m.Case(COMMAND["read_weights"].code):
                m.d.comb += acceptable.eq(fits & (field("count", block.name) <= sizes.read_block) & (left == 0))
            with m.Case(COMMAND["write_weights"].code):
                m.d.comb += acceptable.eq(fits & (left == field("count", block.name) * weight_bytes))
            with m.Case(COMMAND["present"].code):
                m.d.comb += acceptable.eq(
                    (left == sizes.image_bytes)
                    & (field("label", "present") < sizes.outputs)
                    & (field("mode", "present") <= max(int(mode.value) for mode in Mode))
                )

        take = Signal()
        """Take a byte of the payload."""
        with m.If(take):
            m.d.comb += request.ready.eq(1)
            with m.If(request.valid):
                m.d.sync += left.eq(left - 1)

        def finish() -> None:
            m.d.sync += index.eq(0)
            m.next = "CRC"

        with m.FSM() as states:
            m.d.comb += self.busy.eq(~states.ongoing("LOW") | request.valid)
            with m.State("LOW"):
                m.d.comb += request.ready.eq(1)
                m.d.sync += [left.eq(request.payload), place.eq(0), refused.eq(0)]
                with m.If(request.valid):
                    m.next = "HIGH"
            with m.State("HIGH"):
                m.d.comb += request.ready.eq(1)
                m.d.sync += [left[8:].eq(request.payload), status.eq(request.payload[4:])]
                with m.If(request.valid):
                    m.next = "SEQUENCE"
                    with m.If(request.payload[4:] != STATUS["ok"]):
                        m.d.sync += refused.eq(1)
                        m.next = "LENGTH"
            with m.State("SEQUENCE"):
                m.d.comb += take.eq(1)
                m.d.sync += sequence.eq(request.payload)
                with m.If(request.valid):
                    m.next = "COMMAND"
            with m.State("COMMAND"):
                m.d.comb += take.eq(1)
                m.d.sync += command.eq(request.payload)
                with m.If(request.valid):
                    m.next = "ORDER"
            with m.State("ORDER"):
                # Is it the next frame, one whose answer is kept, or another?
                back = (expected - sequence)[:NUMBER_BITS]
                m.d.sync += head_left.eq(0)
                with m.Switch(command):
                    for entry in COMMANDS:
                        with m.Case(entry.code):
                            m.d.sync += head_left.eq(entry.head_bytes)
                with m.If(identify):
                    # Its number may be any, and so have the slot of the answer that is being sent.
                    with m.If(self.replies.ready):
                        m.next = "HEAD"
                with m.Elif(back == 0):
                    m.next = "HEAD"
                with m.Elif(back <= kept):
                    m.next = "SEND"
                with m.Else():
                    m.d.sync += [refused.eq(1), status.eq(STATUS["sequence"])]
                    m.next = "LENGTH"
            with m.State("HEAD"):
                with m.If((head_left == 0) | (left == 0)):
                    m.next = "JUDGE"
                with m.Else():
                    m.d.comb += take.eq(1)
                    with m.If(request.valid):
                        m.d.sync += [head.eq(Cat(head[8:], request.payload)), head_left.eq(head_left - 1)]
            with m.State("JUDGE"):
                m.d.sync += [
                    word.eq(field("word", block.name)),
                    lane.eq(field("lane", block.name)),
                    count.eq(field("count", block.name)),
                    expected.eq(sequence + 1),
                ]
                with m.If(identify):
                    m.d.sync += kept.eq(1)
                with m.Elif(kept != SLOTS - 1):
                    m.d.sync += kept.eq(kept + 1)
                with m.Switch(command):
                    with m.Case(*(entry.code for entry in COMMANDS)):
                        with m.If((head_left != 0) | ~acceptable):
                            m.d.sync += status.eq(STATUS["argument"])
                    with m.Default():
                        m.d.sync += status.eq(STATUS["command"])
                m.next = "LENGTH"

            # The answer: its length is written when it is known.
            with m.State("LENGTH"):
                m.d.comb += check.start.eq(1)
                m.d.sync += place.eq(1)
                m.next = "NUMBER"
            with m.State("NUMBER"):
                m.d.comb += [put.eq(1), put_data.eq(Mux(refused, expected, sequence))]
                m.next = "STATUS"
            with m.State("STATUS"):
                m.d.comb += [put.eq(1), put_data.eq(status)]
                m.d.sync += index.eq(0)
                m.next = "CRC"
                with m.If(status == STATUS["ok"]):
                    with m.Switch(command):
                        for entry in COMMANDS:
                            with m.Case(entry.code):
                                m.next = entry.name

            with m.State("identify"):
                content = protocol.identity(self.config, sizes)
                m.d.comb += [put.eq(1), put_data.eq(Array(Const(byte, 8) for byte in content)[index])]
                m.d.sync += index.eq(index + 1)
                with m.If(index == len(content) - 1):
                    finish()
            with m.State("echo"):
                m.d.comb += [take.eq(left != 0), put.eq(request.valid & (left != 0)), put_data.eq(request.payload)]
                with m.If(left == 0):
                    finish()
            with m.State("read_register"):
                value = Signal(32)
                with m.Switch(number):
                    for name, register in registers.items():
                        with m.Case(register.number):
                            m.d.comb += value.eq(self._value(m, name))
                m.d.comb += [put.eq(1), put_data.eq(value.word_select(index[:2], 8))]
                m.d.sync += index.eq(index + 1)
                with m.If(index == 3):
                    finish()
            with m.State("write_register"):
                value = field("value", "write_register")
                with m.Switch(number):
                    with m.Case(registers["key"].number):
                        m.d.comb += self.key_load.eq(1)
                    with m.Case(registers["halvings"].number):
                        m.d.sync += self._set_halvings(value)
                    with m.Case(registers["control"].number):
                        m.d.comb += [
                            self.clear_counters.eq((value & protocol.CLEAR_COUNTERS) != 0),
                            self.reset_core.eq((value & protocol.RESET) != 0),
                        ]
                        with m.If(self.reset_core):
                            m.d.sync += self.halvings.eq(0)
                finish()
            with m.State("read_weights"):
                m.d.comb += self.weights.valid.eq(1)
                with m.If(self.weights.ready):
                    m.next = "WEIGHT"
            with m.State("WEIGHT"):
                read_weight = Signal(signed(8 * weight_bytes))
                m.d.comb += [
                    read_weight.eq(self.weight_data.payload),
                    put.eq(self.weight_data.valid),
                    put_data.eq(read_weight.as_unsigned().word_select(index, 8)),
                ]
                with m.If(self.weight_data.valid):
                    m.d.sync += index.eq(index + 1)
                    with m.If(index == weight_bytes - 1):
                        m.d.comb += self.weight_data.ready.eq(1)
                        m.d.sync += [index.eq(0), lane.eq(lane + 1), count.eq(count - 1)]
                        m.next = "read_weights"
                        with m.If(count == 1):
                            finish()
            with m.State("write_weights"):
                m.d.comb += take.eq(1)
                with m.If(request.valid):
                    # What the head said has been kept, so its last bytes may be a weight's.
                    m.d.sync += [head.eq(Cat(head[8:], request.payload)), index.eq(index + 1)]
                    with m.If(index == weight_bytes - 1):
                        m.next = "PUT_WEIGHT"
            with m.State("PUT_WEIGHT"):
                m.d.comb += self.weights.valid.eq(1)
                with m.If(self.weights.ready):
                    m.d.sync += [index.eq(0), lane.eq(lane + 1), count.eq(count - 1)]
                    m.next = "write_weights"
                    with m.If(count == 1):
                        finish()
            with m.State("present"):
                if sizes.pixel_bytes == 1:
                    m.d.comb += [
                        pixel.eq(request.payload),
                        self.images.valid.eq(request.valid),
                        take.eq(self.images.ready),
                    ]
                    with m.If(self.images.valid & self.images.ready & (left == 1)):
                        m.next = "RESULT"
                else:
                    low, half = Signal(8), Signal()
                    m.d.comb += [
                        pixel.eq(Cat(low, request.payload)),
                        self.images.valid.eq(request.valid & half),
                        take.eq(self.images.ready | ~half),
                    ]
                    with m.If(request.valid & take):
                        m.d.sync += [half.eq(~half), low.eq(request.payload)]
                    with m.If(self.images.valid & self.images.ready & (left == 1)):
                        m.next = "RESULT"
            with m.State("RESULT"):
                result = Signal(8 * sizes.result_bytes)
                m.d.comb += [
                    result.eq(self.results.payload.as_value()),
                    put.eq(self.results.valid),
                    put_data.eq(result.word_select(index, 8)),
                ]
                with m.If(self.results.valid):
                    m.d.sync += index.eq(index + 1)
                    with m.If(index == sizes.result_bytes - 1):
                        m.d.comb += self.results.ready.eq(1)
                        finish()

            with m.State("CRC"):
                # The sum moves on with the byte that is put: the first half is kept by reading the second late.
                low = Signal(8)
                m.d.comb += put.eq(1)
                m.d.sync += [low.eq(check.crc[:8]), index.eq(index + 1)]
                m.d.comb += put_data.eq(Mux(index == 0, check.crc[8:], low))
                with m.If(index == CRC_BYTES - 1):
                    m.next = "STORE"
            with m.State("STORE"):
                m.d.comb += [write.addr.eq(Cat(Const(0, len(place)), slot)), put_data.eq(place - 1), write.en.eq(1)]
                m.next = "SEND"
            with m.State("SEND"):
                m.d.comb += self.replies.valid.eq(1)
                with m.If(self.replies.ready):
                    with m.If(refused):
                        m.d.sync += refusals.eq(refusals + 1)
                    m.next = "SKIP"
            with m.State("SKIP"):
                # What is left of a frame that was not executed.
                m.d.comb += take.eq(left != 0)
                with m.If(left == 0):
                    m.next = "LOW"
        return m

    def _value(self, m: Module, name: str) -> Value:
        """What a register reads as."""
        if name == "key":
            return self.key
        if name == "halvings":
            parts = [Signal(protocol.HALVING_BITS, name=f"halvings_{s}") for s in range(len(self.config.synapses))]
            m.d.comb += [part.eq(self.halvings[s]) for s, part in enumerate(parts)]
            return Cat(*parts)
        if name == "control":
            return Const(0)
        if name == "cycles" or name in COUNTERS:
            return self.counters[name]
        return self.counters.spikes[int(name.removeprefix("spikes_"))]

    def _set_halvings(self, value: Value) -> list:
        """Take the register's value."""
        bits = protocol.HALVING_BITS
        return [self.halvings[s].eq(value[bits * s : bits * (s + 1)]) for s in range(len(self.config.synapses))]


__all__ = ["Executor", "core_sizes"]
