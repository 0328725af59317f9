"""Pulse-response curves of a config's devices, made by the golden model: sets whose truth is known."""

from __future__ import annotations

import dataclasses

import numpy as np

from eqspike.base.errors import UsageProblem
from eqspike.golden.config import Config
from eqspike.golden.device import write
from eqspike.golden.network import Network
from eqspike.golden.number import STOCHASTIC
from eqspike.golden.synapses import Programming
from eqspike.lab.text import csv_text

Line = tuple[str, int, str, float]
"""Device, pulse, direction, conductance after the pulse."""
SHIFT = 16
"""Bits of the draw that rounds to states."""


def made_curves(config: Config, devices: int, pulses: int, step: float, seed: int = 0) -> list[Line]:
    """The curves of the first `devices` devices of the first layer of synapses: reading 0 at Gmin, then `pulses` pulses
    up and as many down. Each moves a device with the slope 1 by `step` of Gmax - Gmin where eq 3.2's exponential is 1:
    these are the devices, without what the chip's driver makes up for (device.compensate).

    `seed` draws the noise. Raises `UsageProblem` where there are fewer devices.
    """
    network = Network(
        config.replace(
            number=dataclasses.replace(config.number, format="real"),
            device=dataclasses.replace(config.device, compensate="none"),
        )
    )
    rows, columns = config.network.layers[0] + 1, config.network.layers[1]
    if devices > rows * columns:
        raise UsageProblem(f"{devices} devices: the first layer of synapses has {rows * columns}")
    low, high = float(network.parameters.weight_low[0]), float(network.parameters.weight_high[0])
    programming = Programming(0, 1, 1.0, SHIFT, STOCHASTIC, low, high, 0.0, 0.0, 0.0, SHIFT)
    kinds, x = network.devices, step * (high - low)
    draw = np.random.default_rng(seed)
    device = config.device
    weights = np.full(kinds.stuck.shape, low)
    weights[kinds.stuck == 1] = high
    lines = []
    for number in range(devices):
        place = divmod(number, columns)
        words = draw.integers(0, 2**32, 2 * pulses)
        rounds = draw.integers(0, 2**SHIFT, 2 * pulses)
        for pulse in range(2 * pulses + 1):
            if pulse:
                up = max(x - kinds.offset_up[place], 0.0) if pulse <= pulses else 0.0
                down = min(kinds.offset_down[place] - x, 0.0) if pulse > pulses else 0.0
                draws = (int(rounds[pulse - 1]), int(words[pulse - 1]))
                write(weights, place, up, down, draws, programming, kinds)
            g = (weights[place] - low) / (high - low)
            value = device.conductance_min + g * (device.conductance_max - device.conductance_min)
            lines.append((f"d{number + 1}", pulse, "" if not pulse else "up" if pulse <= pulses else "down", value))
    return lines


def curves_text(lines: list[Line], unit: str = "", digits: int = 6) -> str:
    """The curves as CSV, conductances with so many significant digits."""
    head = ("device", "pulse", "direction", f"conductance ({unit})" if unit else "conductance")
    return csv_text([head, *((*line[:3], f"{line[3]:.{digits}g}") for line in lines)])
