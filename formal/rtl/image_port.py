"""Proofs of `rtl/image_port.py`."""

from __future__ import annotations

from eqspike.rtl.image_port import ResultPort
from eqspike.rtl.layout import Layout
from eqspike.rtl.nudge import OutputRates
from formal import configs
from formal.bench import Bench
from formal.registry import INDUCTION, proof


@proof("A result waits unchanged until it is taken, if no image begins before.", depth=2, method=INDUCTION,
       cover_depth=5,
       bug_depth=6, bug=("with m.If(self.results.valid & self.results.ready):",
       "with m.If(self.results.valid):"))  # fmt: skip
def results_stable(b: Bench) -> None:
    config = configs.small()
    block = b.add(ResultPort(config, OutputRates(config, Layout(config, 2))))
    # The sequencer begins an image, and so judges and gives, only while no result waits.
    strobes = block.begin | block.judge | block.nudged | block.give | block.restart
    b.assume(~block.results.valid | ~strobes)
    known = b.peek("dut.first_step_known", 1)
    b.assume(~block.results.valid | known | ~block.first_valid)
    b.stable(block.results)
    b.reach(block.results.valid & block.results.payload.nudged & (block.results.payload.first_step == 3))
