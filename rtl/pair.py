"""Two neurons and one synapse from the chip's own parts, for the check of the learning law (`golden.law`)."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import Config
from golden.device import fixed_thresholds
from golden.number import fixed_numbers, history_depth, neuron_numbers
from rtl.crossbar import Crossbar, Kind
from rtl.layout import Layout
from rtl.neuron import Lif
from rtl.number import xorshift32
from rtl.pulse import PulseTail
from rtl.rate import RhoBar


class Pair(wiring.Component):
    """The two-way synapse of the network 1-1-1 and its two neurons, each with a current of its own.

    `restart` forgets everything, sets the weight to 0 and takes the generator's word from `word_data`. Each transfer of
    `drives` (presynaptic, postsynaptic current in membrane LSBs) then runs one step, which programs the synapse with
    the spikes and rho-bars of the step before; `done` strobes when the state stands. A step takes 14 cycles.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.numbers = fixed_numbers(config)
        self.crossbar = Crossbar(config, Layout(config, 1))
        self.current_bits = self.numbers.membrane.bits + 1
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
        config, layout = self.config, crossbar.layout
        chunk, place = layout.chunks[0], layout.place(1, 0, 0)
        op = crossbar.operation
        started, wait = Signal(), Signal(range(16))
        drives = Signal.like(self.drives.payload)
        update = Signal()
        pulses = Signal(2)
        """Who sends a programming pulse: with rho-bar, who fired; in A-EqSpike, who did half a pulse's length ago."""

        m.d.comb += [
            crossbar.word.eq(self.word),
            crossbar.spikes.eq(self.spikes[0]),
            crossbar.pulses.eq(pulses[0]),
            crossbar.post_spike.eq(self.spikes[1]),
            crossbar.post_pulse.eq(pulses[1]),
            crossbar.integrator[0].eq(self.integrator[0]),
            crossbar.post_integrator.eq(self.integrator[1]),
            op.chunk.eq(chunk.index),
            op.address.eq(place[0]),
            op.synapses.eq(1),
            op.number.eq(neuron_numbers(config.network.layers)[2]),
        ]
        with m.If(crossbar.write_valid):
            m.d.sync += self.weight.eq(crossbar.write_data[0][0])

        for n in range(2):
            lif = Lif(config, self.current_bits)
            rho = PulseTail(config) if config.pulses else RhoBar(config)
            m.submodules[f"lif_{n}"], m.submodules[f"signal_{n}"] = lif, rho
            history = Signal(history_depth(config), name=f"history_{n}")
            if config.pulses:
                half = config.pulse.half
                ages = (1, half, half + 1, 2 * half + 1)
            else:
                ages = (config.rate.filter, config.rate.delay, config.rate.delay + config.rate.filter, 1)
            m.d.comb += [
                lif.membrane.eq(self.membrane[n]),
                lif.refractory.eq(self.refractory[n]),
                lif.threshold.eq(int(fixed_thresholds(config, self.numbers.membrane)[n + 1][0])),
                lif.current.eq(drives.pre if n == 0 else drives.post),
                # Bit i of the history is the spike of i + 1 steps ago.
                rho.spike.eq(lif.spike),
                rho.leaving.eq(history[ages[0] - 1]),
                rho.delayed.eq(history[ages[1] - 1]),
                rho.delayed_leaving.eq(history[ages[2] - 1]),
                rho.old.eq(history[ages[3] - 1]),
                rho.filtered.eq(self.filtered[n]),
                rho.integrator.eq(self.integrator[n]),
            ]
            with m.If(self.restart):
                m.d.sync += [
                    self.membrane[n].eq(0), self.refractory[n].eq(0), self.spikes[n].eq(0),
                    self.filtered[n].eq(0), self.integrator[n].eq(0), history.eq(0), pulses.eq(0),
                ]  # fmt: skip
            with m.Elif(update):
                m.d.sync += [
                    self.membrane[n].eq(lif.next_membrane),
                    self.refractory[n].eq(lif.next_refractory),
                    self.spikes[n].eq(lif.spike),
                    pulses[n].eq(rho.pulse),
                    self.filtered[n].eq(rho.next_filtered),
                    self.integrator[n].eq(rho.next_integrator),
                    history.eq(Cat(lif.spike, history)),
                ]

        m.d.sync += self.done.eq(0)
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.restart):
                    m.d.comb += op.kind.eq(Kind.POKE)
                    m.d.sync += [self.word.eq(self.word_data), started.eq(0), wait.eq(5 + crossbar.extra_stages)]
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
                with m.If(started & (self.spikes | pulses).any()):
                    m.d.comb += [op.kind.eq(Kind.PAIR), op.program.eq(1)]
                m.d.sync += wait.eq(9)
                m.next = "NEURONS"
            with m.State("NEURONS"):
                # Four cycles for the word to be written back, four for the neurons, whose inputs stand still.
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.d.comb += update.eq(1)
                    m.d.sync += [self.done.eq(1), started.eq(1)]
                    m.next = "IDLE"
        return m
