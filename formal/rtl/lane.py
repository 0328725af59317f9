"""Proofs of `rtl/lane.py`: one neuron's whole step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from amaranth.hdl import Const, Mux, Value

from eqspike.golden.config import Config
from eqspike.golden.neuron import integrate_and_fire
from eqspike.golden.number import fixed_numbers
from eqspike.golden.parameters import fixed_parameters
from eqspike.golden.state import HistoryRows
from eqspike.golden.step import count_to, update_signal
from eqspike.golden.sweep import sum_step
from eqspike.rtl.lane import Lane
from eqspike.rtl.streams import tap_ages
from formal import configs, golden
from formal.bench import Bench
from formal.network import one_state
from formal.registry import INDUCTION, proof
from formal.rtl.pulse import SHAPES

CASES = {
    "rho_bar": {},
    "filter": {"rate": {"delay": 6, "filter": 4}},
    "every": {"programming": {"every": 3}},
    "gains": {"neuron": {"gain_spread": 0.3}},
    "image_end": configs.IMAGE_END,
    "saw": SHAPES["saw"],
    "square": SHAPES["square"],
}


@proof("A neuron's step - membrane, refractory period, spike, signal, programming pulse, sums over the nudge phase - "
       "is that of the "
       "golden kernels "
       "one after another, for all states and inputs.", depth=7, method=INDUCTION, cases=CASES,
       bug=("self.spike.eq(lif.spike & self.exists)", "self.spike.eq(lif.spike)"))  # fmt: skip
def whole_step(b: Bench, **sections: object) -> None:
    config = configs.small(**sections)
    numbers, p = fixed_numbers(config), fixed_parameters(config, fixed_numbers(config), 0)
    lane = b.add(Lane(config, max(numbers.current_bits) + 1))
    late = lane.LATENCY

    def then(value: object, cycles: int = late) -> object:
        return b.past(value, cycles)

    state, place = one_state(config, 1), (1, 0)
    state.membrane[place], state.refractory[place] = then(lane.state.membrane), then(lane.state.refractory)
    state.integrator[place] = then(lane.state.integrator)
    taps = [then(lane.taps[i]) for i in range(len(tap_ages(config)))]
    last_spike, last_pulse = then(lane.last_spike), then(lane.last_pulse)
    if config.pulses:
        given = [last_spike, taps[0], last_pulse, taps[1]]
    elif config.rate.filter > 1:
        given = [taps[1], taps[0], taps[2], 0]
    else:
        # Whatever they are, they cancel with the running difference (rtl/rate.py).
        given = [0, taps[0], 0, 0]
    for row, spike in enumerate(given, 1):
        state.history[row, 1, 0] = spike
    fields = lane.state.shape().members
    if "filtered" in fields:
        state.filtered[place] = then(lane.state.filtered)
    current = then(lane.drive) + then(lane.current, late - lane.lif.CURRENT_LATENCY)
    b.assume((current >= -(1 << len(lane.current) - 1)) & (current < 1 << len(lane.current) - 1))
    b.assume(lane.state.refractory < config.neuron.refractory)
    membrane = p.membrane._replace(
        threshold=golden.array((2, 1), lambda *at: then(lane.threshold) if lane.lif.gains else numbers.threshold)
    )
    _, saturated = golden.run(
        b.m, integrate_and_fire, 1, 1, golden.array(1, lambda n: current), membrane, state.membrane, state.refractory,
        state.spikes,
    )  # fmt: skip
    state.spikes[place] = state.spikes[place] & lane.exists
    state.history[0, 1, 0] = state.spikes[place]
    golden.run(b.m, update_signal, 1, 1, HistoryRows(0, 1, 2, 3, 4), p, state)
    pulse = state.pulses[place]
    if config.programming.every > 1:
        counts = golden.array((2, 1), lambda *at: then(lane.state.pulse_count))
        b.assume(lane.state.pulse_count < config.programming.every)
        counted = golden.array((2, 1), lambda *at: then(lane.state.pulse_count))
        fires = golden.run(b.m, count_to, config.programming.every, 1, 0, counted)
        goes = state.spikes[place] & lane.counting
        pulse = goes & fires
        b.prove(~b.since(late) | (lane.next_state.pulse_count == Mux(goes, counted[place], counts[place])))
    if config.programming.image_end:
        sums_of_step(b, lane, config, then)
    known = b.since(late) & (state.integrator[place] >= numbers.signal.low)
    known = known & (state.integrator[place] <= numbers.signal.high)
    if "filtered" in fields:
        shape = fields["filtered"]
        low, high = (
            (-(1 << shape.width - 1), (1 << shape.width - 1) - 1) if shape.signed else (0, (1 << shape.width) - 1)
        )
        known = known & (state.filtered[place] >= low) & (state.filtered[place] <= high)
        b.prove(~known | (lane.next_state.filtered == state.filtered[place]))
    b.prove(~known | (lane.next_state.membrane == state.membrane[place]) | ~lane.exists)
    b.prove(~known | (lane.next_state.refractory == state.refractory[place]) | ~lane.exists)
    b.prove(~known | (lane.next_state.integrator == state.integrator[place]))
    b.prove(~known | (lane.spike == state.spikes[place]))
    b.prove(~known | (lane.pulse == pulse))
    b.prove(~known | (lane.saturated == (saturated & lane.exists)))
    b.reach(known & lane.spike & (lane.next_state.integrator < Const(0)))


@proof("The sums over the nudge phase are those of golden.sweep.sum_step of the step before, whose spikes were served, "
       "in as many bits as they have.", depth=7, method=INDUCTION,
       bug=("Mux(self.summing, passed.integrator, 0)", "Mux(self.summing, signal.next_integrator, 0)"))  # fmt: skip
def sums(b: Bench) -> None:
    config = configs.small(**configs.IMAGE_END)
    lane = b.add(Lane(config, max(fixed_numbers(config).current_bits) + 1))
    sums_of_step(b, lane, config, lambda value: b.past(value, lane.LATENCY))
    b.reach(b.since(lane.LATENCY) & (lane.next_state.rate_sum < -20) & (lane.next_state.spike_count == 3))


def sums_of_step(b: Bench, lane: Lane, config: Config, then: Callable[[Value], Value]) -> None:
    """Of one lane, the sums of its spikes and of its rho-bar; `then` gives what stood with the lane's inputs."""
    state, place, p = one_state(config, 1), (1, 0), fixed_parameters(config, fixed_numbers(config), 0)
    state.spikes[place], state.integrator[place] = then(lane.last_spike), then(lane.state.integrator)
    before = then(lane.state.rate_sum), then(lane.state.spike_count)
    state.rate_sum[place], state.spike_count[place] = before
    golden.run(b.m, sum_step, p._replace(widths=np.array([0, 1])), state)
    made = lane.next_state.rate_sum, lane.next_state.spike_count
    for one, old, new in zip(made, before, (state.rate_sum[place], state.spike_count[place]), strict=True):
        wrapped = new[: len(one)].as_signed() if one.shape().signed else new[: len(one)]
        b.prove(~b.since(lane.LATENCY) | (one == Mux(lane.summing, wrapped, old)))
