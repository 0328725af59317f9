"""Networks that chance draws over all keys that the circuit knows: small ones, so that many can be compared.

hypothesis draws them, and when one fails, looks for the simplest that fails too.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from eqspike.golden.sections import PULSE_VARIANTS

Data = dict[str, Any]
MOST = 12
"""Neurons of a layer."""


def power(low: int, high: int) -> st.SearchStrategy[float]:
    """A power of two from 2^low to 2^high."""
    return st.integers(low, high).map(lambda exponent: 2.0**exponent)


def seldom(rare: st.SearchStrategy[Any], usual: Any) -> st.SearchStrategy[Any]:
    """Often the usual value, else a rare one."""
    return st.one_of(st.just(usual), rare)


@st.composite
def neurons(draw: st.DrawFn) -> Data:
    """Section `neuron`."""
    threshold = draw(power(-3, 3))
    return {
        "threshold": threshold,
        "leak": draw(seldom(power(-8, -1), 0)),
        "refractory": draw(st.integers(2, 8)),
        "membrane_limit": threshold * draw(power(1, 4)),
        "fraction_bits": draw(seldom(st.integers(8, 24), None)),
        "gain_spread": draw(seldom(st.sampled_from([0.05, 0.3, 2.0]), 0.0)),
    }


@st.composite
def rates(draw: st.DrawFn) -> Data:
    """Section `rate`."""
    return {
        "leak": draw(power(-8, -1)),
        "delay": draw(st.integers(1, 60)),
        "filter": draw(seldom(st.sampled_from([2, 4, 8, 16]), 1)),
        "fraction_bits": draw(st.integers(0, 12)),
        "integer_bits": draw(st.integers(4, 10)),
    }


@st.composite
def learnings(draw: st.DrawFn, refractory: int) -> Data:
    """Section `learning`, with short phases; a phase of a step or two, and windows as long as the free phase."""
    window = refractory * 2 ** draw(st.integers(0, 3))
    return {
        "free_steps": draw(st.integers(window, window + 40)),
        "nudge_steps": draw(st.integers(1, 40)),
        "window": window,
        "beta": draw(power(-3, 4)),
        "skip_tolerance": draw(seldom(st.sampled_from([0.0, 0.04, 0.3, 1.0]), None)),
        "random_sign": draw(st.booleans()),
    }


@st.composite
def synapses(draw: st.DrawFn) -> Data:
    """An entry of `synapses`."""
    return {
        "bits": draw(st.integers(2, 16)),
        "range": draw(power(-3, 3)),
        "learning_rate": draw(power(-14, -1)),
        "halve_at": draw(st.lists(st.integers(0, 3), max_size=3, unique=True).map(sorted)),
        "rounding": draw(st.sampled_from(["truncate", "nearest", "stochastic"])),
        "draw": draw(st.sampled_from(["neuron", "synapse"])),
        "init": draw(st.sampled_from([0.5, 1.5, 4.0])),
    }


@st.composite
def devices(draw: st.DrawFn) -> Data:
    """Section `device`: mostly ideal, else any of its faults."""
    if draw(st.booleans()):
        return {}
    parts = {
        "slope_up": st.sampled_from([0.3, 1.7, 4.0]),
        "slope_down": st.sampled_from([0.0, 0.8, 3.0]),
        "slope_spread": st.sampled_from([0.1, 1.0]),
        "slope_symmetric": st.just(True),
        "threshold_up": st.sampled_from([0.5, 2.0]),
        "threshold_spread": st.sampled_from([0.01, 0.5]),
        "threshold_symmetric": st.just(True),
        "speed": st.sampled_from([1e-3, 1e-2]),
        "pulse_ns": st.sampled_from([10.0, 200.0]),
        "nonlinearity_up": st.sampled_from([0.5, 3.0]),
        "nonlinearity_down": st.sampled_from([0.2, 4.0]),
        "nonlinearity_form": st.just("accelerating"),
        "write_noise": st.sampled_from([1e-3, 0.1]),
        "stuck_on": st.sampled_from([0.1, 0.5]),
        "stuck_off": st.sampled_from([0.1, 0.5]),
        "states": st.sampled_from([4, 16, 64]),
        "seed": st.integers(0, 5),
        "compensate": st.just("nominal"),
    }
    names = draw(st.lists(st.sampled_from(sorted(parts)), min_size=1, max_size=5, unique=True))
    return {name: draw(parts[name]) for name in names}


@st.composite
def signals(draw: st.DrawFn) -> tuple[Data, Data, Data]:
    """What a neuron puts on its sides, and which spikes program: additions to `learning`, `pulse`, `programming`."""
    if draw(st.booleans()):
        return (
            {},
            {},
            draw(st.sampled_from([{}, {}, {"every": 3}, {"every": 5, "count_from": "image"}, {"probability": 0.3}])),
        )
    pulse = {
        "variant": draw(st.sampled_from(PULSE_VARIANTS)),
        "shape": draw(st.sampled_from(["saw", "square"])),
        "length": 2 * draw(st.integers(2, 20)),
        "amplitude": draw(power(-12, -2)),
        "collision_probability": draw(st.sampled_from([0.0, 1 / 6, 1.0])),
    }
    return {"signal": "pulse"}, pulse, {"probability": 0.5} if pulse["variant"] == "desynch_proba" else {}


@st.composite
def accumulations(draw: st.DrawFn, programming: Data, pulses: bool) -> Data:
    """Section `programming` with accumulators, or programming at the image's end, or both, where they may be."""
    gathers = {"accumulator": draw(st.integers(2, 8)), "step": draw(power(-6, -1))} if draw(st.booleans()) else {}
    if not programming and not pulses and draw(st.booleans()):
        return gathers | {"when": "image_end"}
    return programming | gathers


@st.composite
def configs(draw: st.DrawFn) -> Data:
    """Plain data of a config. Most are legal; what the rules between sections forbid is for the caller to leave out."""
    layers = draw(st.lists(st.integers(1, MOST), min_size=3, max_size=4))
    neuron = draw(neurons())
    signal, pulse, programming = draw(signals())
    device = draw(devices())
    if not (signal and pulse["variant"] == "naive") and draw(st.booleans()):
        programming = draw(accumulations(programming, bool(signal)))
    own_steps = bool(programming.keys() & {"accumulator", "when"})
    entries = [draw(synapses()) for _ in layers[1:]]
    banks = 1
    if device or own_steps or (signal and pulse["variant"] == "naive"):
        for entry in entries:
            entry["draw"] = "synapse"
    elif not signal and "probability" not in programming:
        banks = draw(seldom(st.integers(1, min(4, layers[0])), 1))
    phase = draw(st.sampled_from(["zero", "golden", "random"]))
    hardware = {
        "lanes": draw(st.integers(1, 6)),
        "input_lanes": draw(st.integers(1, 5)),
        "banks": banks,
        "prefetch": phase != "random" and draw(st.booleans()),
        "eager": draw(st.booleans()),
        "deep": draw(st.booleans()),
    }
    return {
        "name": "drawn",
        "dataset": {"name": "random"},
        "network": {"layers": layers},
        "input": {"full_scale": 2 ** draw(st.integers(0, 8)), "phase": phase},
        "neuron": neuron,
        "rate": draw(rates()),
        "learning": draw(learnings(neuron["refractory"])) | signal,
        "pulse": pulse,
        "synapses": entries,
        "programming": programming,
        "device": device,
        "training": {"seed": draw(st.integers(0, 2**32 - 1))},
        "hardware": hardware,
    }
