"""Lists of the inputs that fired: the list of step t-1 is served while that of step t, or a later one, is made."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, unsigned
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
    - `place` (bits for the count of the inputs): the entry that is served next; `more` (1): there is one, `last` (1):
      and no other after it.
    - `entry` (`entry_layout`): entry `place` as it was `LATENCY` cycles ago: `place` of the input in the bank, `pulse`
      where only every so many spikes program, `number` where draws depend on it and it is not the place.

    Throughput: one spike in and one entry out in each cycle.
    """

    LATENCY = 1
    LISTS = 2
    """That the memory holds."""

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
                "last": Out(1),
                "entry": Out(self.entry_layout),
            }
            | self._more_ports()
        )

    def _more_ports(self) -> dict[str, object]:
        return {}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        half_bits = ceil_log2(max(2, len(self.rows)))
        m.submodules.memory = memory = Memory(shape=self.entry_layout, depth=self.LISTS << half_bits, init=[])
        write, read = memory.write_port(), memory.read_port()
        filled, count = (Signal(range(len(self.rows) + 1), name=name) for name in ("filled", "count"))
        """Entries of the list that is being filled, and of the one that is being served."""
        final = Signal.like(self.place)
        """The last one's place, where there is one."""
        at, filling, serving = self._turn(m, filled, count, final)
        one_bank = self.layout.banks == 1
        m.d.comb += [
            self.fired.valid.eq(self.spike.valid),
            self.fired.number.eq(self.spike.place if one_bank else table(self.rows, self.spike.place)),
            write.en.eq(self.spike.valid),
            write.data.place.eq(self.spike.place),
            write.data.pulse.eq(self.spike.pulse),
            write.addr.eq(Cat(at[:half_bits], filling)),
            read.addr.eq(Cat(self.place[:half_bits], serving)),
            self.entry.eq(read.data),
            self.more.eq(self.place != count),
            self.last.eq(self.more & (self.place == final)),
        ]
        if self.numbered:
            m.d.comb += write.data.number.eq(self.fired.number)
        with m.If(self.rewind):
            m.d.sync += self.place.eq(0)
        with m.Elif(self.next):
            m.d.sync += self.place.eq(self.place + 1)
        return m

    def _turn(self, m: Module, filled: Signal, count: Signal, final: Signal) -> tuple[Value, Value, Value]:
        """(where in it a spike goes, the half that is being filled, the one that is being served); and how their
        lengths follow."""
        filling = Signal()
        with m.If(self.spike.valid):
            m.d.sync += filled.eq(filled + 1)
        with m.If(self.restart):
            m.d.sync += [filled.eq(0), count.eq(0)]
        with m.Elif(self.end_step):
            m.d.sync += [filling.eq(~filling), count.eq(filled), final.eq(filled - 1), filled.eq(0)]
        return filled, filling, ~filling


class SpikeQueue(SpikeList):
    """A `SpikeList` of more lists than two, which are made ahead of the one that is served.

    - `close` (1): the list that is being made is complete, and this cycle's spike is the next list's.
    - `ready` (1): a complete list waits; only then `end_step`, with which the first that waits is served.
    - `filling` (2 bits): the list that this cycle's spike goes to, counted through from 0 on after `restart`, modulo
      LISTS.
    - `waiting`: complete lists that wait, at most LISTS - 2 while another one is made.
    """

    LISTS = 4

    def _more_ports(self) -> dict[str, object]:
        return {"close": In(1), "ready": Out(1), "filling": Out(range(self.LISTS)), "waiting": Out(range(self.LISTS))}

    def _turn(self, m: Module, filled: Signal, count: Signal, final: Signal) -> tuple[Value, Value, Value]:
        counts = Array(Signal.like(filled, name=f"count_{i}") for i in range(self.LISTS))
        made, first = Signal(range(self.LISTS)), Signal(range(self.LISTS))
        """The list that is being made; the one that is served after this one."""
        at = Mux(self.close, 0, filled)
        m.d.comb += [self.ready.eq(self.waiting != 0), self.filling.eq(made + self.close)]
        with m.If(self.restart):
            m.d.sync += [filled.eq(0), count.eq(0), made.eq(0), first.eq(0), self.waiting.eq(0)]
        with m.Else():
            m.d.sync += [
                filled.eq(at + self.spike.valid),
                made.eq(self.filling),
                self.waiting.eq(self.waiting + self.close - self.end_step),
            ]
            with m.If(self.close):
                m.d.sync += counts[made].eq(filled)
            with m.If(self.end_step):
                m.d.sync += [count.eq(counts[first]), final.eq(counts[first] - 1), first.eq(first + 1)]
        return at, self.filling, (first - 1)[: len(first)]


class FiredInputs(wiring.Component):
    """Which inputs fired, as one bit each.

    - `fired` (`fired_layout` for each bank): those of this cycle. `list` (for each bank, 0 where there is one list at a
      time): the list that they belong to, of `lists`.
    - `restart` (1): an image begins. `end_step` (1): the first step that was made becomes the one being served.
    - `served` (a bit an input): inputs whose spikes are being served, from the cycle after `end_step`.
    """

    def __init__(self, layout: Layout, lists: int = 1) -> None:
        self.inputs, self.banks, self.lists = layout.layers[0], layout.banks, lists
        super().__init__(
            {
                "fired": In(data.ArrayLayout(fired_layout(layout), self.banks)),
                "list": In(data.ArrayLayout(range(lists), self.banks)),
                "restart": In(1),
                "end_step": In(1),
                "served": Out(self.inputs),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        made = Array(Signal(self.inputs, name=f"made_{i}") for i in range(self.lists))
        """Inputs that fired in steps that are being made, or wait."""
        first = Signal(range(self.lists))
        # A shift: to select a bit of so many that is written makes a case for each, which no tool is fast at.
        fired = [(self.fired[bank].valid << self.fired[bank].number)[: self.inputs] for bank in range(self.banks)]
        for i, bits in enumerate(made):
            kept: Value = Mux(self.end_step & (first == i), 0, bits)
            for bank in range(self.banks):
                kept = kept | Mux(self.list[bank] == i, fired[bank], 0)
            m.d.sync += bits.eq(Mux(self.restart, 0, kept))
        with m.If(self.end_step):
            m.d.sync += [self.served.eq(made[first]), first.eq(first + 1)]
        with m.If(self.restart):
            m.d.sync += first.eq(0)
        return m


__all__ = ["FiredInputs", "SpikeList", "SpikeQueue", "fired_layout"]
