"""Which two-way synapses a chunk's pass must serve."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.rtl.layout import Layout
from eqspike.rtl.streams import chunk_shape, layer_bits, layer_name


class PairChooser(wiring.Component):
    """The neurons above a chunk whose two-way words are to be served: all when a neuron of the chunk fired, else those
    that fired themselves. A late programming pulse (A-EqSpike) counts as well while the chip learns.

    - `chunk`: the chunk being served. `spikes`, `pulses` (`rtl.streams.layer_bits`): of the step being served, read
      with `choose`; `learns` (1): this pass programs.
    - `forget` (1): a pass begins: nothing is known. `choose` (1): choose now; `settled` (1): the neurons above stand,
      else only a spike of the chunk itself decides. `known` (1): chosen since `forget`.
    - `left` (1): words are left, and known, `last` (1): one; `post`: the neuron of the next one, the lowest. `serve`
      (1): it is served.

    `known`, `left` and `post` follow `LATENCY` cycles after the strobes. Not for chunks of the last layer.
    """

    LATENCY = 1

    def __init__(self, config: Config, layout: Layout) -> None:
        self.layout = layout
        self.layers = layout.layers
        self.late = config.pulses
        self.most = max(self.layers[2:])
        """Neurons above a chunk, at most."""
        super().__init__(
            {
                "chunk": In(chunk_shape(layout)),
                "spikes": In(layer_bits(config)),
                "pulses": In(layer_bits(config)),
                "learns": In(1),
                "forget": In(1),
                "choose": In(1),
                "settled": In(1),
                "serve": In(1),
                "known": Out(1),
                "left": Out(1),
                "last": Out(1),
                "post": Out(range(max(2, self.most))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        pending = Signal(self.most)
        """Those that are still to be served in this pass."""
        rest = pending & (pending - 1)[: self.most]
        m.d.comb += [self.left.eq(self.known & pending.any()), self.last.eq(self.left & ~rest.any())]
        for k in reversed(range(self.most)):
            with m.If(pending[k]):
                m.d.comb += self.post.eq(k)
        with m.If(self.forget):
            m.d.sync += self.known.eq(0)
        with m.If(self.choose):
            self._choose(m, pending)
        with m.Elif(self.serve):
            m.d.sync += pending.eq(rest)
        return m

    def _choose(self, m: Module, pending: Signal) -> None:
        acts = {layer: self.spikes[layer_name(layer)] for layer in range(1, len(self.layers))}
        if self.late:
            acts = {n: spikes | Mux(self.learns, self.pulses[layer_name(n)], 0) for n, spikes in acts.items()}
        m.d.sync += [self.known.eq(self.settled), pending.eq(0)]
        with m.Switch(self.chunk):
            for chunk in self.layout.chunks:
                if chunk.layer == len(self.layers) - 1:
                    continue
                with m.Case(chunk.index):
                    fired = acts[chunk.layer][chunk.first : chunk.first + chunk.count].any()
                    everyone = (1 << self.layers[chunk.layer + 1]) - 1
                    m.d.sync += pending.eq(Mux(fired, everyone, acts[chunk.layer + 1]))
                    with m.If(fired):
                        m.d.sync += self.known.eq(1)


__all__ = ["PairChooser"]
