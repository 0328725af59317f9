"""A core behind a line: what a board holds, its weights, registers and images, by names (rtl/link/protocol.py)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from eqspike.fpga.line import BoardError, Line, other_version
from eqspike.golden.cells import cell_bits, to_cells, to_contents
from eqspike.golden.config import Config
from eqspike.golden.derived import halvings
from eqspike.golden.validation import ConfigError
from eqspike.rtl.bits import ResultCodec
from eqspike.rtl.layout import Layout
from eqspike.rtl.link import protocol
from eqspike.rtl.link.protocol import COMMAND


def _sized(payload: bytes, size: int) -> bytes:
    """The payload of an answer, which must have that size."""
    if len(payload) != size:
        raise BoardError(f"the board gives {len(payload)} bytes in an answer of {size}")
    return payload


class Board:
    """A core of `config` at the other end of a line. Raises `BoardError` when the board holds another."""

    def __init__(self, config: Config, line: Line) -> None:
        self.config, self.line = config, line
        self.identity = line.identify()
        own = int.from_bytes(protocol.config_hash(config), "little")
        if self.identity["version"] != protocol.VERSION:
            raise other_version(self.identity["version"])
        if self.identity["config"] != own:
            raise BoardError(
                f"the board was built for another config than {config.name}: {self.identity['inputs']} inputs, "
                f"{self.identity['outputs']} outputs; build and program it with 'eqspike build --top link'"
            )
        self.results = ResultCodec(config)
        self.sizes, layout = self._sizes()
        self.places = np.array(layout.places(), np.int64)
        """Columns: synapse layer, row, column, word, lane."""
        self.registers = {r.name: r for r in protocol.registers(len(config.network.layers))}

    def _sizes(self) -> tuple[protocol.Sizes, Layout]:
        """Sizes and places of the core, whose identity must be that of one of this config."""
        config, identity = self.config, self.identity
        wide = max(cell_bits(config))
        if (
            identity["lanes"] >= 1
            and 1 <= identity["banks"] <= config.network.layers[0]
            and identity["weight_bits"] == wide
        ):
            layout = Layout(config, identity["lanes"], identity["banks"])
            with contextlib.suppress(ConfigError):  # there can be no such board
                sizes = protocol.sizes_of(config, layout, wide, self.results.width)
                if all(identity[name] == getattr(sizes, name) for name in ("inputs", "outputs", "words", "frame")):
                    return sizes, layout
        raise BoardError(f"the board's identity does not fit {config.name}: {identity}")

    def echo(self, payload: bytes) -> bool:
        """Does the board give back what it was sent?"""
        return self.line.ask("echo", payload) == payload

    def read_registers(self, names: Sequence[str]) -> dict[str, int]:
        """Registers by name."""
        asked = (("read_register", bytes([self.registers[name].number])) for name in names)
        values = (int.from_bytes(_sized(payload, 4), "little") for payload in self.line.stream(asked))
        return dict(zip(names, values, strict=True))

    def write_register(self, name: str, value: int) -> None:
        """Write a register."""
        fields = COMMAND["write_register"].request
        self.line.ask(
            "write_register", protocol.pack_fields(fields, {"number": self.registers[name].number, "value": value})
        )

    def reset(self) -> None:
        """Reset core and registers; weights stay."""
        self.write_register("control", protocol.RESET)

    def clear_counters(self) -> None:
        """Zero the counters."""
        self.write_register("control", protocol.CLEAR_COUNTERS)

    def counters(self) -> dict[str, int | list[int]]:
        """All counters; `spikes` by layer."""
        names = [name for name, r in self.registers.items() if r.number >= protocol.FIRST_COUNTER]
        values: dict[str, int | list[int]] = dict(self.read_registers(names))
        values["spikes"] = [values.pop(f"spikes_{layer}") for layer in range(len(self.config.network.layers))]
        return values

    def set_epoch(self, epoch: int) -> None:
        """Apply the learning-rate schedule."""
        passed = [halvings(synapse.halve_at, epoch) for synapse in self.config.synapses]
        self.write_register("halvings", sum(h << (protocol.HALVING_BITS * s) for s, h in enumerate(passed)))

    # -----------------------------------------------------------------------------------------------------------------

    def _blocks(self, size: int, words: Iterable[int] | None = None) -> list[tuple[int, int, int]]:
        """(word, first lane, count) of all weights, or those of some words, at most `size` at a time."""
        lanes, words = self.sizes.lanes, range(self.sizes.words) if words is None else words
        return [(word, lane, min(size, lanes - lane)) for word in words for lane in range(0, lanes, size)]

    def _check_weights(self, contents: Sequence[np.ndarray]) -> None:
        """Raise `ValueError` where a weight (or what an accumulator holds) is outside its layer's format."""
        layers = len(self.config.synapses)
        for index, matrix in enumerate(contents):
            what, s = ("accumulators", index - layers) if index >= layers else ("weights", index)
            bits = self.config.programming.rest_bits if index >= layers else self.config.synapses[s].bits
            half, matrix = 1 << (bits - 1), np.asarray(matrix)
            low = 1 - half if index >= layers else -half  # an accumulator holds less than a pulse
            if matrix.size and not low <= matrix.min() <= matrix.max() < half:
                raise ValueError(f"{what} of layer {s} lie outside {low}..{half - 1}")

    def write_weights(self, contents: Sequence[np.ndarray], words: Iterable[int] | None = None) -> None:
        """Write all weights, or those that stand in some words: one matrix a synapse layer, bias last, in LSBs; behind
        them may stand as many of what accumulators hold, which are empty otherwise. Raises `ValueError` for one that is
        outside its layer's format."""
        self._check_weights(contents)
        weights = to_cells(self.config, contents)
        memory = np.zeros((self.sizes.words, self.sizes.lanes), np.int64)
        synapses, rows, columns, word, lane = self.places.T
        for s, matrix in enumerate(weights):
            here = synapses == s
            memory[word[here], lane[here]] = np.asarray(matrix)[rows[here], columns[here]]
        raw = memory.astype("<i8").view(np.uint8).reshape(*memory.shape, 8)[..., : self.sizes.weight_bytes]

        def requests() -> Iterator[tuple[str, bytes]]:
            for at, first, count in self._blocks(self.sizes.write_block, words):
                block = raw[at, first : first + count].tobytes()
                values = {"word": at, "lane": first, "count": count, "weights": block}
                yield "write_weights", protocol.pack_fields(COMMAND["write_weights"].request, values)

        for _ in self.line.stream(requests()):
            pass

    def read_weights(self, words: Iterable[int] | None = None) -> tuple[np.ndarray, ...]:
        """All weights (and what accumulators hold, where there are any), as `write_weights` takes them; where only some
        words are asked for, the others' weights are 0."""
        size, fields = self.sizes.weight_bytes, COMMAND["read_weights"].request
        blocks = self._blocks(self.sizes.read_block, words)
        memory = np.zeros((self.sizes.words, self.sizes.lanes), np.int64)
        asked = (
            ("read_weights", protocol.pack_fields(fields, {"word": word, "lane": lane, "count": count}))
            for word, lane, count in blocks
        )
        for (word, lane, count), payload in zip(blocks, self.line.stream(asked), strict=True):
            _sized(payload, size * count)
            memory[word, lane : lane + count] = [
                int.from_bytes(payload[i : i + size], "little", signed=True) for i in range(0, len(payload), size)
            ]
        layers = self.config.network.layers
        synapses, rows, columns, word, lane = self.places.T
        matrices = tuple(np.zeros((layers[s] + 1, layers[s + 1]), np.int64) for s in range(len(layers) - 1))
        for s, matrix in enumerate(matrices):
            here = synapses == s
            matrix[rows[here], columns[here]] = memory[word[here], lane[here]]
        contents = to_contents(self.config, matrices)
        try:
            self._check_weights(contents)
        except ValueError as error:
            raise BoardError(f"the board gives what it cannot hold: {error}") from None
        return contents

    # -----------------------------------------------------------------------------------------------------------------

    def present(
        self, images: np.ndarray, labels: Sequence[int], modes: Sequence[int]
    ) -> Iterator[dict[str, int | list[int]]]:
        """Present images in order; one result each: prediction, first_spike and first_step (-1: none), nudged,
        counts."""
        kind = f"<u{self.sizes.pixel_bytes}"
        fields = COMMAND["present"].request
        full = self.config.input.full_scale
        images = np.asarray(images)
        if images.size and not 0 <= images.min() <= images.max() <= full:
            raise ValueError(f"pixels are 0..{full}")

        def requests() -> Iterator[tuple[str, bytes]]:
            for image, label, mode in zip(images, labels, modes, strict=True):
                values = {"mode": int(mode), "label": int(label), "pixels": image.astype(kind).tobytes()}
                yield "present", protocol.pack_fields(fields, values)

        for payload in self.line.stream(requests()):
            yield self._result(int.from_bytes(_sized(payload, self.sizes.result_bytes), "little"))

    def _result(self, bits: int) -> dict[str, int | list[int]]:
        """The fields of a result. Raises `BoardError` for one that no core of this config gives."""
        result, learning = self.results.unpack(bits), self.config.learning
        ends = {
            "prediction": self.sizes.outputs, "first_spike": self.sizes.outputs,
            "first_step": learning.free_steps + learning.nudge_steps,
        }  # fmt: skip
        for name, end in ends.items():
            if result[name] >= end:
                raise BoardError(f"the board gives a result that cannot be: {name} {result[name]}, of {end}")
        return result


__all__ = ["Board"]
