"""The core in a simulator that records inside: sim/recorder.cpp, in this process, through ctypes.

It does in every cycle what `eqspike.sim.driver` does, and shows the same (`eqspike.sim.recording`).
"""

from __future__ import annotations

import ctypes
import random
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from amaranth.hdl import UnusedElaboratable, signed

from eqspike.golden.cells import to_cells, to_contents
from eqspike.golden.config import Config
from eqspike.golden.derived import halvings
from eqspike.rtl.bits import Codec
from eqspike.rtl.core import Core
from eqspike.rtl.streams import image_layout, weight_layout
from eqspike.sim.harness import SimulationError
from eqspike.sim.recording import Codecs, Recorded, Shown

TRACE = ("step", "chunk", "neurons", "spikes", "word", "counts", "inputs", "write step", "valid", "address", "data")
FIELDS = ("result", "counters", "stages", "rows", "row_cycles", "key", "elapsed")
READ = "read"
BUFFERS = {name: number for number, name in enumerate((*TRACE, *FIELDS, READ))}
LIMIT = 50_000_000
"""Cycles of one image after which the core is said to hang."""
PAUSES = 1 << 16
"""Draws, after which they begin again."""

# A core whose library was found is made for its description alone: ports, shapes, places of weights.
warnings.simplefilter("ignore", UnusedElaboratable)


class Recorder:
    """A core that was reset. `pause`: probability of an idle cycle before each transfer."""

    def __init__(self, library: Path, config: Config, core: Core, pause: float = 0.0, limit: int = LIMIT) -> None:
        self.config, self.core, self.codecs = config, core, Codecs(config, core)
        self.image_codec, self.command_codec = Codec(image_layout(config)), Codec(weight_layout(core.crossbar))
        places = np.array(core.layout.places(), np.int64)
        self.layer, self.row, self.column, self.word, self.lane = places.T
        # With Python's lock held, so that the library may ask Python whether there was a Ctrl-C.
        self.library = ctypes.PyDLL(str(library))
        for name, kind in (("new", ctypes.c_void_p), ("error", ctypes.c_char_p), ("cycles", ctypes.c_uint64),
                           ("buffer", ctypes.c_void_p)):  # fmt: skip
            getattr(self.library, f"recorder_{name}").restype = kind
        asks = ctypes.cast(ctypes.pythonapi.PyErr_CheckSignals, ctypes.c_void_p)
        idle = np.array(_idle(pause), np.uint32)
        made = self.library.recorder_new(asks, _at(idle), len(idle), ctypes.c_uint64(limit))
        self.handle = ctypes.c_void_p(made)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.library.recorder_free(self.handle)

    @property
    def cycles(self) -> int:
        """From the clock's first edge to the last."""
        return self.library.recorder_cycles(self.handle) - 1

    def begin(self, key: int, contents: Sequence[np.ndarray], epoch: int) -> None:
        """Set the key, write all weights (and accumulators), and begin to record with the rates of `epoch`."""
        commands = self._writes(contents)
        self._call("begin", ctypes.c_uint32(key), _at(commands), *_size(commands), _at(self._halvings(epoch)))

    def set_key(self, key: int) -> None:
        """Set the place in the stream of random draws, between images."""
        self._call("set_key", ctypes.c_uint32(key))

    def set_epoch(self, epoch: int) -> None:
        """The rates of `epoch`, between images."""
        self.library.recorder_set_halvings(self.handle, _at(self._halvings(epoch)))

    def write_weights(self, contents: Sequence[np.ndarray]) -> None:
        """Write all weights (and accumulators) through the weight port, between images."""
        commands = self._writes(contents)
        self._call("write_weights", _at(commands), *_size(commands))

    def _writes(self, contents: Sequence[np.ndarray]) -> np.ndarray:
        cells = to_cells(self.config, contents)
        values = np.concatenate([layer.ravel() for layer in cells])  # as `places` has them
        return _packed(self.command_codec, write=1, word=self.word, lane=self.lane, data=values)

    def queue(self, image: np.ndarray, label: int, mode: int) -> None:
        """Pixels to be sent, beside whatever else is done, behind those that are queued."""
        pixels = _packed(self.image_codec, pixel=np.asarray(image, np.int64), label=label, mode=mode)
        self.library.recorder_queue(self.handle, _at(pixels), *_size(pixels))

    def finish(self, after: int, sent: bool) -> Shown:
        """Wait for an image's result and take it; `after` is the epoch of the next image. `sent`: that is not sent
        before, so wait until all that is queued was taken."""
        self._call("finish", int(sent), _at(self._halvings(after)))
        number = {name: int.from_bytes(self._buffer(name).tobytes(), "little") for name in FIELDS}
        shown = Shown(
            recorded=self._recorded(),
            result=self.codecs.result.unpack(number["result"]),
            counters=self.codecs.counters.unpack(number["counters"]),
            measured=self.codecs.measured(*(number[name] for name in ("stages", "rows", "row_cycles", "elapsed"))),
            key=number["key"],
        )
        self.library.recorder_clear(self.handle)
        return shown

    def read_weights(self) -> tuple[np.ndarray, ...]:
        """Read all weights (and accumulators) through the weight port."""
        commands = _packed(self.command_codec, write=0, word=self.word, lane=self.lane)
        self._call("read_weights", _at(commands), *_size(commands))
        cell = Codec(signed(self.core.crossbar.cell_bits))
        values = cell.unpack_rows(_rows(self._buffer(READ), cell.width))
        layers = self.config.network.layers
        weights = tuple(np.zeros((layers[s] + 1, layers[s + 1]), np.int64) for s in range(len(layers) - 1))
        for s, layer in enumerate(weights):
            here = self.layer == s
            layer[self.row[here], self.column[here]] = values[here]
        return to_contents(self.config, weights)

    def _recorded(self) -> Recorded:
        codecs = self.codecs
        found = {name: self._buffer(name) for name in TRACE}
        # A write is of the banks that are valid: of each event, in their order.
        valid = codecs.valid.unpack_rows(_rows(found["valid"], codecs.valid.width)).astype(bool)
        event, bank = np.nonzero(valid)
        address = codecs.address.unpack_rows(_rows(found["address"], codecs.address.width))
        cells = codecs.written.unpack_rows(_rows(found["data"], codecs.written.width))
        return Recorded(
            steps=found["step"].astype(np.int64),
            chunks=found["chunk"].astype(np.int64),
            neurons=codecs.neurons.unpack_rows(_rows(found["neurons"], codecs.neurons.width)),
            spikes=codecs.spikes.unpack_rows(_rows(found["spikes"], codecs.spikes.width)),
            words=found["word"].astype(np.int64),
            counts=codecs.counts.unpack_rows(_rows(found["counts"], codecs.counts.width)),
            inputs=codecs.inputs.unpack_rows(_rows(found["inputs"], codecs.inputs.width)),
            write_steps=found["write step"].astype(np.int64)[event],
            write_places=np.array(self.core.layout.bank_first)[bank] + address[event, bank],
            write_cells=cells[event, bank],
        )

    def _halvings(self, epoch: int) -> np.ndarray:
        codec = Codec(self.core.crossbar.halvings.shape())
        word = codec.pack([halvings(synapse.halve_at, epoch) for synapse in self.config.synapses])
        return np.frombuffer(word.to_bytes(4 * _words(codec.width), "little"), np.uint32)

    def _buffer(self, name: str) -> np.ndarray:
        """A copy."""
        size = ctypes.c_uint64()
        place = self.library.recorder_buffer(self.handle, BUFFERS[name], ctypes.byref(size))
        if not size.value:
            return np.zeros(0, np.uint32)
        return np.ctypeslib.as_array((ctypes.c_uint32 * size.value).from_address(place)).copy()

    def _call(self, name: str, *arguments: object) -> None:
        """Raises `SimulationError`, or what a signal raises."""
        status = getattr(self.library, f"recorder_{name}")(self.handle, *arguments)
        if status:
            raise SimulationError(self.library.recorder_error(self.handle).decode())


def _idle(pause: float) -> list[int]:
    """Idle cycles before transfers, drawn as `CoreDriver.put` draws them; none without pauses."""
    if not pause:
        return []
    draw, found = random.Random(1), []
    for _ in range(PAUSES):
        found.append(0)
        while draw.random() < pause:
            found[-1] += 1
    return found


def _packed(codec: Codec, **fields: int | np.ndarray) -> np.ndarray:
    """Structs of at most 64 bits, one a row, as words of 32 bits."""
    assert codec.width <= 64
    columns = np.broadcast_arrays(*fields.values())
    total = np.zeros(columns[0].shape, np.uint64)
    places = {key: (offset, part) for key, offset, part in codec.parts}
    for name, column in zip(fields, columns, strict=True):
        offset, part = places[name]
        low, high = (-part.sign, part.sign - 1) if part.sign else (0, part.mask)
        if column.size and not low <= column.min() <= column.max() <= high:
            raise ValueError(f"{name}: {column.min()} to {column.max()} does not fit into {part.width} bits")
        total |= (column.astype(np.int64).view(np.uint64) & np.uint64(part.mask)) << np.uint64(offset)
    return np.ascontiguousarray(total.astype("<u8").view("<u4").reshape(-1, 2)[:, : _words(codec.width)])


def _words(width: int) -> int:
    """Words of 32 bits that a port takes; Verilator gives one without bits two."""
    return max(1, -(-width // 32))


def _rows(buffer: np.ndarray, width: int) -> np.ndarray:
    """The bytes of each word of a port."""
    return buffer.view(np.uint8).reshape(-1, 4 * _words(width))


def _at(array: np.ndarray) -> ctypes.c_void_p:
    """Where it begins; while that is held, so is the array, which may be one that nobody else holds."""
    return array.ctypes.data_as(ctypes.c_void_p)


def _size(rows: np.ndarray) -> tuple[ctypes.c_uint64, ctypes.c_uint64]:
    """How many rows, and words of each."""
    return ctypes.c_uint64(rows.shape[0]), ctypes.c_uint64(rows.shape[1])


__all__ = ["Recorder"]
