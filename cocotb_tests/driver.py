"""Drive the core in a simulator: images, weights, results, counters; record what its trace shows."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import cocotb
import numpy as np
from amaranth.hdl import Shape
from amaranth.lib import data
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge, ValueChange

from golden.config import Config, HardwareConfig
from golden.network import LEARN
from rtl.core import Core, counter_layout, image_layout, neuron_layout, result_layout, weight_layout

CLOCK_NS = 2


def pack(layout: data.Layout, values: dict[str, int]) -> int:
    """An integer with the fields of a struct."""
    word = 0
    for name, value in values.items():
        item = layout[name]
        width = Shape.cast(item.shape).width
        word |= (int(value) & ((1 << width) - 1)) << item.offset
    return word


def field_of(layout: data.Layout, word: int, name: str | int) -> int:
    """One field of a struct or array as an integer, signed where its shape is."""
    item = layout[name]
    shape = Shape.cast(item.shape)
    value = (word >> item.offset) & ((1 << shape.width) - 1)
    return value - (1 << shape.width) if shape.signed and value >> (shape.width - 1) else value


def unpack_words(words: list[int], bits: int, count: int) -> np.ndarray:
    """Bits of integers, each `count` lanes of `bits`: shape (words, count, bits)."""
    size = -(-bits * count // 8)
    raw = b"".join(word.to_bytes(size, "little") for word in words)
    rows = np.unpackbits(np.frombuffer(raw, np.uint8).reshape(len(words), size), axis=1, bitorder="little")
    return rows[:, : bits * count].reshape(len(words), count, bits)


def integers(bits: np.ndarray, offset: int, width: int, signed: bool) -> np.ndarray:
    """The integers in bits[..., offset : offset + width]."""
    weights = (1 << np.arange(width, dtype=np.int64)).astype(np.int64)
    if signed:
        weights[-1] = -weights[-1]
    return bits[..., offset : offset + width].astype(np.int64) @ weights


@dataclass
class Recording:
    """What the trace showed of one image."""

    neurons: list[tuple[int, int, int, int]] = field(default_factory=list)
    """(step, chunk, state word, spikes)."""
    inputs: list[int] = field(default_factory=list)
    """Spikes of the inputs, one word a step."""
    writes: list[tuple[int, int, int]] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    words: list[int] = field(default_factory=list)


class CoreDriver:
    """The core's streams and ports."""

    def __init__(self, dut: object, config: Config, hardware: HardwareConfig | None = None) -> None:
        self.dut, self.config = dut, config
        self.core = Core(config, hardware)
        self.image_layout = image_layout(config)
        self.result_layout = result_layout(config)
        self.weight_layout = weight_layout(self.core.crossbar)
        self.counter_layout = counter_layout(config)
        self.neuron_layout = neuron_layout(config)
        self.recording: Recording | None = None
        self.pause = 0.0
        """Probability of an idle cycle before each pixel and before a result is taken."""
        self.random = random.Random(1)

    async def start(self) -> None:
        """Clock and reset."""
        dut = self.dut
        for name in ("images__valid", "results__ready", "weights__valid", "weight_data__ready", "key_load",
                     "clear_counters", "halvings", "key_data", "images__payload", "weights__payload"):  # fmt: skip
            getattr(dut, name).value = 0
        dut.rst.value = 1
        self.clock = Clock(dut.clk, CLOCK_NS, unit="ns")
        self.clock.start()
        for _ in range(3):
            await RisingEdge(dut.clk)
        dut.rst.value = 0
        await RisingEdge(dut.clk)

    def record(self, weights: bool = True) -> None:
        """Start recording the trace, for the whole run; without `weights`, not the writes to the weight memory."""
        self.recording = Recording()
        cocotb.start_soon(self._record_neurons())
        cocotb.start_soon(self._record_steps())
        if weights:
            cocotb.start_soon(self._record_writes())

    # Python is woken by events only: touching it every cycle would take most of a simulation's time. Values are read
    # once everything of the time step has settled.

    async def _record_neurons(self) -> None:
        dut = self.dut
        edge, settled = RisingEdge(dut.trace__neurons_valid), ReadOnly()
        while True:
            await edge
            await settled
            self.recording.neurons.append(
                (int(dut.trace__step.value), int(dut.trace__neurons_chunk.value), int(dut.trace__neurons.value),
                 int(dut.trace__neurons_spikes.value))
            )  # fmt: skip

    async def _record_steps(self) -> None:
        dut = self.dut
        edge, settled = RisingEdge(dut.trace__step_done), ReadOnly()
        while True:
            await edge
            await settled
            self.recording.counts.append(int(dut.trace__counts.value))
            self.recording.words.append(int(dut.trace__word.value))
            self.recording.inputs.append(int(dut.trace__inputs.value))

    async def _record_writes(self) -> None:
        dut = self.dut
        change, settled = ValueChange(dut.trace__write_toggle), ReadOnly()
        crossbar = self.core.crossbar
        address_bits = Shape.cast(crossbar.write_address.shape().elem_shape).width
        word_bits = crossbar.word_layout.size
        while True:
            await change
            await settled
            step, valid = int(dut.trace__write_step.value), int(dut.trace__write_valid.value)
            address, word = int(dut.trace__write_address.value), int(dut.trace__write_data.value)
            for bank, first in enumerate(self.core.layout.bank_first):
                if valid >> bank & 1:
                    self.recording.writes.append(
                        (
                            step,
                            first + (address >> bank * address_bits & (1 << address_bits) - 1),
                            word >> bank * word_bits & (1 << word_bits) - 1,
                        )
                    )

    async def put(self, stream: str, payload: int) -> None:
        """One transfer into a stream."""
        dut = self.dut
        while self.pause and self.random.random() < self.pause:
            await RisingEdge(dut.clk)
        getattr(dut, f"{stream}__payload").value = payload
        getattr(dut, f"{stream}__valid").value = 1
        ready = getattr(dut, f"{stream}__ready")
        while True:
            await RisingEdge(dut.clk)
            if int(ready.value):
                break
        getattr(dut, f"{stream}__valid").value = 0

    async def get(self, stream: str) -> int:
        """One transfer out of a stream."""
        dut = self.dut
        valid = getattr(dut, f"{stream}__valid")
        if self.pause:
            while self.random.random() < self.pause:
                await RisingEdge(dut.clk)
        elif not int(valid.value):
            # Long waits touch Python once.
            await RisingEdge(valid)
        getattr(dut, f"{stream}__ready").value = 1
        while True:
            await RisingEdge(dut.clk)
            if int(valid.value):
                payload = int(getattr(dut, f"{stream}__payload").value)
                break
        getattr(dut, f"{stream}__ready").value = 0
        return payload

    async def set_key(self, key: int) -> None:
        """Set the place in the stream of random draws."""
        await self._strobe("key_load", key_data=key)

    async def clear_counters(self) -> None:
        """Zero the counters."""
        await self._strobe("clear_counters")

    async def _strobe(self, name: str, **values: int) -> None:
        for key, value in values.items():
            getattr(self.dut, key).value = value
        getattr(self.dut, name).value = 1
        await RisingEdge(self.dut.clk)
        getattr(self.dut, name).value = 0
        await RisingEdge(self.dut.clk)

    def set_epoch(self, epoch: int) -> None:
        """Apply the learning-rate schedule."""
        layout = self.core.crossbar.halvings.shape()
        word = 0
        for s, synapse in enumerate(self.config.synapses):
            word |= sum(1 for at in synapse.halve_at if at <= epoch) << layout[s].offset
        self.dut.halvings.value = word

    async def write_weights(self, weights: tuple[np.ndarray, ...]) -> None:
        """Write all weights through the weight port."""
        for s, row, column, word, lane in self.core.layout.places():
            command = {"write": 1, "word": word, "lane": lane, "data": int(weights[s][row, column])}
            await self.put("weights", pack(self.weight_layout, command))

    async def read_weights(self) -> tuple[np.ndarray, ...]:
        """Read all weights through the weight port."""
        layers = self.config.network.layers
        weights = tuple(np.zeros((layers[s] + 1, layers[s + 1]), np.int64) for s in range(len(layers) - 1))
        bits = self.core.crossbar.weight_bits
        for s, row, column, word, lane in self.core.layout.places():
            await self.put("weights", pack(self.weight_layout, {"write": 0, "word": word, "lane": lane}))
            value = await self.get("weight_data")
            weights[s][row, column] = value - (1 << bits) if value >> (bits - 1) else value
        return weights

    async def present(self, image: np.ndarray, label: int, mode: int) -> dict[str, int | list[int]]:
        """Present one image and return its result's fields."""
        if self.recording is not None:
            self.recording = Recording()
        for pixel in image:
            await self.put("images", pack(self.image_layout, {"pixel": int(pixel), "label": label, "mode": mode}))
        word = await self.get("results")
        layout = self.result_layout
        result = {name: field_of(layout, word, name) for name in layout.members if name != "counts"}
        counts = layout["counts"]
        result["counts"] = [
            field_of(counts.shape, word >> counts.offset, k) for k in range(self.config.network.layers[-1])
        ]
        if not result["first_valid"]:
            result["first_spike"] = result["first_step"] = -1
        return result

    async def counters(self) -> dict[str, int | list[int]]:
        """The counters."""
        await ReadOnly()
        word = int(self.dut.counters.value)
        await RisingEdge(self.dut.clk)
        layout = self.counter_layout
        values = {name: field_of(layout, word, name) for name in layout.members if name != "spikes"}
        spikes = layout["spikes"]
        values["spikes"] = [
            field_of(spikes.shape, word >> spikes.offset, i) for i in range(len(self.config.network.layers))
        ]
        return values

    # -----------------------------------------------------------------------------------------------------------------

    def states(self, recording: Recording) -> dict[str, np.ndarray]:
        """The recording as arrays of shape (steps, neurons of all layers but the inputs), and `valid` of that shape."""
        layers, lanes = self.config.network.layers, self.core.lanes
        layout = self.neuron_layout
        offsets = {layer: sum(layers[1:layer]) for layer in range(1, len(layers))}
        steps = len(recording.words)
        neurons = sum(layers[1:])
        names = list(layout.members)
        out = {name: np.zeros((steps, neurons), np.int64) for name in [*names, "spikes"]}
        out["valid"] = np.zeros((steps, neurons), bool)
        if not recording.neurons:
            return out
        when = np.array([entry[0] for entry in recording.neurons])
        chunk_of = np.array([entry[1] for entry in recording.neurons])
        width = Shape.cast(layout).width
        bits = unpack_words([entry[2] for entry in recording.neurons], width, lanes)
        spikes = unpack_words([entry[3] for entry in recording.neurons], 1, lanes)[..., 0]
        for chunk in self.core.layout.chunks:
            here = np.flatnonzero((chunk_of == chunk.index) & (when < steps))
            columns = slice(offsets[chunk.layer] + chunk.first, offsets[chunk.layer] + chunk.first + chunk.count)
            for name in names:
                item = layout[name]
                shape = Shape.cast(item.shape)
                values = integers(bits[here], item.offset, shape.width, shape.signed)
                out[name][when[here], columns] = values[:, : chunk.count]
            out["spikes"][when[here], columns] = spikes[here][:, : chunk.count]
            out["valid"][when[here], columns] = True
        return out


__all__ = ["LEARN", "CoreDriver", "Recording", "field_of", "integers", "pack", "unpack_words"]
