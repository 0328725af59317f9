"""Proofs of `rtl/spike_list.py`."""

from __future__ import annotations

from amaranth.hdl import Mux

from eqspike.rtl.layout import Layout
from eqspike.rtl.spike_list import FiredInputs, SpikeList, SpikeQueue
from formal import configs
from formal.bench import Bench
from formal.registry import INDUCTION, proof


@proof("The spikes of a step, any of them, are served in the next one in the order in which they came, as "
       "many as there "
       "were; no entry is read as it is written.", depth=14, any_state=True, weight=2,
       bug=("self.place[:half_bits], serving", "self.place[:half_bits], filling"))  # fmt: skip
def serves_what_came(b: Bench) -> None:
    config = configs.small(network={"layers": [5, 2, 2]})
    block = b.add(SpikeList(config, Layout(config, 2), 0))
    filled = b.peek("dut.filled", range(6))
    b.assume(~b.first | block.restart)
    b.assume(b.first | ~block.restart)
    b.assume(~block.spike.valid | ((filled < 5) & ~block.end_step & ~block.restart & (block.spike.place < 5)))
    b.assume(~block.next | block.more | block.rewind)
    # One entry, the number `which`, of the step that is made and of the one that is served.
    which = b.held(range(5), "which")
    made, served, number = b.register(3, "made"), b.register(3, "served"), b.register(range(6), "number")
    ends = block.end_step & ~block.restart  # an image that begins has no step to end
    with b.m.If(ends):
        b.m.d.sync += [served.eq(made), number.eq(filled)]
    with b.m.If(block.spike.valid & (filled == which)):
        b.m.d.sync += made.eq(block.spike.place)
    started = b.register(1, "started")
    b.m.d.sync += started.eq(started | ends)
    rewound = b.register(1, "rewound")
    b.m.d.sync += rewound.eq(~ends & (rewound | block.rewind))
    asked = started & rewound & (block.place == which) & block.more
    b.prove(~b.past(asked) | (block.entry.place == b.past(served)))
    b.prove(~started | ~rewound | (block.more == (block.place != number)))
    b.prove(~started | ~rewound | (block.last == (block.more & (block.place + 1 == number))))
    b.reach(b.past(asked) & (which == 2) & (block.entry.place == 4))


@proof("Where lists are made ahead: each is served in its turn, in the order in which its spikes came, as many as "
       "there were, whatever is made meanwhile; no entry is read as it is written.", depth=14, any_state=True, weight=3,
       bug=("at = Mux(self.close, 0, filled)", "at = filled"))  # fmt: skip
def queues_what_came(b: Bench) -> None:
    config = configs.small(network={"layers": [3, 2, 2]})
    block = b.add(SpikeQueue(config, Layout(config, 2), 0))
    b.assume(b.first == block.restart)
    filled, waits = b.peek("dut.filled", range(4)), block.waiting
    at = Mux(block.close, 0, filled)
    b.assume(~block.spike.valid | ((at < 3) & ~block.restart & (block.spike.place < 3)))
    # The list that is served has a place, and so have those that wait and the one that is made.
    b.assume(~block.close | (waits < block.LISTS - 1))
    b.assume(~block.spike.valid | (waits + block.close < block.LISTS - 1))
    b.assume(~block.end_step | block.ready)
    b.assume(~block.next | block.more | block.rewind)
    # One entry, the number `which`, of one list, the number `turn`.
    turn, which = b.held(range(1, 4), "turn"), b.held(range(3), "which")
    made, taken = b.register(4, "made"), b.register(4, "taken")
    entry, number = b.register(2, "entry"), b.register(range(4), "number")
    began = ~block.restart
    with b.m.If(began & block.spike.valid & (made + block.close == turn) & (at == which)):
        b.m.d.sync += entry.eq(block.spike.place)
    with b.m.If(began & block.close & (made == turn)):
        b.m.d.sync += number.eq(filled)
    b.m.d.sync += [made.eq(made + (began & block.close)), taken.eq(taken + (began & block.end_step))]
    rewound = b.register(1, "rewound")
    b.m.d.sync += rewound.eq(~block.end_step & began & (rewound | block.rewind))
    # The first list that is taken is number 0.
    serves = (taken == turn + 1) & rewound
    asked = serves & (block.place == which) & block.more
    b.prove(b.first | (block.waiting == (made - taken)[: len(block.waiting)]))
    b.prove(~b.past(asked) | (block.entry.place == b.past(entry)))
    b.prove(~serves | (block.more == (block.place != number)))
    b.prove(~serves | (block.last == (block.more & (block.place + 1 == number))))
    b.reach(b.past(asked) & (which == 1) & (block.entry.place == 2) & (made == 3))


@proof("Every input that fired in a step, and no other, is among those served in the next.", depth=2, method=INDUCTION,
       bug=("self.served.eq(made[first])", "self.served.eq(self.served | made[first])"), bug_depth=5,
       cover_depth=5)  # fmt: skip
def fired(b: Bench) -> None:
    config = configs.small(network={"layers": [5, 2, 2]})
    block = b.add(FiredInputs(Layout(config, 2)))
    made = b.peek("dut.made_0", 5)
    for n in range(5):
        hit = block.fired[0].valid & (block.fired[0].number == n)
        after = Mux(block.restart, 0, Mux(block.end_step, 0, made[n]) | hit)
        b.prove(b.first | (made[n] == b.past(after)))
        b.prove(b.first | (block.served[n] == b.past(Mux(block.end_step, made[n], block.served[n]))))
    b.reach(block.served == 5)
