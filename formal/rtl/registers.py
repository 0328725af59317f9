"""Proofs of `rtl/registers.py`."""

from __future__ import annotations

from amaranth.hdl import Mux

from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.layout import Layout
from eqspike.rtl.registers import NeuronRegisters
from eqspike.rtl.streams import layer_name
from formal import configs
from formal.bench import Bench
from formal.registry import INDUCTION, proof

CASES = {
    "spikes": {"synapses": [{"bits": 6, "range": 1}]},
    "sums": configs.IMAGE_END | {"synapses": [{"bits": 6, "range": 1, "draw": "synapse"}]},
}


@proof("Spikes and signals (or, for what is programmed at the image's end, sums of them) "
       "of every neuron are those of its chunk's last step, and nothing at an image's start; the neuron above that an "
       "operation names is given a cycle later.", depth=2, method=INDUCTION, cases=CASES,
       bug=("self.spikes[above].bit_select(post, 1)", "self.spikes[above].bit_select(0, 1)"), bug_depth=5,
       cover_depth=5)  # fmt: skip
def keeps(b: Bench, **sections: object) -> None:
    config = configs.small(**{**sections, "network": {"layers": [3, 3, 3, 2]}})
    layout = Layout(config, 2)
    block = b.add(NeuronRegisters(config, Crossbar(config, layout)))
    field = "rate_sum" if block.image_end else "integrator"
    update, operation = block.update, block.operation_a
    for chunk in layout.chunks:
        name = layer_name(chunk.layer)
        here = update.valid & (update.chunk == chunk.index)
        for lane in range(chunk.count):
            n = chunk.first + lane
            spike = block.spikes[name][n]
            b.prove(b.first | (spike == b.past(Mux(block.restart, 0, Mux(here, update.spikes[lane], spike)))))
            if chunk.layer > 1:
                signal = b.peek(f"dut.signals.{name}[{n}]", block.above_signal.shape())
                new = Mux(block.restart, 0, Mux(here, update.state[lane][field], signal))
                b.prove(b.first | (signal == b.past(new)))
                asked = (operation.synapses == chunk.layer - 1) & (operation.post == n)
                b.prove(b.first | ~b.past(asked) | (block.above_signal == b.past(signal)))
                b.prove(b.first | ~b.past(asked) | (block.above_spike == b.past(spike)))
                if block.image_end:
                    count = b.peek(f"dut.counts.{name}[{n}]", block.count_bits)
                    new = Mux(block.restart, 0, Mux(here, update.state[lane].spike_count, count))
                    b.prove(b.first | (count == b.past(new)))
                    b.prove(b.first | ~b.past(asked) | (block.above_count == b.past(count)))
    b.prove(block.pulses.as_value() == block.spikes.as_value())
    b.reach(block.above_spike & (block.above_signal == -5))
