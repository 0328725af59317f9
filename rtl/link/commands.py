"""What each command asks of its payload and does with it. `rtl.link.executor` handles the frames around it."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Array, Cat, Const, Module, Shape, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.counters import COUNTERS
from eqspike.rtl.core import Core
from eqspike.rtl.link import protocol
from eqspike.rtl.link.numbers import NumberCheck
from eqspike.rtl.link.protocol import COMMAND, COMMANDS
from eqspike.rtl.streams import Mode, counter_layout, image_layout, result_layout, weight_layout

HEAD_BYTES = max(command.head_bytes for command in COMMANDS)


def core_sizes(core: Core) -> protocol.Sizes:
    """The sizes that the protocol needs to know of a core. Raises `ConfigError` for one that it cannot serve."""
    return protocol.sizes_of(
        core.config, core.layout, core.crossbar.cell_bits, Shape.cast(result_layout(core.config)).width
    )


def head_field(head: Value, name: str, command: str) -> Value:
    """A field of fixed size of the payload's head, into whose highest byte the bytes of `command` were shifted."""
    first = 8 * (HEAD_BYTES - COMMAND[command].head_bytes)
    for entry in COMMAND[command].head:
        if entry.name == name:
            return head[first : first + 8 * entry.size]
        first += 8 * entry.size
    raise KeyError(name)


class Judge(wiring.Component):
    """Is a request such as may be executed? Combinational.

    Members: `command` (8 bits), its code; `head` (8 * HEAD_BYTES bits), its fields of fixed size; `left`, bytes of its
    payload after them; `acceptable` (1 bit): for a command that there is, its length and the numbers of its head are
    right; `numbers` (1 bit): those that follow are to be looked at as well (`rtl.link.numbers`).
    """

    def __init__(self, config: Config, sizes: protocol.Sizes) -> None:
        self.config, self.sizes = config, sizes
        self.registers = protocol.registers(len(config.network.layers))
        super().__init__(
            {
                "command": In(8),
                "head": In(8 * HEAD_BYTES),
                "left": In(range(sizes.frame + 1)),
                "acceptable": Out(1),
                "numbers": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sizes, left = self.sizes, self.left

        def field(name: str, command: str) -> Value:
            return head_field(self.head, name, command)

        block = "write_weights"
        lane, count = field("lane", block), field("count", block)
        # Only the bits that may be set are added, so that the sum is no wider than it must be.
        bits = sizes.lanes.bit_length()
        fits = (
            (field("word", block) < sizes.words)
            & (count != 0)
            & ~Cat(lane[bits:], count[bits:]).any()
            & (lane[:bits] + count[:bits] <= sizes.lanes)
        )
        writes = self.command == COMMAND["write_register"].code
        with m.Switch(self.command):
            with m.Case(COMMAND["identify"].code):
                m.d.comb += self.acceptable.eq(left == 0)
            with m.Case(COMMAND["echo"].code):
                m.d.comb += self.acceptable.eq(left <= sizes.reply)
            with m.Case(COMMAND["read_register"].code, COMMAND["write_register"].code):
                # Both commands end with the number, so it stands at the same place.
                with m.Switch(field("number", "read_register")):
                    for register in self.registers:
                        with m.Case(register.number):
                            m.d.comb += self.acceptable.eq((left == 0) & (~writes | self._may_be(register)))
            with m.Case(COMMAND["read_weights"].code):
                m.d.comb += self.acceptable.eq(fits & (field("count", block) <= sizes.read_block) & (left == 0))
            with m.Case(COMMAND["write_weights"].code):
                m.d.comb += [
                    self.acceptable.eq(fits & (left == field("count", block) * sizes.weight_bytes)),
                    self.numbers.eq(1),
                ]
            with m.Case(COMMAND["present"].code):
                m.d.comb += [
                    self.acceptable.eq(
                        (left == sizes.image_bytes)
                        & (field("label", "present") < sizes.outputs)
                        & (field("mode", "present") <= max(int(mode.value) for mode in Mode))
                    ),
                    self.numbers.eq(1),
                ]
        return m

    def _may_be(self, register: protocol.Register) -> Value:
        """May the value of `write_register` be written into this register?"""
        value = head_field(self.head, "value", "write_register")
        if register.name == "halvings":
            halved = [len(synapse.halve_at) for synapse in self.config.synapses]
            parts = [value.word_select(s, protocol.HALVING_BITS) <= most for s, most in enumerate(halved)]
            return Cat(parts).all() & ~value[protocol.HALVING_BITS * len(halved) :].any()
        if register.name == "control":
            return ~(value & ~(protocol.CLEAR_COUNTERS | protocol.RESET)).any()
        return Const(int("w" in register.access))


class RegisterReader(wiring.Component):
    """What a register reads as, byte by byte. Combinational.

    Members: `number` (8 bits), the register's; `part` (2 bits), which of its bytes, lowest first; `key` (32 bits),
    `halvings` and `counters`, from the core; `byte` (8 bits).
    """

    def __init__(self, config: Config, halvings: object) -> None:
        self.config = config
        self.registers = protocol.registers(len(config.network.layers))
        super().__init__(
            {
                "number": In(8),
                "part": In(2),
                "key": In(32),
                "halvings": In(halvings),
                "counters": In(counter_layout(config)),
                "byte": Out(8),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        read = {register.number: self._read(register.name) for register in self.registers}
        # One choice among all bytes, at their numbers: no smaller circuit was found.
        end = max(read) + 1
        values = [Signal(32, name=f"value_{number}") for number in range(end)]
        m.d.comb += [value.eq(read.get(number, 0)) for number, value in enumerate(values)]
        place = Cat(self.part, self.number[: (end - 1).bit_length()])
        m.d.comb += self.byte.eq(Cat(values).word_select(place, 8))
        return m

    def _read(self, name: str) -> Value:
        if name == "key":
            return self.key
        if name == "halvings":
            width = protocol.HALVING_BITS
            return Cat(Cat(self.halvings[s], Const(0, width))[:width] for s in range(len(self.config.synapses)))
        if name == "control":
            return Const(0)
        if name == "cycles" or name in COUNTERS:
            return self.counters[name]
        return self.counters.spikes[int(name.removeprefix("spikes_"))]


class Commands(wiring.Component):
    """The commands' part of the executor, which is built on it: ports to the core, and the states in which a command
    takes the rest of its payload and gives its answer, from the state named like the command to `CRC`.

    The ports `images`, `results`, `weights`, `weight_data`, `halvings`, `key_load`, `key_data`, `key`, `clear_counters`
    and `counters` are those of the core; `reset_core` (1 bit) resets it. `requests` (stream of bytes) are the frames.
    """

    def __init__(self, core: Core, ports: dict[str, object]) -> None:
        self.config = core.config
        self.sizes = core_sizes(core)
        halvings = core.crossbar.halvings.shape()
        self.judge = Judge(core.config, self.sizes)
        self.numbers = NumberCheck(core.config, core.layout, self.sizes)
        self.reader = RegisterReader(core.config, halvings)
        self.registers = {register.name: register for register in self.reader.registers}
        # The request.
        self.left = Signal(range(self.sizes.frame + 1))
        """Bytes of the request not read yet; after the header, those of its payload."""
        self.take = Signal()
        """Take a byte of the payload."""
        self.command = Signal(8)
        self.head = Signal(8 * HEAD_BYTES)
        """The payload's fields of fixed size; the last byte is the highest."""
        self.word, self.lane, self.count = Signal(16), Signal(16), Signal(8)
        """Where a block of weights stands: the lane that is next, and how many are left."""
        # The answer.
        self.put, self.put_data, self.done = Signal(), Signal(8), Signal()
        """Write a byte of the answer, which stays until it is `done`."""
        self.index = Signal(range(max(self.sizes.reply, 4) + 1))
        """Byte of a number or of the answer."""
        super().__init__(
            {
                "requests": In(stream.Signature(8)),
                "images": Out(stream.Signature(image_layout(core.config))),
                "results": In(stream.Signature(result_layout(core.config))),
                "weights": Out(stream.Signature(weight_layout(core.crossbar))),
                "weight_data": In(stream.Signature(signed(core.crossbar.cell_bits))),
                "halvings": Out(halvings),
                "key_load": Out(1),
                "key_data": Out(32),
                "key": In(32),
                "clear_counters": Out(1),
                "counters": In(counter_layout(core.config)),
                "reset_core": Out(1),
                **ports,
            }
        )

    def _field(self, name: str, command: str) -> Value:
        return head_field(self.head, name, command)

    def _connect_commands(self, m: Module) -> None:
        """Fields by name, whichever command they came with: those of the same name stand at the same place."""
        m.submodules.judge, m.submodules.reader = judge, reader = self.judge, self.reader
        m.submodules.numbers = self.numbers
        self.pixel = Signal(8 * self.sizes.pixel_bytes)
        m.d.comb += [
            self.weights.payload.word.eq(self.word),
            self.weights.payload.lane.eq(self.lane),
            self.weights.payload.data.eq(self.head[8 * (HEAD_BYTES - self.sizes.weight_bytes) :]),
            self.weights.payload.write.eq(self.command == COMMAND["write_weights"].code),
            self.images.payload.mode.eq(self._field("mode", "present")),
            self.images.payload.label.eq(self._field("label", "present")),
            self.images.payload.pixel.eq(self.pixel),
            self.key_data.eq(self._field("value", "write_register")),
            judge.command.eq(self.command),
            judge.head.eq(self.head),
            judge.left.eq(self.left),
            self.numbers.word.eq(self._field("word", "write_weights")),
            self.numbers.lane.eq(self._field("lane", "write_weights")),
            self.numbers.pixels.eq(self.command == COMMAND["present"].code),
            self.numbers.bytes.payload.eq(self.requests.payload),
            reader.number.eq(self._field("number", "read_register")),
            reader.part.eq(self.index),
            reader.key.eq(self.key),
            reader.halvings.eq(self.halvings),
            reader.counters.eq(self.counters),
        ]

    def _states(self) -> tuple[Callable[[Module], None], ...]:
        """What adds the states of each command to the executor's machine, in the order of `protocol.COMMANDS`."""
        return (
            self._identify, self._echo, self._read_register, self._write_register, self._read_weights,
            self._write_weights, self._present,
        )  # fmt: skip

    def _finish(self, m: Module) -> None:
        """The answer's payload is whole."""
        m.d.sync += self.index.eq(0)
        m.next = "CRC"

    def _next_byte(self, m: Module, last: Value) -> None:
        """On to the next byte of the payload, when this one is written; it may have been the last."""
        with m.If(self.done):
            m.d.sync += self.index.eq(self.index + 1)
            with m.If(last):
                self._finish(m)

    def _next_weight(self, m: Module, state: str) -> None:
        """On to the next lane of the block, in this state, or to the end."""
        m.d.sync += [self.index.eq(0), self.lane.eq(self.lane + 1), self.count.eq(self.count - 1)]
        m.next = state
        with m.If(self.count == 1):
            self._finish(m)

    def _identify(self, m: Module) -> None:
        with m.State("identify"):
            content = protocol.identity(self.config, self.sizes)
            m.d.comb += [self.put.eq(1), self.put_data.eq(Array(Const(byte, 8) for byte in content)[self.index])]
            self._next_byte(m, self.index == len(content) - 1)

    def _echo(self, m: Module) -> None:
        with m.State("echo"):
            m.d.comb += [
                self.take.eq((self.left != 0) & self.done),
                self.put.eq(self.requests.valid & (self.left != 0)),
                self.put_data.eq(self.requests.payload),
            ]
            with m.If(self.left == 0):
                self._finish(m)

    def _read_register(self, m: Module) -> None:
        with m.State("read_register"):
            m.d.comb += [self.put.eq(1), self.put_data.eq(self.reader.byte)]
            self._next_byte(m, self.index == 3)

    def _write_register(self, m: Module) -> None:
        value, bits = self._field("value", "write_register"), protocol.HALVING_BITS
        with m.State("write_register"):
            with m.Switch(self._field("number", "read_register")):
                with m.Case(self.registers["key"].number):
                    m.d.comb += self.key_load.eq(1)
                with m.Case(self.registers["halvings"].number):
                    m.d.sync += [
                        self.halvings[s].eq(value[bits * s : bits * (s + 1)]) for s in range(len(self.config.synapses))
                    ]
                with m.Case(self.registers["control"].number):
                    m.d.comb += [
                        self.clear_counters.eq((value & protocol.CLEAR_COUNTERS) != 0),
                        self.reset_core.eq((value & protocol.RESET) != 0),
                    ]
                    with m.If(self.reset_core):
                        m.d.sync += self.halvings.eq(0)
            self._finish(m)

    def _read_weights(self, m: Module) -> None:
        with m.State("read_weights"):
            m.d.comb += self.weights.valid.eq(1)
            with m.If(self.weights.ready):
                m.next = "WEIGHT"
        with m.State("WEIGHT"):
            weight = Signal(signed(8 * self.sizes.weight_bytes))
            m.d.comb += [
                weight.eq(self.weight_data.payload),
                self.put.eq(self.weight_data.valid),
                self.put_data.eq(weight.as_unsigned().word_select(self.index, 8)),
            ]
            with m.If(self.done):
                m.d.sync += self.index.eq(self.index + 1)
                with m.If(self.index == self.sizes.weight_bytes - 1):
                    m.d.comb += self.weight_data.ready.eq(1)
                    self._next_weight(m, "read_weights")

    def _write_weights(self, m: Module) -> None:
        request = self.requests
        with m.State("write_weights"):
            m.d.comb += self.take.eq(1)
            with m.If(request.valid):
                # What the head said has been kept, so its last bytes may be a weight's.
                m.d.sync += [self.head.eq(Cat(self.head[8:], request.payload)), self.index.eq(self.index + 1)]
                with m.If(self.index == self.sizes.weight_bytes - 1):
                    m.next = "PUT_WEIGHT"
        with m.State("PUT_WEIGHT"):
            m.d.comb += self.weights.valid.eq(1)
            with m.If(self.weights.ready):
                self._next_weight(m, "write_weights")

    def _present(self, m: Module) -> None:
        request, images = self.requests, self.images
        with m.State("present"):
            if self.sizes.pixel_bytes == 1:
                m.d.comb += [
                    self.pixel.eq(request.payload),
                    images.valid.eq(request.valid),
                    self.take.eq(images.ready),
                ]
            else:
                low, half = Signal(8), Signal()
                m.d.comb += [
                    self.pixel.eq(Cat(low, request.payload)),
                    images.valid.eq(request.valid & half),
                    self.take.eq(images.ready | ~half),
                ]
                with m.If(request.valid & self.take):
                    m.d.sync += [half.eq(~half), low.eq(request.payload)]
            with m.If(images.valid & images.ready & (self.left == 1)):
                m.next = "RESULT"
        with m.State("RESULT"):
            result = Signal(8 * self.sizes.result_bytes)
            m.d.comb += [
                result.eq(self.results.payload.as_value()),
                self.put.eq(self.results.valid),
                self.put_data.eq(result.word_select(self.index, 8)),
            ]
            last = self.index == self.sizes.result_bytes - 1
            m.d.comb += self.results.ready.eq(self.done & last)
            self._next_byte(m, last)


__all__ = ["Commands", "Judge", "RegisterReader", "core_sizes"]
