"""Proofs of `rtl/bias.py`."""

from __future__ import annotations

from amaranth.hdl import Mux

from eqspike.golden.number import fixed_numbers
from eqspike.golden.parameters import fixed_parameters
from eqspike.golden.step import bias_sends_pulse
from eqspike.rtl.bias import BiasNeuron
from formal import configs, golden
from formal.bench import Bench
from formal.registry import INDUCTION, proof


@proof("The bias fires in step 0 and then every T_refract steps, in every image.", depth=2, method=INDUCTION,
       bug=("phase == self.period - 1", "phase == self.period - 2"), cases={"2": {},
       "4": {"neuron": {"refractory": 4}}},
       bug_depth=8, cover_depth=8)  # fmt: skip
def fires(b: Bench, **sections: object) -> None:
    config = configs.small(**sections)
    block, period = b.add(BiasNeuron(config)), config.neuron.refractory
    phase = b.peek("dut.phase", range(period))
    step = b.register(16, "step")
    """Steps of the image that ended."""
    b.assume(step < 4000)
    b.m.d.sync += step.eq(Mux(block.restart, 0, step + block.end_step))
    b.prove(phase == step % period)
    b.prove(block.spike == ((step != 0) & (((step - 1)[:16] % period) == 0)))
    b.reach(block.spike & (step > period))


@proof("Where only every so many spikes program, the bias's do as golden.step.bias_sends_pulse says.", depth=14,
       bug=("& (phase == 0) & self.counting", "& self.counting"), cases={
           "image": {"programming": {"every": 3, "count_from": "image"}},
           "nudge": {"programming": {"every": 2}, "learning": {"free_steps": 8, "window": 8,
           "nudge_steps": 9}}})  # fmt: skip
def programs(b: Bench, **sections: object) -> None:
    config = configs.small(**sections)
    block, p = b.add(BiasNeuron(config), leave=("counting",)), fixed_parameters(config, fixed_numbers(config), 0)
    step = b.register(16, "step")
    b.m.d.sync += step.eq(Mux(block.restart, 0, step + block.end_step))
    b.m.d.comb += block.counting.eq(step >= p.pulse_from)
    sends = golden.run(b.m, bias_sends_pulse, step, 0, 0, p)
    b.prove((step == 0) | ~block.spike | (step <= p.pulse_from) | (block.pulse == sends))
    b.reach(block.spike & block.pulse)
