"""A network's state as the golden kernels take it, to be filled with the circuit's."""

from __future__ import annotations

from typing import NamedTuple

from eqspike.golden.config import Config
from eqspike.golden.device_section import STUCK_ON
from eqspike.golden.state import State
from formal import golden


class Ideal(NamedTuple):
    """Devices that all make the step they are given: nothing else of them is of use."""

    alike: bool = True
    noisy: bool = False
    key: object = golden.array((8, 8))
    offset_up: object = golden.array((8, 8))
    offset_down: object = golden.array((8, 8))
    stuck: object = golden.array((8, 8), lambda *place: STUCK_ON)
    """A formula also holds what a kernel does with devices that are not ideal: of these, nothing."""


def one_state(config: Config, width: int, depth: int = 5) -> State:
    """A state of zeros, `width` neurons a layer at most."""
    layers, inputs = len(config.network.layers), config.network.layers[0]
    shape = (layers, width)
    spikes, listed, fired = golden.array(shape), golden.array(inputs + 1), golden.array(1)
    sparse = config.programming.sparse
    delayed = sparse or config.pulses
    integrator = golden.array(shape)
    return State(
        input_membrane=golden.array(inputs), input_spikes=golden.array(inputs), fired_list=listed, fired=fired,
        pulse_list=golden.array(inputs + 1) if sparse else listed, pulsed=golden.array(1) if sparse else fired,
        pulses=golden.array(shape) if delayed else spikes, input_pulse_count=golden.array((1, inputs)),
        pulse_count=golden.array(shape), membrane=golden.array(shape), refractory=golden.array(shape), spikes=spikes,
        filtered=golden.array(shape), integrator=integrator,
        emitted=golden.array(shape) if config.pulses else integrator, history=golden.array((depth, *shape)),
        forward=golden.array(shape), backward=golden.array(shape), current=golden.array(width),
        steps_forward=golden.array(shape), steps_backward=golden.array(shape),
        counts=golden.array(config.network.layers[-1]), input_count=golden.array(inputs),
        spike_count=golden.array(shape), rate_sum=golden.array(shape), accumulators=golden.array((0, 0)),
    )  # fmt: skip


__all__ = ["Ideal", "one_state"]
