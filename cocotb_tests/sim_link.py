"""cocotb: the link and the core behind it, byte by byte, against a model of the protocol around the golden network.

Whole frames, and everything else that may come over a line: damaged, cut, too long, unknown, repeated and forgotten
frames, frames that run into each other, noise. Every answer is known beforehand, so is every answer that must not come.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

import cocotb
from amaranth.lib import wiring
from cobs import cobs

from cocotb_tests import networks
from cocotb_tests.bench import Bench, config_data
from eqspike.fpga.framing import decode, encode
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.data import load_split
from eqspike.golden.modes import INFER, INFER_FIRST_SPIKE, LEARN
from eqspike.golden.network import Network
from eqspike.rtl.bits import Codec
from eqspike.rtl.link import protocol
from eqspike.rtl.link.link import Link
from eqspike.rtl.link.protocol import COMMAND, SLOTS, STATUS
from eqspike.rtl.streams import result_layout
from eqspike.sim import harness

JOBS = {
    "mixed": {"config": config_data(**networks.TINY), "seed": 940, "frames": 300, "bytes": 10_000},
    "rushed": {
        "config": config_data(**networks.TINY),
        "seed": 942, "frames": 220, "bytes": 100, "rushed": 0.9, "sent": 0.2,
    },
    # Pixels of two bytes.
    "wide": {
        "config": config_data(**networks.TINY | {"input": {"full_scale": 1024}}),
        "seed": 941, "frames": 60, "bytes": 1000,
    },
}  # fmt: skip
FUZZ = {**JOBS["mixed"], "seed": 950, "frames": 11_000, "bytes": 1_000_000}
"""The long one: 10,000 damaged frames with whole ones between, and 1,000,000 bytes of noise."""


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return Link(config_from_dict(job["config"]))


class Chip:
    """What the chip must answer: the protocol as docs/host-link.md has it, and the golden network."""

    def __init__(self, config: Config, link: Link) -> None:
        self.config, self.sizes = config, link.sizes
        self.network = Network(config)
        self.layout = link.core.layout
        self.places = {(word, lane): (s, row, column) for s, row, column, word, lane in self.layout.places()}
        self.expected, self.kept = 0, {}
        self.halvings = 0
        self.codec = Codec(result_layout(config))
        self.registers = {r.number: r for r in protocol.registers(len(config.network.layers))}
        self.network.load_weights([0 * w for w in self.network.weights])
        self.seen: Counter[str] = Counter()

    def answer(self, encoded: bytes) -> bytes | None:
        """The answer (not encoded) to what stands between two delimiters."""
        if not encoded:
            return None
        try:
            frame = cobs.decode(encoded)
        except cobs.DecodeError:
            return self._refuse("damaged")
        if not protocol.OVERHEAD <= len(frame) <= self.sizes.frame:
            return self._refuse("length")
        found = decode(encoded)
        if found is None:
            return self._refuse("damaged")
        # One with a payload begins nothing: out of turn it is told so and forgotten.
        identify = found.code == COMMAND["identify"].code and not found.payload
        back = (self.expected - found.number) & 0xFF
        if back and not identify and found.code == COMMAND["identify"].code:
            self.seen["identify with a payload"] += 1
            return bytes([found.number, STATUS["argument"]])
        if back and not identify:
            if back in self.kept and back < SLOTS:
                self.seen["repeated"] += 1
                return self.kept[back]
            return self._refuse("sequence")
        status, payload = self._execute(found.code, found.payload)
        self.expected = (found.number + 1) & 0xFF
        self.seen[protocol.STATUSES[status].name] += 1
        older = {} if identify else {age + 1: answer for age, answer in self.kept.items() if age + 1 < SLOTS}
        answer = bytes([found.number, status]) + payload
        self.kept = older | {1: answer}
        return answer

    def _refuse(self, name: str) -> bytes:
        self.seen[name] += 1
        return bytes([self.expected, STATUS[name]])

    def _execute(self, code: int, payload: bytes) -> tuple[int, bytes]:
        wrong = STATUS["argument"], b""
        command = next((c for c in protocol.COMMANDS if c.code == code), None)
        if command is None:
            return STATUS["command"], b""
        if len(payload) < command.head_bytes:
            return wrong
        head = protocol.unpack_fields(command.head, payload[: command.head_bytes])
        rest = payload[command.head_bytes :]
        found = getattr(self, f"_{command.name}")(rest, **head)
        return wrong if found is None else (0, found)

    def _identify(self, rest: bytes) -> bytes | None:
        return None if rest else protocol.identity(self.config, self.sizes)

    def _echo(self, rest: bytes) -> bytes | None:
        return rest if len(rest) <= self.sizes.reply else None

    def _read_register(self, rest: bytes, number: int) -> bytes | None:
        if rest or number not in self.registers:
            return None
        name = self.registers[number].name
        counters = self.network.counter_values()
        value = {"key": self.network.key, "halvings": self.halvings, "control": 0}.get(name, counters.get(name))
        if name.startswith("spikes_"):
            value = counters["spikes"][int(name.removeprefix("spikes_"))]
        return value.to_bytes(4, "little")

    def _write_register(self, rest: bytes, number: int, value: int) -> bytes | None:
        if rest or number not in self.registers or "w" not in self.registers[number].access:
            return None
        name = self.registers[number].name
        if name == "key":
            self.network.key = value
        elif name == "halvings":
            bits, synapses = protocol.HALVING_BITS, self.config.synapses
            halved = [value >> (bits * s) & ((1 << bits) - 1) for s in range(len(synapses))]
            if value >> (bits * len(synapses)) or any(
                h > len(synapse.halve_at) for h, synapse in zip(halved, synapses, strict=True)
            ):
                return self._wrong_number()
            # Both layers follow the golden model's schedule together: the stimulus writes no other.
            self.halvings = value
            self.network.set_epoch(halved[0])
        elif value & ~(protocol.CLEAR_COUNTERS | protocol.RESET):
            return self._wrong_number()
        else:
            if value & protocol.CLEAR_COUNTERS or value & protocol.RESET:
                self.network.clear_counters()
            if value & protocol.RESET:
                self.network.key = Network(self.config).key
                self.halvings = 0
                self.network.set_epoch(0)
        return b""

    def _wrong_number(self) -> None:
        self.seen["wrong number"] += 1

    def _fits(self, word: int, lane: int, count: int) -> bool:
        return word < self.sizes.words and count >= 1 and lane + count <= self.sizes.lanes

    def _read_weights(self, rest: bytes, word: int, lane: int, count: int) -> bytes | None:
        if rest or not self._fits(word, lane, count) or count > self.sizes.read_block:
            return None
        values = []
        for at in range(lane, lane + count):
            s, row, column = self.places.get((word, at), (None, 0, 0))
            values.append(0 if s is None else int(self.network.weights[s][row, column]))
        return b"".join(v.to_bytes(self.sizes.weight_bytes, "little", signed=True) for v in values)

    def _write_weights(self, rest: bytes, word: int, lane: int, count: int) -> bytes | None:
        size = self.sizes.weight_bytes
        if not self._fits(word, lane, count) or len(rest) != count * size:
            return None
        weights = [w.copy() for w in self.network.weights]
        for i in range(count):
            place = self.places.get((word, lane + i))
            value = int.from_bytes(rest[i * size : (i + 1) * size], "little", signed=True)
            if place:
                weights[place[0]][place[1:]] = value
            elif value:
                return self._wrong_number()
        try:
            self.network.load_weights(weights)
        except ValueError:
            return self._wrong_number()
        return b""

    def _present(self, rest: bytes, mode: int, label: int) -> bytes | None:
        size = self.sizes.pixel_bytes
        if mode > 2 or label >= self.sizes.outputs or len(rest) != self.sizes.image_bytes:
            return None
        image = [int.from_bytes(rest[i : i + size], "little") for i in range(0, len(rest), size)]
        if max(image) > self.config.input.full_scale:
            return self._wrong_number()
        result = self.network.present(image, label, mode)
        self.seen["presented"] += 1
        return self.result(
            {
                "prediction": int(result.prediction), "nudged": int(result.nudged),
                "counts": [int(c) for c in result.counts],
                "first_valid": int(result.first_spike >= 0), "first_spike": max(0, int(result.first_spike)),
                "first_step": max(0, int(result.first_spike_step)),
            }
        )  # fmt: skip

    def result(self, fields: dict) -> bytes:
        """A result's bytes; those fields that mean nothing are 0."""
        if not fields["first_valid"]:
            fields = fields | {"first_spike": 0, "first_step": 0}
        return self.codec.pack(fields).to_bytes(self.sizes.result_bytes, "little")


class Stimulus:
    """What the line brings: pieces that end with a delimiter each."""

    def __init__(self, bench: Bench, chip: Chip, job: dict) -> None:
        self.bench, self.random, self.chip = bench, bench.random, chip
        part = load_split(chip.config)
        self.wrongs = 0
        self.images, self.labels = part.train_images, part.train_labels
        self.job = job
        self.hurt = 0
        """Damaged frames so far."""
        self.past: deque[bytes] = deque(maxlen=SLOTS - 1)

    def pieces(self) -> object:
        """All pieces. The chip has answered each before the next is asked for, in the model."""
        random, chip = self.random, self.chip
        yield self.whole("identify", sequence=random.randrange(256))
        # A frame of version 2 of the protocol, as it was and with a zero behind it, which that did not see.
        yield bytes.fromhex("08450261626353 8d 00")
        yield bytes.fromhex("08450261626353 8d 01 00")
        # And one of this version.
        yield self.whole(rest=b"abc")[:-1] + b"\1\0"
        for word in range(chip.sizes.words):
            yield self.write(word)
        for value in (protocol.CLEAR_COUNTERS, protocol.RESET):
            # What each bit of `control` does, and what it leaves.
            for number, content in ((0, 12345), (1, 0x11), (2, value)):
                yield self.whole("write_register", number=number, value=content)
            for number in (0, 1, 2):
                yield self.whole("read_register", number=number)
        for _ in self.wrong_requests():
            yield self.wrong()
        frames = self.job["frames"]
        for _ in range(frames):
            good = self.request()
            for _ in range(random.choice([0, 1, 1, 2])):
                self.hurt += 1
                yield self.damaged()
            yield good
            self.past.append(good)
            if random.random() < 0.2:
                again = random.choice(self.past)
                yield again
                if random.random() < self.job.get("rushed", 0):
                    # A host begins anew while its slot's answer is on the way a second time.
                    yield self.whole("identify", sequence=decode(again[:-1]).number + 8 * random.randrange(32) & 0xFF)
            if random.random() < 0.1:
                yield self.whole(sequence=(chip.expected + random.randint(1, 200)) & 0xFF)
        left = self.job["bytes"]
        while left > 0:
            # Noise, in pieces that may hold a frame's beginning or end.
            length = min(left, int(random.expovariate(1 / 60)) + 1)
            noise = bytes(random.randint(0, 255) for _ in range(length))
            if random.random() < 0.2:
                noise += self.request()[:-1] if random.random() < 0.5 else self.request()[: random.randint(1, 9)]
            *parts, last = noise.split(b"\0")
            for part in (*parts, last):
                left -= len(part) + 1
                yield part + b"\0"
                if random.random() < 0.05:
                    yield self.request()
        # What all this has left of the chip's state.
        for word in range(chip.sizes.words):
            yield self.whole("read_weights", word=word, lane=0, count=chip.sizes.lanes)
        for number, register in chip.registers.items():
            if register.name != "cycles":
                yield self.whole("read_register", number=number)

    def whole(self, name: str | None = None, sequence: int | None = None, rest: bytes = b"", **fields: int) -> bytes:
        """A frame; its sequence number is the next one unless told. Without a name, an echo."""
        command = COMMAND[name or "echo"]
        payload = protocol.pack_fields(command.head, fields) + rest
        return encode(self.chip.expected if sequence is None else sequence, command.code, payload)

    def write(self, word: int) -> bytes:
        """Random weights into a word."""
        chip, random = self.chip, self.random
        values = []
        for lane in range(chip.sizes.lanes):
            place = chip.places.get((word, lane))
            half = 1 << (chip.config.synapses[place[0]].bits - 1) if place else 0
            values.append(random.randint(-half, half - 1) if place else 0)
        raw = b"".join(v.to_bytes(chip.sizes.weight_bytes, "little", signed=True) for v in values)
        return self.whole("write_weights", rest=raw, word=word, lane=0, count=len(values))

    def request(self) -> bytes:
        """A whole frame, whose request may be wrong."""
        random, sizes = self.random, self.chip.sizes
        kind = random.random()
        if kind < 0.2:
            at = random.randrange(len(self.labels))
            # The data set's pixels are 0..16, also where full_scale is more.
            image = b"".join(int(p).to_bytes(sizes.pixel_bytes, "little") for p in self.images[at])
            mode = random.choice([LEARN, LEARN, INFER, INFER_FIRST_SPIKE])
            return self.whole("present", rest=image, mode=mode, label=int(self.labels[at]))
        if kind < 0.35:
            return self.write(random.randrange(sizes.words))
        if kind < 0.5:
            count = random.randint(1, sizes.lanes)
            lane = random.randint(0, sizes.lanes - count)
            return self.whole("read_weights", word=random.randrange(sizes.words), lane=lane, count=count)
        if kind < 0.6:
            names = {r.name: n for n, r in self.chip.registers.items() if r.name != "cycles"}
            return self.whole("read_register", number=random.choice(list(names.values())))
        if kind < 0.7:
            value = random.choice([0, 1, 2, 3]) if random.random() < 0.5 else random.getrandbits(32)
            number = random.choice([0, 1, 2])
            # Both layers follow the golden model's schedule together.
            value = random.choice([0, 0x11]) if number == 1 else value or 1
            return self.whole("write_register", number=number, value=value)
        if kind < 0.8:
            return self.whole(
                rest=bytes(random.choice([0, random.getrandbits(8)]) for _ in range(random.randint(0, sizes.reply)))
            )
        if kind < 0.83:
            return self.whole("identify", sequence=random.randrange(256))
        if kind < 0.86:
            # Codes beside those that there are, and any other.
            code = random.choice([0, 8, 255, random.randint(8, 255)])
            return encode(self.chip.expected, code, bytes(random.randint(0, 9)))
        return self.wrong()

    def wrong(self) -> bytes:
        """The next of the whole frames that ask for what cannot be: each in its turn, so that none is left out."""
        choices = self.wrong_requests()
        self.wrongs += 1
        return choices[self.wrongs % len(choices)]()

    def wrong_requests(self) -> list[Callable[[], bytes]]:
        random, sizes = self.random, self.chip.sizes
        words, lanes = sizes.words, sizes.lanes
        image = bytes(sizes.image_bytes)
        wide = sizes.weight_bytes
        return [
            lambda: self.whole("identify", rest=b"x"),
            lambda: self.whole("identify", rest=b"xyz", sequence=random.randrange(256)),
            self.wrong_weights,
            lambda: self.whole("present", mode=random.choice([LEARN, INFER]), label=0, rest=self.wrong_pixels()),
            lambda: self.whole("write_register", number=1, value=random.choice([0x02, 0x20, 0xFF])),
            lambda: self.whole("write_register", number=1, value=random.choice([0x111, 1 << 31])),
            lambda: self.whole("write_register", number=2, value=random.choice([4, 0x8000_0000, 0x102, 0xFFFF_FFFF])),
            lambda: self.whole(rest=bytes(sizes.reply + 1)) if sizes.frame > sizes.reply + 4 else self.whole(),
            lambda: self.whole("read_register", number=random.choice([3, 15, 27, 35, 200])),
            lambda: self.whole("read_register", number=0, rest=b"x"),
            lambda: self.whole("write_register", number=random.choice([16, 32, 99]), value=1),
            lambda: encode(self.chip.expected, COMMAND["write_register"].code, b"\0\1\2"),
            lambda: self.whole("read_weights", word=random.choice([words, 65535]), lane=0, count=1),
            lambda: self.whole("read_weights", word=0, lane=random.choice([lanes, 65535]), count=1),
            lambda: self.whole("read_weights", word=0, lane=0, count=random.choice([0, lanes + 1, 255])),
            lambda: self.whole("write_weights", word=words, lane=0, count=1, rest=bytes(wide)),
            lambda: self.whole("write_weights", word=0, lane=1, count=lanes, rest=bytes(wide * lanes)),
            lambda: self.whole("write_weights", word=0, lane=0, count=1, rest=bytes(wide + 1)),
            lambda: self.whole("write_weights", word=0, lane=0, count=1, rest=bytes(wide - 1)),
            lambda: self.whole("present", mode=3, label=0, rest=image),
            lambda: self.whole("present", mode=LEARN, label=sizes.outputs, rest=image),
            lambda: self.whole("present", mode=LEARN, label=0, rest=image[:-1]),
            lambda: encode(self.chip.expected, COMMAND["present"].code, bytes([LEARN])),
        ]

    def wrong_weights(self) -> bytes:
        """A word of weights of which one is outside its layer's range by one, or by much, or has no neuron."""
        random, sizes = self.random, self.chip.sizes
        word, wrong = random.randrange(sizes.words), random.randrange(sizes.lanes)
        place = self.chip.places.get((word, wrong))
        half = 1 << (self.chip.config.synapses[place[0]].bits - 1) if place else 0
        ends = -(1 << (8 * sizes.weight_bytes - 1)), (1 << (8 * sizes.weight_bytes - 1)) - 1
        values = [0] * sizes.lanes
        values[wrong] = random.choice([half or 1, -half - 1, *ends])
        raw = b"".join(v.to_bytes(sizes.weight_bytes, "little", signed=True) for v in values)
        return self.whole("write_weights", rest=raw, word=word, lane=0, count=len(values))

    def wrong_pixels(self) -> bytes:
        """An image of which one pixel is too bright by one, or by much."""
        random, sizes = self.random, self.chip.sizes
        full = self.chip.config.input.full_scale
        pixels = [random.randint(0, full) for _ in range(sizes.inputs)]
        pixels[random.randrange(sizes.inputs)] = random.choice([full + 1, (1 << 8 * sizes.pixel_bytes) - 1])
        return b"".join(pixel.to_bytes(sizes.pixel_bytes, "little") for pixel in pixels)

    def damaged(self) -> bytes:
        """A frame that was hurt on its way: bits flipped, cut, run into another, too long, filled up."""
        random = self.random
        frame = bytearray(self.request()[:-1])
        kind = random.choice(["bits", "bits", "cut", "joined", "long", "inserted", "lost", "added"])
        if kind == "bits":
            for _ in range(random.choice([1, 1, 2, 3])):
                frame[random.randrange(len(frame))] ^= 1 << random.randrange(8)
        elif kind == "cut":
            del frame[random.randint(1, max(1, len(frame) - 1)) :]
        elif kind == "joined":
            frame += self.request()[:-1]
        elif kind == "long":
            frame = bytearray(encode(self.chip.expected, COMMAND["echo"].code, bytes(self.chip.sizes.frame))[:-1])
        elif kind == "lost":
            # COBS has nothing to say against it: the CRC must.
            frame = bytearray(cobs.encode(cobs.decode(frame)[: -random.randint(1, 3)]))
        elif kind == "added":
            more = bytes(random.choice([0, random.getrandbits(8)]) for _ in range(random.randint(1, 3)))
            frame = bytearray(cobs.encode(cobs.decode(frame) + more))
        else:
            frame.insert(random.randrange(len(frame)), random.randint(1, 255))
        # A zero that a flipped bit made is a delimiter: the first part is the piece, as the line would have it.
        return bytes(frame).split(b"\0")[0] + b"\0"


@cocotb.test(timeout_time=100, timeout_unit="sec")
async def link(dut: object) -> None:
    """The job's stimulus; every answer as the model has it."""
    await exchange(dut, harness.job(), Stimulus)


async def exchange(dut: object, job: dict, kind: type[Stimulus]) -> None:
    """Send all pieces of a stimulus; every answer must be as the model has it."""
    bench = Bench(dut, make(job), job["seed"])
    config = config_from_dict(job["config"])
    await bench.start()
    chip = Chip(config, bench.component)
    stimulus = kind(bench, chip, job)
    pieces = stimulus.pieces()
    coming: deque[int] = deque()
    awaited: deque[tuple[bytes, int]] = deque()
    waiting: bytes | None = None
    got = bytearray()
    held = total = 0
    silent = 0
    drained = False
    while not drained or awaited or coming:
        if not coming and not drained:
            if waiting is None:
                waiting = next(pieces, None)
                drained = waiting is None
            if waiting is not None:
                size = protocol.HEADER + min(len(waiting), chip.sizes.frame)
                # The buffer must not overflow: a host keeps to its window, and so does this.
                if held + size < chip.sizes.buffer and len(awaited) < 7:
                    answer = chip.answer(waiting[:-1])
                    coming.extend(waiting)
                    total += len(waiting)
                    if answer is not None:
                        awaited.append((answer, size))
                        held += size
                    waiting = None
        # As slow as an answer is sent by a UART, the next request comes while it is on its way.
        valid, ready = bool(coming) and bench.chance(0.9), bench.chance(job.get("sent", 0.9))
        bench.drive(received__valid=valid, received__payload=coming[0] if coming else 0, sent__ready=ready)
        await bench.settle()
        if valid and bench.get("received__ready"):
            coming.popleft()
        if awaited and not got:
            bench.check("busy", 1, max(bench.get("busy"), bool(coming)))
        silent += 1
        if ready and bench.get("sent__valid"):
            silent = 0
            byte = bench.get("sent__payload")
            if byte:
                got.append(byte)
            else:
                found = decode(bytes(got))
                if not awaited or found is None:
                    bench.fail("answer", got.hex(), "none" if not awaited else "a whole frame")
                expected, size = awaited.popleft()
                payload = found.payload
                if len(payload) == chip.sizes.result_bytes and len(expected) - 2 == len(payload):
                    fields = chip.codec.unpack(int.from_bytes(payload, "little"))
                    if isinstance(fields, dict) and chip.result(fields) == expected[2:]:
                        payload = expected[2:]
                answer = bytes([found.number, found.code]) + payload
                bench.check("answer", expected.hex(), answer.hex(), total=total)
                held -= size
                got.clear()
        bench.check("hangs", False, silent > 50_000)
        await bench.cycle()
    for name, count in chip.seen.items():
        bench.seen[name] += count
    bench.seen["bytes"], bench.seen["hurt"] = total, stimulus.hurt
    await bench.settle()
    bench.check("rests", 0, bench.get("busy"))
    bench.report()
