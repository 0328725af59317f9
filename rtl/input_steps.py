"""When the input neurons of a bank take a step, where they run ahead of the rows that are served."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.rtl.spike_list import SpikeQueue
from eqspike.rtl.streams import step_shape


class InputSteps(wiring.Component):
    """Starts the steps of one bank's input neurons (`rtl.inputs.InputNeurons`, eager) as early as may be.

    How many steps come is known of the phase that was begun: so many are made, each as soon as there is room for its
    list. Who stops at the first spike makes one step at a time.

    - `restart` (1): an image begins. `begin_step` (1): one of its steps does, of the phase that `nudging` (1) tells.
    - `alone` (1), steady while an image is presented: no step is made before it begins.
    - `free` (1): a step may start. `waiting`: lists that wait (`rtl.spike_list.SpikeQueue`). `close` (1): one more does
      from the next cycle on.
    - `start` (1): a step starts; at the earliest in the cycle after the first `begin_step`.
    """

    def __init__(self, config: Config) -> None:
        self.learning = config.learning
        self.steps = step_shape(config)
        super().__init__(
            {
                "restart": In(1),
                "begin_step": In(1),
                "nudging": In(1),
                "alone": In(1),
                "free": In(1),
                "waiting": In(range(SpikeQueue.LISTS)),
                "close": In(1),
                "start": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        made, begun = Signal(self.steps), Signal()
        """Steps that were started. An image's first step has begun; `alone`: so has the next step."""
        under_way = Signal(range(SpikeQueue.LISTS))
        """Steps that were started and whose lists do not wait yet."""
        all_steps = self.learning.free_steps + self.learning.nudge_steps
        known = made != Mux(self.nudging, all_steps, self.learning.free_steps)
        # One list is being served.
        room = self.waiting + under_way < SpikeQueue.LISTS - 1
        # With `restart`, `nudging` tells of the new image, `made` of the last one.
        m.d.comb += self.start.eq(begun & known & self.free & room & ~self.restart)
        with m.If(self.restart):
            m.d.sync += [made.eq(0), begun.eq(0), under_way.eq(0)]
        with m.Else():
            m.d.sync += under_way.eq(under_way + self.start - self.close)
            with m.If(self.start):
                m.d.sync += made.eq(made + 1)
            with m.If(self.begin_step):
                m.d.sync += begun.eq(1)
            with m.Elif(self.start & self.alone):
                m.d.sync += begun.eq(0)
        return m


__all__ = ["InputSteps"]
