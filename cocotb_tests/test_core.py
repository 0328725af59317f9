"""The core against the golden network, on both simulators; results do not depend on the number of lanes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from cocotb_tests import networks
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict, config_to_dict, load_config, resolve_preset
from eqspike.golden.data import load_split
from eqspike.golden.modes import INFER, INFER_FIRST_SPIKE, LEARN
from eqspike.golden.network import Network
from eqspike.rtl.core import Core
from eqspike.sim import harness
from eqspike.sim.engine import RtlEngine

MODES = [LEARN, LEARN, INFER, LEARN, INFER_FIRST_SPIKE, LEARN, LEARN, LEARN]
EPOCHS = [0, 0, 0, 1, 1, 2, 2, 3]


def images(name: str, simulator: str) -> int:
    """How many images to present: Icarus is slow on many neurons, and on the hashes of devices."""
    config = networks.odd(name)
    if simulator == "verilator" or (config.device.ideal and sum(config.network.layers) < 30):
        return len(MODES)
    return 3 if config.device.ideal else 2


def compare(
    config: Config,
    simulator: str,
    modes: list[int],
    epochs: list[int],
    pause: float = 0.0,
    build: harness.Build | None = None,
) -> dict:
    """Present the first images of the training part to both."""
    part = load_split(config)
    job = {
        "config": config_to_dict(config),
        "images": part.train_images[: len(modes)],
        "labels": part.train_labels[: len(modes)],
        "modes": modes,
        "epochs": epochs,
        "pause": pause,
        "ahead": config.hardware.prefetch,
    }
    build = build or harness.build(Core(config), "core", simulator)
    return build.run("eqspike.sim.jobs.compare", job)


@lru_cache(1)
def rtlil(name: str) -> str:
    """The core of an odd network; both simulators, one after the other, build from it."""
    return harness.to_rtlil(Core(networks.odd(name)), "core")


LARGE = {
    "icarus": {
        "16-9-9-4", "33-17-10", "banks-33-17-10", "devices-16-9-9-4", "gather-16-9-9-4", "naive-16-9-9-4",
        "sweep-16-9-9-4", "sweep-33-17-10",
    },
    "verilator": {
        "33-17-10", "gather-16-9-9-4", "naive-16-9-4", "naive-16-9-9-4", "sweep-16-9-9-4", "sweep-33-17-10",
    },
}  # fmt: skip
"""By simulator, networks that take long: what they have is in smaller ones too, or the other simulator shows it."""
EVERY = [
    pytest.param(name, simulator, marks=pytest.mark.soak if name in LARGE[simulator] else ())
    for name in networks.NAMES
    for simulator in harness.SIMULATORS
]


@pytest.mark.parametrize(("name", "simulator"), EVERY)
def test_every_state_of_every_step(name: str, simulator: str) -> None:
    """Odd networks, all modes, halved learning rates, idle cycles on every stream.

    On Icarus a word that is read while it is written is X: block RAMs need no logic around them for that case.
    """
    config, count = networks.odd(name), images(name, simulator)
    text = harness.rtlil_to_verilog(rtlil(name), collisions=simulator == "icarus")
    if simulator == "icarus":
        assert "'hx" in text
    build = harness.Build(text, "core", simulator)
    report = compare(config, simulator, MODES[:count], EPOCHS[:count], pause=0.3, build=build)
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["images"] == count
    assert report["spikes"] > 300
    assert report["compared"]["weights"] > 5000


@pytest.mark.parametrize("simulator", harness.SIMULATORS)
def test_a_first_spike_in_the_nudge_phase(simulator: str) -> None:
    """Its step is counted on from the free phase, and needs more bits than that phase's length has."""
    config = config_from_dict(networks.LATE)
    part, golden = load_split(config), Network(config)
    steps = [golden.present(part.train_images[i], int(part.train_labels[i]), LEARN).first_spike_step for i in range(3)]
    assert max(steps) >= 1 << config.learning.free_steps.bit_length()
    report = compare(config, simulator, [LEARN] * 3, [0] * 3)
    assert report["mismatches"] == 0, report["first_mismatch"]


FAULTS = (
    "device.slope_spread=0.05", "device.threshold_spread=0.01", "device.nonlinearity_up=0.5",
    "device.nonlinearity_down=0.3", "device.write_noise=1e-4", "device.stuck_on=0.01", "device.stuck_off=0.01",
    "neuron.gain_spread=0.1", "hardware.lanes=8",
)  # fmt: skip


@pytest.mark.parametrize(
    ("preset", "overrides", "modes", "epochs"),
    [
        ("digits", (), [LEARN] * 4 + [INFER], [0, 0, 29, 29, 29]),
        pytest.param("digits-8bit", (), [LEARN] * 4 + [INFER], [0, 0, 29, 29, 29], marks=pytest.mark.soak),
        pytest.param("digits-memristor", FAULTS, [LEARN, LEARN], [0, 29], marks=pytest.mark.soak),
    ],
    ids=["digits", "digits-8bit", "digits-memristor-faults"],
)
def test_presets(preset: str, overrides: tuple[str, ...], modes: list[int], epochs: list[int]) -> None:
    """A few real images of the presets under Verilator; `eqspike compare` does many."""
    config = load_config(resolve_preset(preset), overrides)
    report = compare(config, "verilator", modes, epochs)
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["compared"]["weights"] > 1_000_000


@pytest.mark.parametrize(
    ("name", "simulator", "lanes", "input_lanes"),
    [
        ("16-9-9-4", "icarus", 5, 16),
        ("banks-33-17-10", "verilator", 9, 3),
        ("devices-16-9-9-4", "verilator", 2, 16),  # Icarus is slow on the hashes
    ],
)
def test_weights_do_not_depend_on_lanes(name: str, simulator: str, lanes: int, input_lanes: int) -> None:
    """With other numbers of lanes than the preset's: the weights of the golden network, which has none."""
    config = networks.odd(name)
    part = load_split(config)
    images, labels = part.train_images[:2], part.train_labels[:2]
    golden = Network(config)
    start, key = tuple(w.copy() for w in golden.weights), golden.key
    golden.learn(images, labels)
    with RtlEngine(networks.odd(name, lanes=lanes, input_lanes=input_lanes), simulator) as engine:
        learned = engine.learn(images, labels, start, key, 0)
    for ours, theirs in zip(learned.weights, golden.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert learned.counters == golden.counter_values()


def test_a_difference_is_found() -> None:
    """The comparison fails when one weight differs by one LSB at the start."""
    config = networks.odd("7-5-3")
    part = load_split(config)
    network = Network(config)
    changed = [w.copy() for w in network.weights]
    changed[0][2, 1] ^= 1
    with RtlEngine(config, "icarus") as engine:
        learned = engine.learn(part.train_images[:4], part.train_labels[:4], changed, network.key, 0)
    network.learn(part.train_images[:4], part.train_labels[:4])
    assert any(np.any(a != b) for a, b in zip(learned.weights, network.weights, strict=True))
