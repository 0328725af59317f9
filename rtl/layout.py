"""Where things stand: chunks of neurons, words of the weight memory. Plain Python, shared with tests and the host.

Neuron n of a layer is served by lane n mod P, in chunk n // P of its layer. All lanes share one address, so the weight
memory is one wide memory: a word holds one weight a lane. The words of a chunk of layer l stand together:

- layer 1: one word for each input (its row), then the bias;
- other layers: the bias;
- then, unless l is the last layer, one word for each neuron k of the next layer: the weights between the chunk's
  neurons and k, which serve rows and columns alike.

With several banks, each is such a memory of its own: bank 0 as described, but with the rows of some inputs only; the
others hold the rows of the rest, each input's in one bank, chunk after chunk. The host counts the words of all banks
through, bank 0 first.
"""

from __future__ import annotations

from dataclasses import dataclass

from eqspike.golden.config import Config


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


BUSY = 16
"""How much more often a two-way word is served than the row of an input: the former in nearly every step, an input of
an image of few bright pixels fires in one step of so many. Decides only how well the banks' work is balanced."""


def split_rows(inputs: int, pairs: int, banks: int) -> list[list[int]]:
    """The inputs whose rows each bank holds, in rising order.

    Bank 0 also has `pairs` two-way words to serve, hence fewer rows. Neighbours are in different banks, so that a
    bright patch of an image keeps all of them busy.
    """
    if banks == 1:
        return [list(range(inputs))]
    first = (inputs + BUSY * pairs) // banks - BUSY * pairs
    first = min(max(first, 1), inputs - (banks - 1))
    rows: list[list[int]] = [[] for _ in range(banks)]
    others = 0
    for n in range(inputs):
        if (n + 1) * first // inputs > n * first // inputs:
            rows[0].append(n)
        else:
            rows[1 + others % (banks - 1)].append(n)
            others += 1
    return rows


class Layout:
    """The places of a network on P lanes, its input rows in `banks` memories."""

    def __init__(self, config: Config, lanes: int, banks: int = 1) -> None:
        self.layers = config.network.layers
        self.lanes = lanes
        self.banks = banks
        self.rows = split_rows(self.layers[0], self.layers[2], banks)
        """For each bank, the inputs whose rows it holds."""
        self.row_place = {n: (bank, i) for bank, rows in enumerate(self.rows) for i, n in enumerate(rows)}
        """Input -> (its bank, its number among the bank's inputs)."""
        self.chunks: list[Chunk] = []
        word = 0
        for layer in range(1, len(self.layers)):
            size = self.layers[layer]
            for part in range(-(-size // lanes)):
                rows = len(self.rows[0]) if layer == 1 else 0
                pairs = self.layers[layer + 1] if layer + 1 < len(self.layers) else 0
                self.chunks.append(
                    Chunk(
                        index=len(self.chunks), layer=layer, part=part, first=part * lanes,
                        count=min(lanes, size - part * lanes), base=word, bias=word + rows, pairs=word + rows + 1,
                    )
                )  # fmt: skip
                word += rows + 1 + pairs
        parts = len(self.chunks_of(1))
        self.bank_words = [word, *(parts * len(rows) for rows in self.rows[1:])]
        """Words of each bank."""
        self.bank_first = [sum(self.bank_words[:bank]) for bank in range(banks)]
        """The host's number of each bank's first word."""
        self.words = sum(self.bank_words)

    def base(self, chunk: Chunk, bank: int) -> int:
        """Address, in the bank, of the row of its first input, for a chunk of layer 1."""
        return chunk.base if bank == 0 else chunk.part * len(self.rows[bank])

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
            if row == bias:
                word = chunk.bias
            else:
                bank, place = self.row_place[row]
                word = self.bank_first[bank] + self.base(chunk, bank) + place
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
