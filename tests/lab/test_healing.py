"""Devices that get stuck after training: what is measured of one chip."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspike.golden.config import Config
from eqspike.golden.configfile import load_config, resolve_preset
from eqspike.golden.network import Network
from eqspike.lab import healing
from eqspike.lab.checkpoint import train_run
from eqspike.lab.healing import Fault, heal


@pytest.mark.parametrize("number", ["fixed", "real"])
def test_without_a_fault_it_is_a_longer_training(number: str, make_config, tmp_path: Path) -> None:
    """Nothing stuck, rates that go on: to the bit what `eqspike train` does with more epochs."""
    config = make_config(number={"format": number})
    (row,) = heal(config, Fault(stuck=(0.0,), rates=("go on",), epochs=3), tmp_path / "a")
    whole = healing.whole_config(config)
    longer = whole.replace(training=type(whole.training)(epochs=6, seed=config.training.seed))
    entries = train_run(longer, tmp_path / "b").to_dict()["epochs"]
    assert row["before"] == row["after"] == entries[2]["test_accuracy"]
    assert row["accuracies"] == [entry["test_accuracy"] for entry in entries[3:]]
    assert row["healed"] == row["accuracies"][-1]
    assert row["stuck_share"] == 0
    pulses = sum(entry["counters"]["programming_pulses"] for entry in entries[3:])
    assert row["counters"]["programming_pulses"] == pulses > 0
    assert row["counters"]["images"] == sum(entry["counters"]["images"] for entry in entries[3:])


@pytest.mark.parametrize("number", ["fixed", "real"])
@pytest.mark.parametrize("on_share", [0.0, 0.5, 1.0])
def test_stuck_devices_stay_stuck(
    on_share: float, number: str, make_config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After learning on: each stuck device stands at its end of the range, the others have moved; all stuck: nothing
    is learned any more."""
    made: list[Network] = []

    class Watched(Network):
        def __init__(self, config: Config) -> None:
            super().__init__(config)
            made.append(self)

    monkeypatch.setattr("eqspike.golden.network.Network", Watched)
    config = make_config(number={"format": number})
    part, every = heal(config, Fault(stuck=(0.4, 1.0), on_share=on_share, rates=("restart",), epochs=2), tmp_path)
    some, all_stuck = made[-2:]
    assert 0.2 < part["stuck_share"] < 0.6
    assert every["stuck_share"] == 1
    assert [every["after"]] * 2 == every["accuracies"]
    seen = set()
    for network in (some, all_stuck):
        p = network.parameters
        views = network.views(network.devices.stuck)
        for weights, stuck, low, high in zip(network.weights, views, p.weight_low, p.weight_high, strict=True):
            assert (weights[stuck == 1] == high).all()
            assert (weights[stuck == 2] == low).all()
            seen |= set(stuck.ravel().tolist())
    assert seen == {0} | ({1} if on_share > 0 else set()) | ({2} if on_share < 1 else set())
    trained = made[-3].weights  # whole, as it was trained
    moved = [
        (a != b)[s == 0].any() for a, b, s in zip(trained, some.weights, some.views(some.devices.stuck), strict=True)
    ]
    assert all(moved)


def test_learning_rates(make_config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go on from the training's three epochs, or begin again and stay there."""
    epochs: list[int] = []
    original = Network.set_epoch

    def watched(network: Network, epoch: int) -> None:
        epochs.append(epoch)
        original(network, epoch)

    monkeypatch.setattr(Network, "set_epoch", watched)
    heal(make_config(), Fault(stuck=(0.0, 0.1), epochs=2), tmp_path)
    # Each begins with a network that is made.
    assert epochs[-12:] == [0, 3, 4, 0, 0, 0] * 2


def test_presets_can_be_healed() -> None:
    """Also those whose synapses share draws, or whose rows stand in several banks."""
    import dataclasses

    for name in ("digits", "digits-memristor", "digits-8bit", "mnist", "digits-aeqspike-synch"):
        whole = healing.whole_config(load_config(resolve_preset(name)))
        whole.replace(device=dataclasses.replace(whole.device, stuck_on=0.1))
