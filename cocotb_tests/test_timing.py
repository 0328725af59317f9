"""The switches of fig 3.5 in the RTL: who closes what, and when the word is written, in the cases of the diagram."""

from __future__ import annotations

import pytest

from eqspike.golden.configfile import load_config, resolve_preset
from eqspike.sim import timing

FAULTS = ["device.slope_spread=0.1", "device.write_noise=1e-3", "device.stuck_on=0.05"]
ROLES = {
    # (CG lanes, CG above, CCII up, CCII down, PG lanes, PG above)
    "row": (1, 0, 1, 0, 1, 0),
    "row, no pulse": (1, 0, 1, 0, 0, 0),
    "pair": (1, 1, 1, 1, 1, 1),
}


def roles(cycle: dict) -> tuple[int, ...]:
    """The switches, as bits."""
    names = ("cg_lanes", "cg_above", "ccii_up", "ccii_down", "pg_lanes", "pg_above")
    return tuple(int(cycle[name] != 0) for name in names)


@pytest.mark.parametrize(
    ("changes", "latency", "names"),
    [
        (FAULTS, 5, ["row", "row, no pulse", "pair"]),
        ([], 1, ["row", "row, no pulse", "pair"]),
        ([*FAULTS, "programming.probability=1"], 5, ["row", "pair"]),
        (["programming.probability=1", "programming.every=3"], 1, ["row", "row, no pulse", "pair"]),
    ],
    ids=["faults", "ideal", "every spike programs", "every third"],
)
def test_roles(changes: list[str], latency: int, names: list[str]) -> None:
    found = timing.record(load_config(resolve_preset("digits-memristor"), changes))
    assert [case["name"] for case in found["cases"]] == names
    for case in found["cases"]:
        cycles, at = case["cycles"], case["at"]
        own = cycles[at]
        assert roles(own) == ROLES[case["name"]]
        assert own["kind"] == ("PAIR" if case["name"] == "pair" else "ROW")
        if case["name"] == "row, no pulse":
            assert case["write"] is None
        else:
            # rho-bars stand on the lines, and the word is written `latency` cycles later.
            assert any(own["rhobar"])
            assert case["write"] == at + latency
            assert cycles[case["write"]]["write"] == own["address"]
        if case["name"] == "pair":
            assert own["spike_above"] == 1
            # Lanes that program are lanes that fired.
            assert own["pg_above"] & ~own["spikes_lanes"] == 0
        for cycle in cycles:
            if cycle["kind"] not in ("ROW", "PAIR"):
                assert roles(cycle) == (0,) * 6
            # A current is conveyed one way for each side that listens.
            assert cycle["ccii_up"] == max(cycle["cg_above"], cycle["kind"] == "ROW")
            assert cycle["ccii_down"] == (cycle["kind"] == "PAIR" and cycle["spike_above"])


def test_measured_devices_and_hardware_of_the_config_do_not_matter() -> None:
    config = load_config(resolve_preset("digits-rram"), ["device.file=nowhere.csv"])
    small = timing.small(config)
    assert small.network.layers == timing.LAYERS
    assert small.device.file is None
    assert small.device.write_noise == config.device.write_noise
