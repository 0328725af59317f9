"""The core: the circuit of `golden.network`. This file only connects its parts."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.golden.sections import HardwareConfig
from eqspike.rtl.bias import BiasNeuron
from eqspike.rtl.chunk_state import ChunkState
from eqspike.rtl.counters import Counters, Measurements
from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.generator import Generator
from eqspike.rtl.image_end import ImageEnd
from eqspike.rtl.image_port import ImagePort, ResultPort
from eqspike.rtl.input_steps import InputSteps
from eqspike.rtl.inputs import InputNeurons
from eqspike.rtl.layout import Layout
from eqspike.rtl.neurons import Neurons
from eqspike.rtl.nudge import OutputRates
from eqspike.rtl.pairs import PairChooser
from eqspike.rtl.pipeline import Pipeline
from eqspike.rtl.registers import NeuronRegisters
from eqspike.rtl.sequencer import Sequencer
from eqspike.rtl.spike_list import FiredInputs, SpikeList, SpikeQueue
from eqspike.rtl.streams import Mode, Stage, counter_layout, image_layout, neuron_layout, result_layout, weight_layout
from eqspike.rtl.sums import Sums
from eqspike.rtl.trace import WriteTrace, trace_signature
from eqspike.rtl.weight_port import WeightPort


class Core(wiring.Component):
    """The chip's core on P lanes.

    - `images` (stream of `rtl.streams.image_layout`) takes images, `results` (stream of `result_layout`) gives one
      result each, in order.
    - `weights` (stream of `weight_layout`) reads and writes single weights between images; every read gives one word
      on `weight_data` (stream, signed).
    - `halvings`: for each synapse layer, how often the learning rate has been halved. What is programmed later uses it,
      in an image too: who wants one rate for an image lets it stand until the result is offered.
    - `key_load` (1) sets the place `key` (32) in the stream of random draws to `key_data` (32), in any cycle; it moves
      on by itself at the end of each image learned. An image has the key of its beginning, which waits while `key_load`
      is high. A key that is loaded within an image is moved on at its end like any other, unless it is loaded in the
      very cycle of that end: then it stays.
    - `counters` (`counter_layout`); `clear_counters` (1) zeroes them.
    - `trace` (`rtl.trace.trace_signature`) shows every change of state as it happens, for simulation; a synthesiser
      removes what is not connected.

    An image takes as long as its spikes ask for: `counters.cycles` counts. A reset in an image ends it, without a
    result; weights keep what was learned of it.
    """

    def __init__(self, config: Config, hardware: HardwareConfig | None = None) -> None:
        self.config = config
        self.hardware = hardware or config.hardware
        self.numbers = fixed_numbers(config)
        self.layers = config.network.layers
        # More lanes than the widest layer would never be used.
        self.layout = Layout(config, min(self.hardware.lanes, max(self.layers[1:])), self.hardware.banks)
        self.lanes, self.banks = self.layout.lanes, self.layout.banks
        self.crossbar = Crossbar(config, self.layout, self.hardware.deep)
        self.prefetch, self.eager = self.hardware.prefetch, self.hardware.eager
        self.inputs = [
            InputNeurons(config, self.hardware.input_lanes, rows, self.prefetch, self.eager)
            for rows in self.layout.rows
        ]
        """Those of each bank."""
        self.rates = OutputRates(config, self.layout)
        self.state_layout = data.ArrayLayout(neuron_layout(config), self.lanes)
        self.image_port = ImagePort(config, self.banks, self.prefetch)
        self.result_port = ResultPort(config, self.rates)
        self.weight_port = WeightPort(self.crossbar)
        self.generator = Generator(config)
        lists = SpikeQueue if self.eager else SpikeList
        self.lists = [lists(config, self.layout, bank) for bank in range(self.banks)]
        """Those of each bank."""
        self.input_steps = [InputSteps(config) for _ in range(self.banks if self.eager else 0)]
        """Those of each bank, where they run ahead."""
        self.fired_inputs = FiredInputs(self.layout, lists.LISTS if self.eager else 1)
        self.bias = BiasNeuron(config)
        self.pairs = PairChooser(config, self.layout)
        self.sequencer = Sequencer(config, self.crossbar)
        self.pipeline = Pipeline(config, self.layout, self.lists)
        self.chunk_state = ChunkState(config, self.layout)
        self.registers = NeuronRegisters(config, self.crossbar)
        self.sums = Sums(config, self.crossbar)
        self.neurons = Neurons(config, self.crossbar, self.rates)
        self.event_counters = Counters(config, self.crossbar)
        self.measurements = Measurements(self.layout)
        self.write_trace = WriteTrace(config, self.crossbar)
        self.image_end = None
        if config.programming.image_end:
            self.image_end = ImageEnd(config, self.layout, self.crossbar.write_stage)
        super().__init__(
            {
                "images": In(stream.Signature(image_layout(config))),
                "results": Out(stream.Signature(result_layout(config))),
                "weights": In(stream.Signature(weight_layout(self.crossbar))),
                "weight_data": Out(stream.Signature(signed(self.crossbar.cell_bits))),
                "halvings": In(self.crossbar.halvings.shape()),
                "key_load": In(1),
                "key_data": In(32),
                "key": Out(32, init=self.numbers.seed),
                "clear_counters": In(1),
                "counters": Out(counter_layout(config)),
                "trace": Out(trace_signature(config, self.crossbar, self.rates)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name in (
            "crossbar", "rates", "image_port", "result_port", "weight_port", "generator", "fired_inputs", "bias",
            "pairs", "sequencer", "pipeline", "chunk_state", "registers", "sums", "neurons", "event_counters",
            "measurements", "write_trace",
        ):  # fmt: skip
            m.submodules[name] = getattr(self, name)
        for bank, (inputs, entries) in enumerate(zip(self.inputs, self.lists, strict=True)):
            m.submodules[f"inputs_{bank}"], m.submodules[f"spike_list_{bank}"] = inputs, entries
        self._connect_images(m)
        self._connect_weights(m)
        self._connect_inputs(m)
        if self.eager:
            self._connect_input_steps(m)
        self._connect_operations(m)
        self._connect_crossbar(m)
        self._connect_neurons(m)
        self._connect_outputs(m)
        self._connect_counters(m)
        self._connect_trace(m)
        return m

    def _connect_images(self, m: Module) -> None:
        """Images, results and the generator."""
        sequencer, generator, port = self.sequencer, self.generator, self.image_port
        connect(m, flipped(self.images), port.images)
        connect(m, self.result_port.results, flipped(self.results))
        for inputs, pixels in zip(self.inputs, port.pixels, strict=True):
            connect(m, pixels, inputs.pixels)
        m.d.comb += [
            port.loaded.eq(Cat(inputs.loaded for inputs in self.inputs)),
            port.empty.eq(self.inputs[0].empty),
            port.begin.eq(sequencer.begin),
            port.fill.eq(sequencer.fill),
            sequencer.offered.eq(port.offered),
            sequencer.filled.eq(port.filled),
            sequencer.mode.eq(port.mode),
            sequencer.result_valid.eq(self.results.valid),
            sequencer.key_load.eq(self.key_load),
            sequencer.warm.eq(generator.warm),
            generator.key_load.eq(self.key_load),
            generator.key_data.eq(self.key_data),
            self.key.eq(generator.key),
            generator.next_key.eq(sequencer.next_key),
            generator.begin.eq(sequencer.begin),
            generator.warm_up.eq(sequencer.warm_up),
            generator.draw_sign.eq(sequencer.draw_sign),
            generator.next_word.eq(self.pipeline.begins_step_a),
        ]

    def _connect_weights(self, m: Module) -> None:
        """The host's commands."""
        port, sequencer, crossbar = self.weight_port, self.sequencer, self.crossbar
        connect(m, flipped(self.weights), port.weights)
        connect(m, port.weight_data, flipped(self.weight_data))
        m.d.comb += [
            sequencer.weight_waiting.eq(port.waiting),
            sequencer.weight_ready.eq(port.ready),
            sequencer.weight_operation.eq(port.operation),
            port.take.eq(sequencer.weight_take),
            port.peek_valid.eq(crossbar.peek_valid),
            port.peek_data.eq(crossbar.peek_data),
            crossbar.poke_data.eq(port.data),
            crossbar.bank.eq(port.bank),
        ]

    def _connect_inputs(self, m: Module) -> None:
        """Input neurons, the lists of their spikes, and the bias."""
        sequencer, bias = self.sequencer, self.bias
        for bank, (inputs, entries) in enumerate(zip(self.inputs, self.lists, strict=True)):
            if inputs.gatherer.random:
                m.d.comb += inputs.first_phase.eq((self.generator.key[16:] * self.numbers.input_threshold)[16:])
            m.d.comb += [
                inputs.restart.eq(sequencer.restart),
                *([] if self.eager else [inputs.start.eq(sequencer.begin_step)]),
                inputs.counting.eq(self.sequencer.counting),
                entries.spike.valid.eq(inputs.spikes.valid),
                entries.spike.place.eq(inputs.spikes.payload),
                entries.spike.pulse.eq(inputs.pulse),
                entries.restart.eq(sequencer.restart),
                entries.end_step.eq(sequencer.end_step),
                entries.rewind.eq(sequencer.list_rewind),
                entries.next.eq(sequencer.list_next[bank]),
                sequencer.list_more[bank].eq(entries.more),
                sequencer.list_last[bank].eq(entries.last),
                self.fired_inputs.fired[bank].eq(entries.fired),
                getattr(self.pipeline, f"entry_{bank}").eq(entries.entry),
            ]
        made = [entries.ready for entries in self.lists] if self.eager else [~inputs.busy for inputs in self.inputs]
        m.d.comb += [
            sequencer.inputs_busy.eq(~Cat(made).all()),
            sequencer.list_place.eq(self.lists[0].place),
            sequencer.inputs_served.eq(self.fired_inputs.served),
            self.fired_inputs.restart.eq(sequencer.restart),
            self.fired_inputs.end_step.eq(sequencer.end_step),
            bias.restart.eq(sequencer.begin),
            bias.end_step.eq(sequencer.end_step),
            bias.counting.eq(self.sequencer.counting),
            sequencer.bias_spike.eq(bias.spike),
            sequencer.bias_pulse.eq(bias.pulse),
        ]

    def _connect_input_steps(self, m: Module) -> None:
        """Input neurons that run ahead."""
        sequencer = self.sequencer
        for bank, steps in enumerate(self.input_steps):
            m.submodules[f"input_steps_{bank}"] = steps
            inputs, entries = self.inputs[bank], self.lists[bank]
            m.d.comb += [
                steps.restart.eq(sequencer.restart),
                steps.begin_step.eq(sequencer.begin_step),
                steps.nudging.eq(sequencer.nudging),
                steps.alone.eq(self.image_port.mode == Mode.INFER_FIRST_SPIKE),
                steps.free.eq(inputs.free),
                steps.waiting.eq(entries.waiting),
                steps.close.eq(inputs.ends),
                inputs.start.eq(steps.start),
                entries.close.eq(inputs.ends),
                self.fired_inputs.list[bank].eq(entries.filling),
            ]

    def _connect_operations(self, m: Module) -> None:
        """What the sequencer issues, on its way, and what it waits for."""
        sequencer, pipeline, pairs, neurons = self.sequencer, self.pipeline, self.pairs, self.neurons
        m.d.comb += [
            pipeline.issued.eq(sequencer.issued),
            pipeline.step.eq(sequencer.step),
            sequencer.updates.eq(Cat(pipeline.updates, neurons.updates)),
            sequencer.settled.eq(neurons.settled),
            sequencer.pulses.eq(self.registers.pulses),
            pairs.chunk.eq(sequencer.chunk),
            pairs.spikes.eq(self.registers.spikes),
            pairs.pulses.eq(self.registers.pulses),
            pairs.learns.eq(sequencer.learns),
            pairs.forget.eq(sequencer.pairs_forget),
            pairs.choose.eq(sequencer.pairs_choose),
            pairs.serve.eq(sequencer.pairs_serve),
            sequencer.pairs_known.eq(pairs.known),
            sequencer.pairs_left.eq(pairs.left),
            sequencer.pairs_last.eq(pairs.last),
            pairs.settled.eq(neurons.settled),
            sequencer.pair_post.eq(pairs.post),
        ]

    def _connect_crossbar(self, m: Module) -> None:
        """The crossbar, and the sums that it gives to neurons above."""
        crossbar, state, registers, sums = self.crossbar, self.chunk_state, self.registers, self.sums
        m.d.comb += [
            crossbar.operation.eq(self.pipeline.operation_a),
            crossbar.word.eq(self.generator.word),
            crossbar.negative.eq(self.generator.negative),
            crossbar.halvings.eq(self.halvings),
            crossbar.spikes.eq(state.lane_spikes),
            crossbar.post_spike.eq(registers.above_spike),
            sums.forward.eq(crossbar.forward),
            sums.forward_valid.eq(crossbar.forward_valid),
            sums.forward_synapses.eq(crossbar.forward_synapses),
            sums.forward_post.eq(crossbar.forward_post),
            sums.update.eq(self.neurons.start),
            sums.restart.eq(self.sequencer.restart),
        ]
        if self.image_end is not None:
            self._connect_image_end(m)
            return
        m.d.comb += [
            crossbar.pulses.eq(state.lane_pulses),
            crossbar.post_pulse.eq(registers.above_pulse),
            crossbar.post_integrator.eq(registers.above_signal),
        ]
        m.d.comb += [crossbar.integrator[lane].eq(state.state[lane].integrator) for lane in range(self.lanes)]

    def _connect_image_end(self, m: Module) -> None:
        """What is programmed at the image's end: products of the neurons' sums, in place of their signals."""
        m.submodules.image_end = end = self.image_end
        sequencer, registers, pipeline = self.sequencer, self.registers, self.pipeline
        m.d.comb += [
            end.restart.eq(sequencer.restart),
            end.operation_a.eq(pipeline.operation_a),
            end.step_a.eq(pipeline.step_a),
            end.start.eq(sequencer.sweep_start),
            end.above_sum.eq(registers.above_signal),
            end.above_count.eq(registers.above_count),
            sequencer.sums_cleared.eq(end.cleared),
            sequencer.sweep_done.eq(end.done),
            sequencer.sweep_operation.eq(end.operation),
            self.crossbar.integrator.eq(end.products),
            self.crossbar.pulses.eq(end.acts),
        ]
        for lane in range(self.lanes):
            own = self.chunk_state.state[lane]
            m.d.comb += [end.sums[lane].eq(own.rate_sum), end.counts[lane].eq(own.spike_count)]

    def _connect_neurons(self, m: Module) -> None:
        """The neurons of the chunk being served, and of all chunks."""
        neurons, state, registers, pipeline = self.neurons, self.chunk_state, self.registers, self.pipeline
        m.d.comb += [
            state.operation_a.eq(pipeline.operation_a),
            state.tap_a.eq(pipeline.tap_a),
            state.step_a.eq(pipeline.step_a),
            state.operation_r.eq(pipeline.operation_r),
            state.tap_r.eq(pipeline.tap_r),
            state.spikes.eq(registers.spikes),
            state.pulses.eq(registers.pulses),
            state.update.eq(neurons.update),
            state.step.eq(neurons.steps_done),
            registers.update.eq(neurons.update),
            registers.restart.eq(self.sequencer.restart),
            registers.operation_a.eq(pipeline.operation_a),
            neurons.start.valid.eq(pipeline.operation_e.update),
            neurons.start.chunk.eq(pipeline.operation_e.chunk),
            neurons.state.eq(state.state),
            neurons.taps.eq(state.taps),
            neurons.lane_spikes.eq(state.lane_spikes),
            neurons.lane_pulses.eq(state.lane_pulses),
            neurons.sums.eq(self.sums.sums),
            neurons.nudge.eq(self.rates.drive),
            neurons.nudging.eq(self.sequencer.nudging),
            neurons.current.eq(self.crossbar.current),
            neurons.counting.eq(self.sequencer.counting),
            neurons.restart.eq(self.sequencer.restart),
            neurons.end_step.eq(self.sequencer.end_step),
        ]

    def _connect_outputs(self, m: Module) -> None:
        """Rates of the outputs, and the result."""
        rates, neurons, result, sequencer = self.rates, self.neurons, self.result_port, self.sequencer
        m.d.comb += [
            rates.restart.eq(sequencer.restart),
            rates.label.eq(self.image_port.label),
            rates.negative.eq(self.generator.negative),
            rates.update.eq(neurons.update.valid & neurons.output),
            rates.part.eq(neurons.part),
            rates.spikes.eq(neurons.update.spikes),
            rates.leaving.eq(neurons.update.leaving),
            rates.part_drive.eq(neurons.drive_part),
            rates.scan.eq(sequencer.scan),
            sequencer.first_valid.eq(rates.first_valid),
            sequencer.scanned.eq(rates.scanned),
            sequencer.within.eq(rates.within),
            result.begin.eq(sequencer.begin),
            result.restart.eq(sequencer.restart),
            result.steps_done.eq(neurons.steps_done),
            result.first_valid.eq(rates.first_valid),
            result.first_spike.eq(rates.first_spike),
            result.prediction.eq(rates.prediction),
            result.counts.eq(rates.counts),
            result.judge.eq(sequencer.judge),
            result.nudged.eq(sequencer.nudge),
            result.give.eq(sequencer.give),
        ]

    def _connect_counters(self, m: Module) -> None:
        """What is counted and measured."""
        events, sequencer, crossbar, update = (
            self.event_counters.events, self.sequencer, self.crossbar, self.neurons.update
        )  # fmt: skip
        served = Mux(sequencer.stage == Stage.SWEEP, 0, sequencer.issued.operation.as_value())
        m.d.comb += [
            events.restart.eq(sequencer.restart),
            events.end_step.eq(sequencer.end_step),
            events.result_valid.eq(self.results.valid),
            events.scanned.eq(self.rates.scanned),
            events.learns.eq(self.image_port.mode == Mode.LEARN),
            events.within.eq(self.rates.within),
            events.input_spikes.eq(Cat(inputs.spikes.valid for inputs in self.inputs)),
            events.update.eq(update.valid),
            events.chunk.eq(update.chunk),
            events.spikes.eq(update.spikes),
            events.saturated.eq(self.neurons.saturated),
            events.operations.eq(crossbar.operations),
            events.programmed.eq(crossbar.programmed),
            events.weight_saturations.eq(crossbar.saturations),
            self.event_counters.clear.eq(self.clear_counters),
            self.counters.eq(self.event_counters.counters),
            self.measurements.stage.eq(sequencer.stage),
            self.measurements.operation.eq(sequencer.issued.operation if self.image_end is None else served),
            self.measurements.clear.eq(self.clear_counters),
        ]

    def _connect_trace(self, m: Module) -> None:
        """What the trace shows."""
        trace, writes, crossbar, update = self.trace, self.write_trace, self.crossbar, self.neurons.update
        m.d.sync += trace.step_done.eq(self.neurons.step_done)
        m.d.comb += [
            writes.operation.eq(self.pipeline.operation_a),
            writes.step.eq(self.pipeline.step_a),
            writes.word_now.eq(self.generator.word),
            writes.valid.eq(crossbar.write_valid),
            writes.address.eq(crossbar.write_address),
            writes.data.eq(crossbar.write_data),
            trace.step.eq(self.neurons.steps_done),
            trace.word.eq(writes.word),
            trace.counts.eq(self.rates.counts),
            trace.inputs.eq(self.fired_inputs.served),
            trace.neurons_valid.eq(update.valid),
            trace.neurons_chunk.eq(update.chunk),
            trace.neurons.eq(update.state),
            trace.neurons_spikes.eq(update.spikes),
            trace.write_toggle.eq(writes.toggle),
            trace.write_valid.eq(writes.write_valid),
            trace.write_step.eq(writes.write_step),
            trace.write_address.eq(writes.write_address),
            trace.write_data.eq(writes.write_data),
            trace.stages.eq(self.measurements.stages),
            trace.rows.eq(self.measurements.rows),
            trace.row_cycles.eq(self.measurements.row_cycles),
        ]


__all__ = ["Core"]
