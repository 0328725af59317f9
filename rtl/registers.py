"""Spikes, pulses and signals of all neurons as the last step left them."""

from __future__ import annotations

from amaranth.hdl import Array, Module, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.operation import operation_layout
from eqspike.rtl.streams import layer_bits, layer_name, own_pulses, update_layout


class NeuronRegisters(wiring.Component):
    """What two-way synapses need of neurons that are not in the lanes: they need any of them at once.

    - `update` (`rtl.streams.update_layout`): a chunk that took a step; it stands here `LATENCY` cycles later.
    - `restart` (1): an image begins, everything is 0.
    - `spikes`, `pulses` (`rtl.streams.layer_bits`): who fired and who sends a programming pulse.
    - `operation_a` (`operation_layout`): the operation in stage A. `above_spike`, `above_pulse` (1), `above_signal`
      (signed): of the neuron above that it serves, a cycle later, when it is in stage R. The spike reaches every lane,
      so it is chosen a stage before it is used. All neurons stand while two-way synapses are served. With
      programming.when image_end, `above_signal` is its sum of rho-bar, and `above_count` (unsigned) its spikes.
    """

    LATENCY = 1

    def __init__(self, config: Config, crossbar: Crossbar) -> None:
        self.layout = crossbar.layout
        self.pair_layers = crossbar.pair_layers
        self.own_pulses = own_pulses(config)
        layers = self.layout.layers
        numbers, self.image_end = fixed_numbers(config), config.programming.image_end
        signal = signed(numbers.rate_sum.bits if self.image_end else numbers.signal.bits)
        self.count_bits = numbers.spike_count.bits if self.image_end else 0
        self.signal_layout = data.StructLayout(
            {layer_name(layer): data.ArrayLayout(signal, layers[layer]) for layer in range(2, len(layers))}
        )
        self.count_layout = data.StructLayout(
            {name: data.ArrayLayout(unsigned(self.count_bits), field.shape.length)
             for name, field in self.signal_layout}
        )  # fmt: skip
        super().__init__(
            {
                "update": In(update_layout(config, self.layout)),
                "restart": In(1),
                "spikes": Out(layer_bits(config)),
                "pulses": Out(layer_bits(config)),
                "operation_a": In(operation_layout(self.layout)),
                "above_spike": Out(1),
                "above_pulse": Out(1),
                "above_signal": Out(signal),
                "above_count": Out(unsigned(self.count_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        update = self.update
        signals = Signal(self.signal_layout)
        """rho-bar (or the sum of tails, or with programming.when image_end the sum of rho-bar) of the neurons from
        layer 2 on."""
        field = "rate_sum" if self.image_end else "integrator"
        counts = Signal(self.count_layout)
        if not self.own_pulses:
            m.d.comb += self.pulses.eq(self.spikes)
        with m.If(self.restart):
            m.d.sync += [self.spikes.as_value().eq(0), signals.as_value().eq(0)]
            if self.image_end:
                m.d.sync += counts.as_value().eq(0)
            if self.own_pulses:
                m.d.sync += self.pulses.as_value().eq(0)
        with m.Elif(update.valid):
            with m.Switch(update.chunk):
                for chunk in self.layout.chunks:
                    layer, neurons = layer_name(chunk.layer), slice(chunk.first, chunk.first + chunk.count)
                    with m.Case(chunk.index):
                        m.d.sync += self.spikes[layer][neurons].eq(update.spikes[: chunk.count])
                        if self.own_pulses:
                            m.d.sync += self.pulses[layer][neurons].eq(update.pulses[: chunk.count])
                        for lane in range(chunk.count if chunk.layer > 1 else 0):
                            m.d.sync += signals[layer][chunk.first + lane].eq(update.state[lane][field])
                            if self.image_end:
                                m.d.sync += counts[layer][chunk.first + lane].eq(update.state[lane].spike_count)
        with m.Switch(self.operation_a.synapses):
            for synapses in self.pair_layers:
                above, post = layer_name(synapses + 1), self.operation_a.post
                with m.Case(synapses):
                    choice = Array(signals[above][k] for k in range(self.layout.layers[synapses + 1]))
                    m.d.sync += [
                        self.above_spike.eq(self.spikes[above].bit_select(post, 1)),
                        self.above_pulse.eq(self.pulses[above].bit_select(post, 1)),
                        self.above_signal.eq(choice[post]),
                    ]
                    if self.image_end:
                        m.d.sync += self.above_count.eq(Array(counts[above])[post])
        return m


__all__ = ["NeuronRegisters"]
