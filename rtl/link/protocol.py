"""What host and chip say to each other: frames, commands, registers and error codes, once for both sides.

The gateware decodes by it (`rtl.link.executor`), the host speaks by it (`fpga.line`, `fpga.host`), and
docs/host-link.md is written from it (`fpga.link_page`). Plain Python.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from eqspike.base.reading import sha256
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_to_dict
from eqspike.golden.counters import COUNTERS
from eqspike.golden.modes import INFER, INFER_FIRST_SPIKE, LEARN
from eqspike.golden.number import fixed_numbers
from eqspike.golden.validation import ConfigError
from eqspike.rtl.layout import Layout

VERSION = 3
"""Changes whenever one side could no longer understand the other."""

SLOTS = 8
"""Answers that the chip keeps, by the lowest bits of their sequence number."""
WINDOW = SLOTS - 1
"""Requests that may wait for their answer: an answer that is being sent again stays whole while the next is made."""
CRC_BYTES = 4
"""CRC-32, that of zlib and Ethernet, lowest byte first. It ends with an inversion, so that zeros behind a frame, or one
that is missing there, change it; and one damaged frame in 2^32 has a right one, where 16 bits leave one in 2^16."""
OVERHEAD = 2 + CRC_BYTES
"""Bytes of a frame beside its payload: sequence number, command or status, and the CRC."""
SMALLEST_SLOT, LARGEST_SLOT = 32, 128
"""Bytes of the memory of one answer, at least and at most: a frame's length and the frame. COBS encodes so much without
a second look."""
HEADER = 2
"""Bytes that a frame takes in the chip's buffer beside its own."""


@dataclass(frozen=True)
class Field:
    """A part of a payload. Numbers are unsigned, lowest byte first, unless `meaning` says otherwise."""

    name: str
    size: int | None
    """Bytes; None: what is left, as `meaning` says."""
    meaning: str


@dataclass(frozen=True)
class Command:
    """A request and its answer."""

    code: int
    name: str
    meaning: str
    request: tuple[Field, ...] = ()
    reply: tuple[Field, ...] = ()

    @property
    def head(self) -> tuple[Field, ...]:
        """The fields of fixed size that the request begins with."""
        return tuple(field for field in self.request if field.size is not None)

    @property
    def head_bytes(self) -> int:
        """Their size."""
        return sum(field.size for field in self.head)


_PLACE = (
    Field("word", 2, "word of the weight memory, as rtl/layout.py places the weights"),
    Field("lane", 2, "lane of the first weight"),
    Field("count", 1, "weights, in lanes that follow each other; they must lie within the word"),
)

IDENTITY = (
    Field("version", 1, "of this protocol"),
    Field("config", 8, "hash of what the chip was built for: network, arithmetic, learning (rtl/link/protocol.py)"),
    Field("inputs", 2, "input neurons: pixels of an image"),
    Field("outputs", 2, "output neurons"),
    Field("lanes", 2, "lanes of the core: with the banks they say where weights stand"),
    Field("banks", 1, "memories that the rows of inputs are spread over"),
    Field("words", 2, "words of the weight memory"),
    Field("weight_bits", 1, "of a weight in that memory, with its accumulator, if there are any, below it"),
    Field("frame", 2, "bytes of the longest frame that is taken, before COBS, CRC included"),
    Field("buffer", 2, "bytes of the buffer of requests"),
)

COMMANDS = (
    Command(
        0x01,
        "identify",
        "Who are you? Taken with any sequence number, from which the following requests count on; so a host begins "
        "with it, when no other request of its is on the way. With a payload it begins nothing: it is answered "
        "`argument`, with its own number, which is used up only if it was the one that the chip waits for.",
        reply=IDENTITY,
    ),
    Command(
        0x02,
        "echo",
        "Self-test of the link: the answer is the request's payload.",
        (Field("data", None, "any bytes, no more than an answer holds"),),
        (Field("data", None, "the same"),),
    ),
    Command(
        0x03,
        "read_register",
        "Read a register.",
        (Field("number", 1, "of the register"),),
        (Field("value", 4, "its value"),),
    ),
    Command(
        0x04,
        "write_register",
        "Write a register.",
        (Field("value", 4, "its new value"), Field("number", 1, "of the register")),
    ),
    Command(
        0x05,
        "read_weights",
        "Read neighbouring weights of a word.",
        _PLACE,
        (Field("weights", None, "signed, each of as many bytes as its bits need"),),
    ),
    Command(
        0x06,
        "write_weights",
        "Write neighbouring weights of a word: all of them, or none when one may not be.",
        (
            *_PLACE,
            Field(
                "weights",
                None,
                "signed, each of as many bytes as `weight_bits` need, in the range of its layer's bits; 0 where a lane "
                "has no neuron",
            ),
        ),
    ),
    Command(
        0x07,
        "present",
        "Present an image. The answer comes when the chip is done with it.",
        (
            Field("mode", 1, f"{INFER}: infer; {LEARN}: learn; {INFER_FIRST_SPIKE}: infer until the first spike"),
            Field("label", 2, "the output that is right; any output when the chip does not learn"),
            Field(
                "pixels",
                None,
                "one for each input, 0 to input.full_scale, each of one byte, or two where full_scale needs them",
            ),
        ),
        (Field("result", None, "the bits of the core's result (rtl.streams.result_layout), lowest first"),),
    ),
)
COMMAND = {command.name: command for command in COMMANDS}


@dataclass(frozen=True)
class Status:
    """How a request ended."""

    code: int
    name: str
    meaning: str


STATUSES = (
    Status(0, "ok", "It was done."),
    Status(1, "damaged", "COBS or CRC is wrong: what stands between two delimiters is no frame."),
    Status(2, "length", "Shorter or longer than any frame."),
    Status(3, "overflow", "There was no room for it in the buffer: too many requests on the way."),
    Status(4, "sequence", "A whole frame, but not the next one: an earlier one is missing."),
    Status(5, "command", "There is no such command."),
    Status(6, "argument", "The command is known, but not with this payload: its length or a number in it is wrong."),
)
STATUS = {status.name: status.code for status in STATUSES}
REFUSED = tuple(status.name for status in STATUSES if 1 <= status.code <= 4)
"""These answer no request: their sequence number is that of the request that the chip waits for."""


@dataclass(frozen=True)
class Register:
    """A register of 32 bits."""

    number: int
    name: str
    access: str
    """r, w or rw."""
    reset: str
    meaning: str


HALVING_BITS = 4
FIRST_COUNTER, FIRST_SPIKES = 16, 32
CLEAR_COUNTERS, RESET = 1, 2
"""Bits of the register `control`."""

_COUNTER_MEANINGS = {
    "cycles": "clock cycles in which the core had an image",
    "steps": "steps",
    "synops": "spikes through synapses",
    "programming_pulses": "synapses programmed",
    "membrane_saturations": "membranes that met an end of their range",
    "weight_saturations": "weights that met an end of their range",
    "nudged": "learned images with a nudge phase",
    "skipped": "learned images without one",
    "images": "images",
}


def registers(layers: int | None = None) -> tuple[Register, ...]:
    """All registers of a network of so many layers; None: for the documentation, with one entry for all layers."""
    fixed = (
        Register(0, "key", "rw", "the seed's", "place in the stream of random draws; moves on with each image learned"),
        Register(
            1, "halvings", "rw", "0",
            f"how often each synapse layer's learning rate has been halved, {HALVING_BITS} bits a layer, input side "
            "first; no more than the config halves it, and 0 above the last layer",
        ),
        Register(
            2, "control", "w", "-",
            "1: zero the counters; 2: reset the core and the registers (weights keep their values); 3: both; 0: "
            "nothing. Reads as 0",
        ),
    )  # fmt: skip
    counters = tuple(
        Register(FIRST_COUNTER + i, name, "r", "0", f"counter: {_COUNTER_MEANINGS[name]}")
        for i, name in enumerate(("cycles", *COUNTERS))
    )
    if layers is None:
        last: tuple[Register, ...] = (
            Register(FIRST_SPIKES, "spikes", "r", "0", "counter: spikes of the inputs; layer l stands l numbers on"),
        )
    else:
        last = tuple(
            Register(FIRST_SPIKES + layer, f"spikes_{layer}", "r", "0", f"counter: spikes of layer {layer}")
            for layer in range(layers)
        )
    return (*fixed, *counters, *last)


def bytes_of(bits: int) -> int:
    """Whole bytes for so many bits."""
    return -(-bits // 8)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What follows from a config and its lanes."""

    inputs: int
    outputs: int
    lanes: int
    banks: int
    words: int
    weight_bits: int
    result_bits: int
    pixel_bits: int

    @property
    def weight_bytes(self) -> int:
        """Bytes of a weight."""
        return bytes_of(self.weight_bits)

    @property
    def pixel_bytes(self) -> int:
        """Bytes of a pixel."""
        return bytes_of(self.pixel_bits)

    @property
    def result_bytes(self) -> int:
        """Bytes of a result."""
        return bytes_of(self.result_bits)

    @property
    def image_bytes(self) -> int:
        """Bytes of an image's pixels."""
        return self.inputs * self.pixel_bytes

    @property
    def slot(self) -> int:
        """Bytes of the memory of one answer, a power of two: its length, then the frame."""
        return max(SMALLEST_SLOT, 1 << (self.result_bytes + OVERHEAD).bit_length())

    @property
    def reply(self) -> int:
        """Bytes of an answer's payload at most."""
        return self.slot - 1 - OVERHEAD

    @property
    def read_block(self) -> int:
        """Weights that one answer holds at most."""
        return self.reply // self.weight_bytes

    @property
    def write_block(self) -> int:
        """Weights that one request holds at most."""
        return min(self.lanes, 255)

    @property
    def frame(self) -> int:
        """Bytes of the longest frame."""
        present = COMMAND["present"].head_bytes + self.image_bytes
        write = COMMAND["write_weights"].head_bytes + self.write_block * self.weight_bytes
        return OVERHEAD + max(present, write, self.reply)

    @property
    def buffer(self) -> int:
        """Bytes of the buffer of requests, a power of two: two of the longest frames at least, and 512."""
        return max(512, 1 << (2 * (self.frame + HEADER)).bit_length())

    def check(self) -> None:
        """Raise `ConfigError` for a network that the link cannot carry."""
        if self.slot > LARGEST_SLOT:
            largest = LARGEST_SLOT - 1 - OVERHEAD
            raise ConfigError(
                f"network.layers: the host link carries results of up to {largest} bytes, not {self.result_bytes}"
            )
        if max(self.words, self.buffer) > 1 << 16 or self.frame >= 1 << 12:
            raise ConfigError("network.layers: too large for the host link: 2,048 inputs, 65,535 words of weights")


SECTIONS = (
    "network", "input", "neuron", "rate", "pulse", "learning", "synapses", "programming", "device", "number",
)  # fmt: skip
"""Sections of a config that the circuit is made from."""


def config_hash(config: Config) -> bytes:
    """8 bytes that name the circuit's behaviour: equal for chip and host when their weights will be the same.

    Seed, data set, lanes and banks are not part of it: the host sets the first two, the chip tells the others. Where
    devices are drawn from training.seed, that seed is.
    """
    plain = config_to_dict(config)
    data = {name: plain[name] for name in SECTIONS}
    for synapse in data["synapses"]:
        # The host applies the schedule and writes the weights; the circuit knows neither.
        synapse.pop("init", None)
    if config.device.file:
        data["device"]["file"] = sha256(config.device.file)
    if config.device.seed is None and not (config.device.ideal and config.neuron.gain_spread == 0):
        data["seed"] = config.training.seed
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).digest()[:8]


def pack_fields(fields: tuple[Field, ...], values: Mapping[str, int | bytes]) -> bytes:
    """A payload; numbers lowest byte first, bytes as they are."""
    out = b""
    for field in fields:
        value = values[field.name]
        out += value if isinstance(value, bytes) else value.to_bytes(field.size, "little")
    return out


def unpack_fields(fields: tuple[Field, ...], payload: bytes) -> dict[str, int]:
    """Numbers of a payload of fields of fixed size. Raises ValueError when it has another length."""
    if len(payload) != sum(field.size for field in fields):
        raise ValueError(f"{len(payload)} bytes, not {sum(field.size for field in fields)}")
    out, offset = {}, 0
    for field in fields:
        out[field.name] = int.from_bytes(payload[offset : offset + field.size], "little")
        offset += field.size
    return out


def identity(config: Config, sizes: Sizes) -> bytes:
    """Payload of the answer to `identify`."""
    own = {field.name: getattr(sizes, field.name) for field in IDENTITY if hasattr(sizes, field.name)}
    values = own | {"version": VERSION, "config": config_hash(config), "buffer": sizes.buffer & 0xFFFF}
    return pack_fields(IDENTITY, values)


def sizes_of(config: Config, layout: Layout, weight_bits: int, result_bits: int) -> Sizes:
    """The sizes of a core; checked."""
    sizes = Sizes(
        inputs=config.network.layers[0], outputs=config.network.layers[-1], lanes=layout.lanes, banks=layout.banks,
        words=layout.words, weight_bits=weight_bits, result_bits=result_bits,
        pixel_bits=fixed_numbers(config).pixel_bits,
    )  # fmt: skip
    sizes.check()
    if len(config.network.layers) > 9:
        raise ConfigError("network.layers: the host link carries the learning rates of 8 synapse layers")
    return sizes


__all__ = [
    "CLEAR_COUNTERS",
    "COMMAND",
    "COMMANDS",
    "CRC_BYTES",
    "FIRST_COUNTER",
    "FIRST_SPIKES",
    "HALVING_BITS",
    "HEADER",
    "IDENTITY",
    "LARGEST_SLOT",
    "OVERHEAD",
    "REFUSED",
    "RESET",
    "SLOTS",
    "SMALLEST_SLOT",
    "STATUS",
    "STATUSES",
    "VERSION",
    "WINDOW",
    "Command",
    "Field",
    "Register",
    "Sizes",
    "Status",
    "bytes_of",
    "config_hash",
    "identity",
    "pack_fields",
    "registers",
    "sizes_of",
    "unpack_fields",
]  # fmt: skip
