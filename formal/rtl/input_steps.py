"""Proofs of `rtl/input_steps.py`."""

from __future__ import annotations

from amaranth.hdl import Mux

from eqspike.rtl.input_steps import InputSteps
from eqspike.rtl.spike_list import SpikeQueue
from formal import configs
from formal.bench import Bench
from formal.registry import proof

FREE, NUDGE = 3, 2


@proof("After an image's restart input neurons start a step only when they are free, there is room for its list, the "
       "image has begun and its phase has such a step; where they may, and are not to wait for each step's beginning, "
       "they do.", depth=9, any_state=True,
       bug=("& room & ~self.restart", "& room"))  # fmt: skip
def starts(b: Bench) -> None:
    config = configs.small(
        learning={"free_steps": FREE, "nudge_steps": NUDGE, "window": 2}, rate={"delay": 2}
    )  # fmt: skip
    block = b.add(InputSteps(config))
    b.assume(b.first == block.restart)
    alone = b.held(1, "alone")
    b.assume(block.alone == alone)
    begun, made, open_steps = b.register(1, "begun"), b.register(4, "made"), b.register(3, "open_steps")
    due = b.register(4, "due")
    """Steps that began, and are not yet started."""
    b.assume(~block.close | (open_steps != 0))
    b.assume(~b.past(block.nudging) | b.first | block.nudging)
    # A nudge phase begins when the free phase's steps are made.
    b.assume(b.first | ~block.nudging | b.past(block.nudging) | (made == FREE))
    b.assume(block.waiting + open_steps < SpikeQueue.LISTS)
    b.m.d.sync += [
        begun.eq(begun | block.begin_step),
        made.eq(made + block.start),
        open_steps.eq(open_steps + block.start - block.close),
        due.eq(due + block.begin_step - block.start),
    ]
    b.assume(~alone | ~block.begin_step | (due == 0))
    with b.m.If(b.first):
        b.m.d.sync += [begun.eq(0), made.eq(0), open_steps.eq(0), due.eq(0)]
    limit = Mux(block.nudging, FREE + NUDGE, FREE)
    may = ~b.first & begun & (made < limit) & block.free & (block.waiting + open_steps < SpikeQueue.LISTS - 1)
    b.prove(~block.start | may)
    b.prove(~block.start | ~alone | (due != 0))
    b.prove(~may | alone | block.start)
    b.reach(block.start & (made == FREE))
    b.reach(block.start & alone & (made == 1))
