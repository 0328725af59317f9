"""Drive the core in a simulator: images, weights, results, counters; record what its trace shows."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import cocotb
import numpy as np
from amaranth.hdl import signed
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, First, ReadOnly, RisingEdge, Timer, ValueChange
from cocotb.utils import get_sim_time

from eqspike.golden.cells import to_cells, to_contents
from eqspike.golden.config import Config
from eqspike.golden.derived import halvings
from eqspike.golden.modes import LEARN
from eqspike.golden.sections import HardwareConfig
from eqspike.rtl.bits import Codec
from eqspike.rtl.core import Core
from eqspike.rtl.streams import image_layout, weight_layout
from eqspike.sim.recording import Codecs, Recorded

CLOCK_NS = 2


@dataclass
class Recording:
    """What the trace showed of one image."""

    neurons: list[tuple[int, int, int, int]] = field(default_factory=list)
    """(step, chunk, state word, spikes)."""
    inputs: list[int] = field(default_factory=list)
    """Spikes of the inputs, one word a step."""
    writes: list[tuple[int, int, int]] = field(default_factory=list)
    """(step, the host's number of the word, word)."""
    counts: list[int] = field(default_factory=list)
    words: list[int] = field(default_factory=list)

    def arrays(self, codecs: Codecs) -> Recorded:
        """The same as arrays."""
        steps, chunks, states, spikes = zip(*self.neurons, strict=True) if self.neurons else ([],) * 4
        write_steps, places, words = zip(*self.writes, strict=True) if self.writes else ([],) * 3
        return Recorded(
            steps=np.array(steps, np.int64),
            chunks=np.array(chunks, np.int64),
            neurons=codecs.neurons.unpack_words(states),
            spikes=codecs.spikes.unpack_words(spikes),
            words=np.array(self.words, np.int64),
            counts=codecs.counts.unpack_words(self.counts),
            inputs=codecs.inputs.unpack_words(self.inputs),
            write_steps=np.array(write_steps, np.int64),
            write_places=np.array(places, np.int64),
            write_cells=codecs.word.unpack_words(words),
        )


class CoreDriver:
    """The core's streams and ports."""

    def __init__(self, dut: object, config: Config, hardware: HardwareConfig | None = None) -> None:
        self.dut, self.config = dut, config
        self.core = Core(config, hardware)
        self.codecs = Codecs(config, self.core)
        self.images, self.results = Codec(image_layout(config)), self.codecs.result
        self.weights = Codec(weight_layout(self.core.crossbar))
        self.recording: Recording | None = None
        self.pause = 0.0
        """Probability of an idle cycle before each pixel and before a result is taken."""
        self.random = random.Random(1)
        self.cleared = 0.0
        """When the counters were last zeroed, in ns."""
        self.taken: dict[str, float] = {}
        """When the last transfer of a stream out of the core was, in ns."""

    async def start(self, reset: bool = True, watch: bool = True) -> None:
        """Clock and reset; without `reset` the circuit begins as it was configured. With `watch`, what the core offers
        must stay until it is taken; not where tasks that take from it are cut off, which would have said so."""
        dut = self.dut
        for name in ("images__valid", "results__ready", "weights__valid", "weight_data__ready", "key_load",
                     "clear_counters", "halvings", "key_data", "images__payload", "weights__payload"):  # fmt: skip
            getattr(dut, name).value = 0
        dut.rst.value = int(reset)
        if not reset:
            # Nothing repairs what a first edge takes of inputs that have no value yet.
            await Timer(CLOCK_NS, unit="ns")
        self.clock = Clock(dut.clk, CLOCK_NS, unit="ns")
        self.clock.start()
        for _ in range(3):
            await RisingEdge(dut.clk)
        dut.rst.value = 0
        await RisingEdge(dut.clk)
        for stream in ("results", "weight_data") if watch else ():
            cocotb.start_soon(self._watch(stream))

    async def _watch(self, stream: str) -> None:
        """What the core offers on a stream stays until it is taken, or until a reset."""
        valid, payload, reset = (getattr(self.dut, name) for name in (f"{stream}__valid", f"{stream}__payload", "rst"))
        settled = ReadOnly()
        while True:
            if not int(valid.value):
                await RisingEdge(valid)
            await settled
            await First(FallingEdge(valid), ValueChange(payload))
            await settled
            # A register changes at the edge with which a transfer, or a reset, ends.
            now = get_sim_time("ns")
            if self.taken.get(stream) != now and not int(reset.value):
                when = f"{int(now)} ns"
                raise AssertionError(f"Mismatch: {stream}: what was offered at {when} changed before it was taken")

    async def reset(self) -> None:
        """Reset the running core, whatever it does; who was sending to it must have stopped."""
        for name in ("images__valid", "weights__valid", "results__ready", "weight_data__ready"):
            getattr(self.dut, name).value = 0
        await self._strobe("rst")
        # What was offered is gone with the edge of the reset, and so is what was counted.
        now = get_sim_time("ns")
        self.taken = dict.fromkeys(("results", "weight_data"), now)
        self.cleared = now - CLOCK_NS

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
        addresses, word_codec = self.codecs.address, self.codecs.word
        while True:
            await change
            await settled
            step, valid = int(dut.trace__write_step.value), int(dut.trace__write_valid.value)
            address, words = addresses.unpack(int(dut.trace__write_address.value)), int(dut.trace__write_data.value)
            for bank, first in enumerate(self.core.layout.bank_first):
                if valid >> bank & 1:
                    word = words >> bank * word_codec.width & word_codec.mask
                    self.recording.writes.append((step, first + address[bank], word))

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
                self.taken[stream] = get_sim_time("ns")
                break
        getattr(dut, f"{stream}__ready").value = 0
        return payload

    async def set_key(self, key: int) -> None:
        """Set the place in the stream of random draws."""
        await self._strobe("key_load", key_data=key)

    async def clear_counters(self) -> None:
        """Zero the counters."""
        await self._strobe("clear_counters")
        self.cleared = get_sim_time("ns") - CLOCK_NS

    async def _strobe(self, name: str, **values: int) -> None:
        for key, value in values.items():
            getattr(self.dut, key).value = value
        getattr(self.dut, name).value = 1
        await RisingEdge(self.dut.clk)
        getattr(self.dut, name).value = 0
        await RisingEdge(self.dut.clk)

    def set_epoch(self, epoch: int) -> None:
        """Apply the learning-rate schedule."""
        halved = [halvings(synapse.halve_at, epoch) for synapse in self.config.synapses]
        self.dut.halvings.value = Codec(self.core.crossbar.halvings.shape()).pack(halved)

    async def write_weights(self, contents: tuple[np.ndarray, ...]) -> None:
        """Write all weights (and accumulators: `golden.network.Network.contents`) through the weight port."""
        weights = to_cells(self.config, contents)
        for s, row, column, word, lane in self.core.layout.places():
            command = {"write": 1, "word": word, "lane": lane, "data": int(weights[s][row, column])}
            await self.put("weights", self.weights.pack(command))

    async def read_weights(self) -> tuple[np.ndarray, ...]:
        """Read all weights (and accumulators) through the weight port."""
        layers = self.config.network.layers
        weights = tuple(np.zeros((layers[s] + 1, layers[s + 1]), np.int64) for s in range(len(layers) - 1))
        weight = Codec(signed(self.core.crossbar.cell_bits))
        for s, row, column, word, lane in self.core.layout.places():
            await self.put("weights", self.weights.pack({"write": 0, "word": word, "lane": lane}))
            weights[s][row, column] = weight.unpack(await self.get("weight_data"))
        return to_contents(self.config, weights)

    async def send(self, image: np.ndarray, label: int, mode: int) -> None:
        """Give the core one image."""
        for pixel in image:
            await self.put("images", self.images.pack({"pixel": int(pixel), "label": label, "mode": mode}))

    async def present(self, image: np.ndarray, label: int, mode: int) -> dict[str, int | list[int]]:
        """Present one image and return its result's fields."""
        await self.send(image, label, mode)
        return await self.take()

    async def offered(self) -> None:
        """Wait until the core offers a result, which keeps it from the next image."""
        await RisingEdge(self.dut.clk)  # The last one, just taken, is gone after it.
        if not int(self.dut.results__valid.value):
            await RisingEdge(self.dut.results__valid)
        await RisingEdge(self.dut.clk)

    async def take(self) -> dict[str, int | list[int]]:
        """Take one result. The recording, if there is one, goes on with the next image."""
        word = await self.get("results")
        if self.recording is not None:
            self.recording = Recording()
        return self.results.unpack(word)

    async def measured(self) -> dict[str, object]:
        """Cycles of each stage of the sequencer, and rows that each bank moved, since the counters were cleared;
        `elapsed`: cycles since then by the simulator's clock."""
        await ReadOnly()
        elapsed = round((get_sim_time("ns") - self.cleared) / CLOCK_NS)
        trace = {name: int(getattr(self.dut, f"trace__{name}").value) for name in ("stages", "rows", "row_cycles")}
        await RisingEdge(self.dut.clk)
        return self.codecs.measured(**trace, elapsed=elapsed)

    async def counters(self) -> dict[str, int | list[int]]:
        """The counters."""
        await ReadOnly()
        word = int(self.dut.counters.value)
        await RisingEdge(self.dut.clk)
        return self.codecs.counters.unpack(word)


__all__ = ["LEARN", "CoreDriver", "Recording"]
