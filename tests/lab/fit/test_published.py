"""Presets of published devices: their numbers follow from those of the source, by what docs/devices.md says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import pytest

from eqspike.golden.config import Config
from eqspike.golden.configfile import load_config, resolve_preset
from eqspike.golden.data import load_split
from eqspike.golden.network import Network

Step = Callable[[float], float]
"""Conductance, from 0 to 1 of the range -> a pulse's step in units of dw_min."""
CURVE_LIMIT = 4.0
"""Largest eta of the section `device`."""


class Steps(NamedTuple):
    """What one pulse of the source does."""

    span: float
    """Range of its weights."""
    up: Step
    down: Step


def linear(high: float, low: float, gamma_up: float, gamma_down: float) -> Steps:
    """LinearStepDevice; soft bounds are those with both gammas 1."""
    span = high - low
    return Steps(
        span, lambda g: 1 - gamma_up * (low + span * g) / high, lambda g: 1 - gamma_down * (low + span * g) / low
    )


def exponential() -> Steps:
    """ReRamESPresetDevice: ExpStepDevice with a = b = -0.5 over -1 to 1, so that z is -g."""
    return Steps(
        2.0,
        lambda g: 1 + 1.18445 * math.exp(-5 * g),
        lambda g: (1 - 0.259359) * (1 + 0.081404 * math.exp(5 * g)),
    )


def pair() -> Steps:
    """Two PCMPresetDevice after a refresh: one of them at 0. Steps down are the other one's steps up."""

    def up(g: float) -> float:
        return 1 + 27.235 * math.exp(-2.5 * max(4 * g - 2, 0))

    return Steps(4.0, up, lambda g: up(1 - g))


@dataclass(frozen=True)
class Source:
    """Numbers of aihwkit's preset."""

    steps: Steps
    dw_min: float
    std: float
    """dw_min_std."""
    write_std: float
    """write_noise_std."""
    spread: float
    """dw_min_dtod."""
    noise: str
    """What std is a part of: the step ("mult"), dw_min ("add"), or the PCM model's sum ("complex")."""


PUBLISHED = {
    "digits-reram-es": Source(exponential(), 0.00135, 5.0, 75.0, 0.2, "mult"),
    "digits-reram-sb": Source(linear(1.25, -0.75, 1, 1), 0.002, 3.75, 56.0, 0.3, "add"),
    "digits-reram-om": Source(linear(1, -1, 1, 1), 0.0949, 0.4158, 1.4113, 0.7829, "add"),
    "digits-ecram": Source(linear(1.1724, -0.8276, 0.1153, 0.5085), 0.002, 0.3, 0.0, 0.1, "mult"),
    "digits-ecram-mo": Source(linear(1.1714, -0.8286, 0.4152, 0.7342), 2.8214e-4, 2.0, 0.0, 0.1, "mult"),
    "digits-pcm-pair": Source(pair(), 0.01, 0.6, 0.0, 0.2, "complex"),
}


def middle(step: Step) -> float:
    """The step mid-range: the geometric mean of those at a quarter and at three quarters."""
    return math.sqrt(step(0.25) * step(0.75))


def pulse_noise(source: Source, step: Step) -> float:
    """Standard deviation of one pulse's step, in the source's weights."""
    if source.noise == "mult":
        return source.std * source.dw_min * middle(step)
    if source.noise == "add":
        return source.std * source.dw_min
    places = ((step(0.25), 0.0), (step(0.75), 1.0))
    return math.sqrt(
        sum((source.std * (source.dw_min * size + 0.042 + 0.108 * weight)) ** 2 for size, weight in places) / 2
    )


def write_noise(source: Source, programming_step: float, steps: tuple[Step, Step]) -> float:
    """Of a pulse of that part of the range: as many of the source's pulses as it takes, and its write noise."""
    span = source.steps.span
    squares = []
    for step in steps:
        pulses = programming_step * span / (source.dw_min * middle(step))
        squares.append(pulses * (pulse_noise(source, step) / span) ** 2)
    return math.sqrt(sum(squares) / 2 + (source.write_std * source.dw_min / span) ** 2)


@pytest.mark.parametrize("name", PUBLISHED)
def test_numbers_follow_from_the_source(name: str) -> None:
    source, config = PUBLISHED[name], load_config(resolve_preset(name))
    device = config.device
    up, down = source.steps.up, source.steps.down
    etas = 2 * math.log(up(0.25) / up(0.75)), 2 * math.log(down(0.75) / down(0.25))
    etas = tuple(min(eta, CURVE_LIMIT) for eta in etas)
    assert (device.nonlinearity_up, device.nonlinearity_down) == pytest.approx(etas, abs=6e-5)
    assert device.nonlinearity_form == "saturating"
    slopes = [middle(step) * math.exp(-eta / 2) for step, eta in zip((up, down), etas, strict=True)]
    assert [device.slope_up, device.slope_down] == pytest.approx(slopes, abs=6e-5)
    assert device.slope_spread == source.spread
    assert device.slope_symmetric
    assert device.compensate == "nominal"
    ways = (up, up) if source.noise == "complex" else (up, down)
    assert device.write_noise == pytest.approx(write_noise(source, config.programming.step, ways), abs=6e-5)


@pytest.mark.parametrize("name", PUBLISHED)
def test_they_learn_something(name: str) -> None:
    """A tenth of an epoch goes through, in both number formats, and devices are written."""
    for number in ("fixed", "real"):
        config: Config = load_config(resolve_preset(name), [f"number.format={number}"])
        network, part = Network(config), load_split(config)
        network.learn(part.train_images[:140], part.train_labels[:140])
        assert min(network.layer_writes()) > 0
