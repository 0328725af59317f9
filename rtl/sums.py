"""Sums for the neurons above: what the two-way synapses bring up, gathered word by word."""

from __future__ import annotations

from amaranth.hdl import Module, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from eqspike.golden.config import Config
from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.streams import chunk_update_layout, layer_name


def sums_layout(config: Config, weight_bits: int) -> data.StructLayout:
    """By layer from 2, for each of its neurons: the exact sum of the weights from the neurons below that spiked."""
    layers = config.network.layers
    return data.StructLayout(
        {
            layer_name(layer): data.ArrayLayout(signed(weight_bits + ceil_log2(layers[layer - 1] + 1)), layers[layer])
            for layer in range(2, len(layers))
        }
    )


class Sums(wiring.Component):
    """For each neuron from layer 2 on, the sum over the neurons below that spiked in the step being served.

    - `forward` (signed, weight LSBs of its layer): with `forward_valid` (1), the part that a chunk of layer
      `forward_synapses` brings to neuron `forward_post` of the layer above: as the crossbar gives them.
    - `update` (`chunk_update_layout`): the chunk whose neurons read the sums in this cycle. With the last chunk of a
      layer, the layer's sums are gone from the next cycle on.
    - `restart` (1): an image begins, all sums are 0.
    - `sums` (`sums_layout`): exact, they cannot overflow.

    Latency `LATENCY` from `forward` to `sums`, one part a cycle.
    """

    LATENCY = 1

    def __init__(self, config: Config, crossbar: Crossbar) -> None:
        self.layout = crossbar.layout
        super().__init__(
            {
                "forward": In(crossbar.forward.shape()),
                "forward_valid": In(1),
                "forward_synapses": In(crossbar.forward_synapses.shape()),
                "forward_post": In(crossbar.forward_post.shape()),
                "update": In(chunk_update_layout(self.layout)),
                "restart": In(1),
                "sums": Out(sums_layout(config, crossbar.weight_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for layer in range(2, len(self.layout.layers)):
            sums = self.sums[layer_name(layer)]
            ends = self.update.valid & (self.update.chunk == self.layout.chunks_of(layer)[-1].index)
            with m.If(ends | self.restart):
                m.d.sync += [sums[k].eq(0) for k in range(self.layout.layers[layer])]
            with m.Elif(self.forward_valid):
                with m.If(self.forward_synapses == layer - 1):
                    for k in range(self.layout.layers[layer]):
                        with m.If(self.forward_post == k):
                            m.d.sync += sums[k].eq(sums[k] + self.forward)
        return m


__all__ = ["Sums", "sums_layout"]
