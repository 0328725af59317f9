"""Lists of the inputs that fired: the list of step t-1 is served while that of step t is made."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.layout import Layout
from eqspike.rtl.number import table


def fired_layout(layout: Layout) -> data.StructLayout:
    """An input that fired: its `number` among all inputs, when `valid`."""
    return data.StructLayout({"valid": 1, "number": range(max(2, layout.layers[0]))})


class SpikeList(wiring.Component):
    """The input spikes of one bank, in a memory of two halves: one is filled while the other is served.

    - `spike` (`spike_layout`): when `valid`, the `place`, among the bank's inputs, of one that fired, and whether it
      sends a programming `pulse`.
    - `fired` (`fired_layout`): the same spike by its number among all inputs. Combinational.
    - `restart` (1): an image begins, both halves are empty. `end_step` (1): the half that was filled is served from the
      next cycle on, and the other one is filled anew. A spike in a cycle with `end_step` is lost: none comes then.
    - `rewind` (1): serve the list from its first entry. `next` (1): the entry after `place` is next.
    - `place` (bits for the count of the inputs): the entry that is served next; `more` (1): there is one.
    - `entry` (`entry_layout`): entry `place` as it was `LATENCY` cycles ago: `place` of the input in the bank, `pulse`
      where only every so many spikes program, `number` where draws depend on it and it is not the place.

    Throughput: one spike in and one entry out in each cycle.
    """

    LATENCY = 1

    def __init__(self, config: Config, layout: Layout, bank: int) -> None:
        self.layout = layout
        self.rows = layout.rows[bank]
        """The bank's inputs."""
        self.numbered = layout.banks > 1 and fixed_numbers(config).synapses[0].per_synapse
        """An entry also holds the input's number among all, on which draws depend."""
        index = unsigned(max(1, ceil_log2(len(self.rows))))
        self.spike_layout = data.StructLayout({"valid": 1, "place": index, "pulse": 1})
        self.entry_layout = data.StructLayout(
            {
                "place": index,
                "pulse": int(config.programming.every > 1),
                "number": range(max(2, layout.layers[0])) if self.numbered else 0,
            }
        )
        super().__init__(
            {
                "spike": In(self.spike_layout),
                "fired": Out(fired_layout(layout)),
                "restart": In(1),
                "end_step": In(1),
                "rewind": In(1),
                "next": In(1),
                "place": Out(range(layout.layers[0] + 1)),
                "more": Out(1),
                "entry": Out(self.entry_layout),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        half_bits = ceil_log2(max(2, len(self.rows)))
        m.submodules.memory = memory = Memory(shape=self.entry_layout, depth=2 << half_bits, init=[])
        write, read = memory.write_port(), memory.read_port()
        filling = Signal()
        """The half that is being filled."""
        filled, count = (Signal(range(len(self.rows) + 1), name=name) for name in ("filled", "count"))
        """Entries of the half that is being filled, and of the one that is being served."""
        one_bank = self.layout.banks == 1
        m.d.comb += [
            self.fired.valid.eq(self.spike.valid),
            self.fired.number.eq(self.spike.place if one_bank else table(self.rows, self.spike.place)),
            write.en.eq(self.spike.valid),
            write.data.place.eq(self.spike.place),
            write.data.pulse.eq(self.spike.pulse),
            write.addr.eq(Cat(filled[:half_bits], filling)),
            read.addr.eq(Cat(self.place[:half_bits], ~filling)),
            self.entry.eq(read.data),
            self.more.eq(self.place != count),
        ]
        if self.numbered:
            m.d.comb += write.data.number.eq(self.fired.number)
        with m.If(self.spike.valid):
            m.d.sync += filled.eq(filled + 1)
        with m.If(self.restart):
            m.d.sync += [filled.eq(0), count.eq(0)]
        with m.Elif(self.end_step):
            m.d.sync += [filling.eq(~filling), count.eq(filled), filled.eq(0)]
        with m.If(self.rewind):
            m.d.sync += self.place.eq(0)
        with m.Elif(self.next):
            m.d.sync += self.place.eq(self.place + 1)
        return m


class FiredInputs(wiring.Component):
    """Which inputs fired, as one bit each.

    - `fired` (`fired_layout` for each bank): those of this cycle.
    - `restart` (1): an image begins. `end_step` (1): the step being made becomes the one being served.
    - `served` (a bit an input): inputs whose spikes are being served, from the cycle after `end_step`.
    """

    def __init__(self, layout: Layout) -> None:
        self.inputs, self.banks = layout.layers[0], layout.banks
        super().__init__(
            {
                "fired": In(data.ArrayLayout(fired_layout(layout), self.banks)),
                "restart": In(1),
                "end_step": In(1),
                "served": Out(self.inputs),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        made = Signal(self.inputs)
        """Inputs that fired in the step that is being made."""
        for bank in range(self.banks):
            with m.If(self.fired[bank].valid):
                m.d.sync += made.bit_select(self.fired[bank].number, 1).eq(1)
        with m.If(self.restart | self.end_step):
            m.d.sync += made.eq(0)
        with m.If(self.end_step):
            m.d.sync += self.served.eq(made)
        return m


__all__ = ["FiredInputs", "SpikeList", "fired_layout"]
