"""Where things stand: chunks of neurons, words of the weight memory. Plain Python, shared with tests and the host.

Neuron n of a layer is served by lane n mod P, in chunk n // P of its layer. All lanes share one address, so the weight
memory is one wide memory: a word holds one weight a lane. The words of a chunk of layer l stand together:

- layer 1: one word for each input (its row), then the bias;
- other layers: the bias;
- then, unless l is the last layer, one word for each neuron k of the next layer: the weights between the chunk's
  neurons and k, which serve rows and columns alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from golden.config import Config


@dataclass(frozen=True)
class Chunk:
    """Up to P neurons of one layer that are updated together."""

    index: int
    """Number among all chunks of the network: address in the state memory."""
    layer: int
    part: int
    """Number within the layer."""
    first: int
    """Its first neuron."""
    count: int
    """Its neurons."""
    base: int
    """First word in the weight memory."""
    bias: int
    """Word of the bias."""
    pairs: int
    """Word of the two-way synapses with neuron 0 of the next layer."""


class Layout:
    """The places of a network on P lanes."""

    def __init__(self, config: Config, lanes: int) -> None:
        self.layers = config.network.layers
        self.lanes = lanes
        self.chunks: list[Chunk] = []
        self.row_base: dict[tuple[int, int], int] = {}
        word = 0
        for layer in range(1, len(self.layers)):
            size = self.layers[layer]
            for part in range(-(-size // lanes)):
                rows = self.layers[0] if layer == 1 else 0
                pairs = self.layers[layer + 1] if layer + 1 < len(self.layers) else 0
                self.chunks.append(
                    Chunk(
                        index=len(self.chunks), layer=layer, part=part, first=part * lanes,
                        count=min(lanes, size - part * lanes), base=word, bias=word + rows, pairs=word + rows + 1,
                    )
                )  # fmt: skip
                word += rows + 1 + pairs
        self.words = word

    def chunks_of(self, layer: int) -> list[Chunk]:
        """The chunks of a layer, in order."""
        return [chunk for chunk in self.chunks if chunk.layer == layer]

    def place(self, synapses: int, row: int, column: int) -> tuple[int, int]:
        """(word, lane) of the weight at `row`, `column` of the golden model's matrix of that synapse layer."""
        bias = self.layers[synapses]
        one_way = synapses == 0 or row == bias
        neuron = column if one_way else row
        layer = synapses + 1 if one_way else synapses
        chunk = self.chunks_of(layer)[neuron // self.lanes]
        if one_way:
            word = chunk.bias if row == bias else chunk.base + row
        else:
            word = chunk.pairs + column
        return word, neuron % self.lanes

    def places(self) -> list[tuple[int, int, int, int, int]]:
        """(synapse layer, row, column, word, lane) of every weight."""
        return [
            (s, row, column, *self.place(s, row, column))
            for s in range(len(self.layers) - 1)
            for row in range(self.layers[s] + 1)
            for column in range(self.layers[s + 1])
        ]
