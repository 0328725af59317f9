"""The currents of the lanes: exact sums of what the rows bring (the circuit of `golden.crossbar.read_rows`)."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.number import SynapseNumbers
from eqspike.rtl.adder import Adder, add


class Currents(wiring.Component):
    """Adds words of weights to the lanes' currents, in membrane LSBs; exact, so nothing saturates.

    Members of stage E: `word`, the weights of the operation, a lane each, and `adds` (1 bit), they count; `layer`, its
    synapse layer, whose weights are aligned to the membrane; `down` (1 bit): the neuron above sends the spike, which
    the layer's feedback may make weaker; `rows`, the other banks' words, which are of layer 0 and 0 where there is no
    row. `clears` (1 bit, a cycle after stage E): the currents begin anew. `current` (signed, one a
    lane) has them in LATENCY cycles after E.
    """

    LATENCY = 2

    def __init__(self, synapses: Sequence[SynapseNumbers], word: data.ArrayLayout, banks: int, bits: int) -> None:
        self.aligns = [numbers.align for numbers in synapses]
        self.aligns_down = [numbers.align_down for numbers in synapses]
        self.banks = banks
        super().__init__(
            {
                "word": In(word),
                "adds": In(1),
                "layer": In(range(max(2, len(synapses)))),
                "down": In(1),
                "rows": In(data.ArrayLayout(word, banks - 1)),
                "clears": In(1),
                "current": Out(data.ArrayLayout(signed(bits), word.length)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        aligns = self.aligns
        for lane in range(len(self.current)):
            word, current = self.word[lane], self.current[lane]
            aligned = word << aligns[0]
            for s, align in enumerate(aligns):
                if align != aligns[0]:
                    aligned = Mux(self.layer == s, word << align, aligned)
            for s, align in enumerate(self.aligns_down):
                if align != aligns[s]:
                    aligned = Mux(self.down & (self.layer == s), word << align, aligned)
            rows = (self.rows[bank][lane] << aligns[0] for bank in range(self.banks - 1))
            total = add(m, f"rows_{lane}", [Mux(self.adds, aligned, 0), *rows])
            brought = Signal(total.shape(), name=f"rows_{lane}")
            m.d.sync += brought.eq(total)
            m.submodules[f"adder_current_{lane}"] = adder = Adder(len(current), len(brought), len(current))
            m.d.comb += [adder.a.eq(current), adder.b.eq(brought)]
            with m.If(self.clears):
                m.d.sync += current.eq(0)
            with m.Else():
                m.d.sync += current.eq(adder.sum)
        return m


__all__ = ["Currents"]
