"""Two neurons and one synapse from the chip's own parts, for the check of the learning law (`golden.law`)."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.derived import history_depth, neuron_numbers
from eqspike.golden.deviations import fixed_thresholds
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.draw import xorshift32
from eqspike.rtl.layout import Layout
from eqspike.rtl.neuron import Lif
from eqspike.rtl.operation import Kind
from eqspike.rtl.pulse import PulseTail
from eqspike.rtl.rate import RhoBar


class Pair(wiring.Component):
    """The two-way synapse of the network 1-1-1 and its two neurons, each with a current of its own.

    `restart` forgets everything, sets the weight to 0 and takes the generator's word from `word_data`. Each transfer of
    `drives` (presynaptic, postsynaptic current in membrane LSBs) then runs one step, which programs the synapse with
    the spikes and rho-bars of the step before; `done` strobes when the state stands, `step_cycles` after the
    transfer.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.numbers = fixed_numbers(config)
        self.crossbar = Crossbar(config, Layout(config, 1))
        self.current_bits = self.numbers.membrane.bits + 1
        self.written = self.crossbar.write_stage + 1
        """Cycles from an operation to its word, in memory and on `weight`."""
        self.taken = max(self.written, Lif.LATENCY + RhoBar.LATENCY)
        """Cycles from a step's operation, when the neurons' inputs stand, to all that it changes."""
        self.step_cycles = 1 + self.taken + 1
        self.restart_cycles = 1 + self.written + 1
        """Cycles from `restart` until drives are taken."""
        filtered = unsigned(self.numbers.tail_count_bits) if config.pulses else signed(self.numbers.filter.bits)
        drive = data.StructLayout({"pre": signed(self.current_bits), "post": signed(self.current_bits)})
        super().__init__(
            {
                "restart": In(1),
                "word_data": In(32),
                "drives": In(stream.Signature(drive)),
                "done": Out(1),
                "word": Out(32),
                "weight": Out(signed(self.crossbar.weight_bits)),
                "spikes": Out(2),
                "membrane": Out(data.ArrayLayout(signed(self.numbers.membrane.bits), 2)),
                "refractory": Out(data.ArrayLayout(unsigned((config.neuron.refractory - 1).bit_length()), 2)),
                "filtered": Out(data.ArrayLayout(filtered, 2)),
                "integrator": Out(data.ArrayLayout(signed(self.numbers.signal.bits), 2)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crossbar = crossbar = self.crossbar
        layout, op = crossbar.layout, crossbar.operation
        drives, update = Signal.like(self.drives.payload), Signal()
        """The currents of the step at hand; its neurons' outputs are taken."""
        currents = (drives.pre, drives.post)
        pulses = [self._neuron(m, n, current, update) for n, current in enumerate(currents)]
        m.d.comb += [
            crossbar.word.eq(self.word),
            crossbar.spikes.eq(self.spikes[0]),
            crossbar.pulses.eq(pulses[0]),
            crossbar.post_spike.eq(self.spikes[1]),
            crossbar.post_pulse.eq(pulses[1]),
            crossbar.integrator[0].eq(self.integrator[0]),
            crossbar.post_integrator.eq(self.integrator[1]),
            op.chunk.eq(layout.chunks[0].index),
            op.address.eq(layout.place(1, 0, 0)[0]),
            op.synapses.eq(1),
            op.number.eq(neuron_numbers(self.config.network.layers)[2]),
        ]
        with m.If(crossbar.write_valid):
            m.d.sync += self.weight.eq(crossbar.write_data[0][0])
        self._sequence(m, drives, update, (self.spikes | Cat(pulses)).any())
        return m

    def _ages(self) -> tuple[int, int, int, int]:
        """How many steps ago the spikes are that a signal's block reads: `leaving`, `delayed`, `delayed_leaving`,
        `old`."""
        if self.config.pulses:
            half = self.config.pulse.half
            return 1, half, half + 1, 2 * half + 1
        rate = self.config.rate
        return rate.filter, rate.delay, rate.delay + rate.filter, 1

    def _neuron(self, m: Module, n: int, current: Value, update: Signal) -> Signal:
        """Neuron n, which takes a step with `update`. Returns whether it sends a programming pulse: with rho-bar, when
        it fired; in A-EqSpike, when it did half a pulse's length ago."""
        config = self.config
        lif = Lif(config, self.current_bits)
        rho = PulseTail(config) if config.pulses else RhoBar(config)
        m.submodules[f"lif_{n}"], m.submodules[f"signal_{n}"] = lif, rho
        history, pulse = Signal(history_depth(config), name=f"history_{n}"), Signal(name=f"pulse_{n}")
        # Bit i of the history is the spike of i + 1 steps ago.
        leaving, delayed, delayed_leaving, old = (history[age - 1] for age in self._ages())
        m.d.comb += [
            lif.membrane.eq(self.membrane[n]),
            lif.refractory.eq(self.refractory[n]),
            lif.threshold.eq(int(fixed_thresholds(config, self.numbers.membrane)[n + 1][0])),
            lif.current.eq(current),
            rho.spike.eq(lif.spike),
            rho.leaving.eq(leaving),
            rho.delayed.eq(delayed),
            rho.delayed_leaving.eq(delayed_leaving),
            rho.old.eq(old),
            rho.filtered.eq(self.filtered[n]),
            rho.integrator.eq(self.integrator[n]),
        ]
        with m.If(self.restart):
            m.d.sync += [
                self.membrane[n].eq(0), self.refractory[n].eq(0), self.spikes[n].eq(0), self.filtered[n].eq(0),
                self.integrator[n].eq(0), history.eq(0), pulse.eq(0),
            ]  # fmt: skip
        with m.Elif(update):
            m.d.sync += [
                self.membrane[n].eq(lif.next_membrane),
                self.refractory[n].eq(lif.next_refractory),
                self.spikes[n].eq(lif.spike),
                pulse.eq(rho.pulse),
                self.filtered[n].eq(rho.next_filtered),
                self.integrator[n].eq(rho.next_integrator),
                history.eq(Cat(lif.spike, history)),
            ]
        return pulse

    def _sequence(self, m: Module, drives: data.View, update: Signal, programs: Value) -> None:
        """Steps, one for each transfer. `programs`: a neuron fired or sends a pulse."""
        op = self.crossbar.operation
        started, wait = Signal(name="started"), Signal(range(self.taken + 1), name="wait")
        m.d.sync += self.done.eq(0)
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.restart):
                    m.d.comb += op.kind.eq(Kind.POKE)
                    m.d.sync += [self.word.eq(self.word_data), started.eq(0), wait.eq(self.written)]
                    m.next = "RESTART"
                with m.Elif(self.drives.valid):
                    m.d.comb += self.drives.ready.eq(1)
                    m.d.sync += [drives.eq(self.drives.payload), self.word.eq(xorshift32(self.word))]
                    m.next = "PROGRAM"
            with m.State("RESTART"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.next = "IDLE"
            with m.State("PROGRAM"):
                with m.If(started & programs):
                    m.d.comb += [op.kind.eq(Kind.PAIR), op.program.eq(1)]
                m.d.sync += wait.eq(self.taken - 1)
                m.next = "NEURONS"
            with m.State("NEURONS"):
                # The word is written back while the neurons take the step; their inputs stand still.
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.d.comb += update.eq(1)
                    m.d.sync += [self.done.eq(1), started.eq(1)]
                    m.next = "IDLE"
