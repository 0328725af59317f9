"""Proofs of `rtl/neuron.py`."""

from __future__ import annotations

from amaranth.hdl import Const

from eqspike.golden.config import Config
from eqspike.golden.neuron import Membrane, integrate_and_fire
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.neuron import Lif
from formal import configs, golden
from formal.bench import Bench
from formal.registry import INDUCTION, proof


def constants(config: Config, threshold: object) -> Membrane:
    """Those of one neuron, as the golden kernel takes them."""
    numbers = fixed_numbers(config)
    return Membrane(
        numbers.leak_shift, numbers.membrane.low, numbers.membrane.high, golden.array((1, 1), lambda *at: threshold),
        config.neuron.refractory,
    )  # fmt: skip


@proof(
    "Membrane, refractory period, spike and saturation are those of golden.neuron.integrate_and_fire, for all inputs.",
    depth=7, method=INDUCTION, bug=("Mux(spike, membrane - threshold, membrane)", "Mux(spike, membrane, membrane)"),
    cases={"plain": {}, "gains": {"neuron": {"gain_spread": 0.3}}, "no_leak": {"neuron": {"leak": 0, "refractory": 4}}},
)  # fmt: skip
def equals_golden(b: Bench, **sections: object) -> None:
    config = configs.small(**sections)
    numbers = fixed_numbers(config)
    lif = b.add(Lif(config, max(numbers.current_bits) + 1))
    late = lif.LATENCY - lif.CURRENT_LATENCY
    current = b.past(lif.drive, lif.LATENCY) + b.past(lif.current, late)
    b.assume((current >= -(1 << len(lif.current) - 1)) & (current < 1 << len(lif.current) - 1))
    b.assume(lif.refractory < config.neuron.refractory)
    threshold = b.past(lif.threshold, lif.LATENCY) if lif.gains else numbers.threshold
    membrane = golden.array((1, 1), lambda *at: b.past(lif.membrane, lif.LATENCY))
    refractory = golden.array((1, 1), lambda *at: b.past(lif.refractory, lif.LATENCY))
    spikes = golden.array((1, 1))
    _, saturated = golden.run(
        b.m, integrate_and_fire, 0, 1, golden.array(1, lambda *at: current), constants(config, threshold), membrane,
        refractory, spikes,
    )  # fmt: skip
    known = b.since(lif.LATENCY)
    b.prove(~known | (lif.next_membrane == membrane[0, 0]))
    b.prove(~known | (lif.next_refractory == refractory[0, 0]))
    b.prove(~known | (lif.spike == spikes[0, 0]))
    b.prove(~known | (lif.saturated == saturated))
    b.reach(known & lif.spike & lif.saturated)
    b.reach(known & ~lif.spike & lif.saturated & (lif.next_membrane < Const(0)))
