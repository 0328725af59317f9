"""The same flips in the RTL and in the golden model, and that the check finds one that is not the same."""

from __future__ import annotations

from typing import Any

import pytest

from cocotb_tests import networks
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.upset import PLACES
from eqspike.sim.upset import check

DEEP = networks.TINY | {
    "network": {"layers": [7, 4, 5, 3]},
    "rate": {"delay": 6, "filter": 2},
    "synapses": [*networks.TINY["synapses"], networks.TINY["synapses"][1]],
    "programming": {"every": 2},
}
"""Two hidden layers, so that signals stand twice; a running difference; pulses of their own."""


@pytest.mark.parametrize(
    "network", [pytest.param(networks.TINY, id="tiny"), pytest.param(DEEP, id="deep", marks=pytest.mark.soak)]
)
def test_flips_in_the_rtl(network: dict[str, Any]) -> None:
    config = config_from_dict(network)
    checked = check(config, 39, seed=2)
    assert checked.mismatches == 0, checked.first
    kept = set(PLACES) - ({"filter"} if config.rate.filter == 1 else set())
    assert set(checked.places) >= kept - {"spike list"}
    assert checked.felt > 15


def test_another_flip_is_found() -> None:
    """A bit beside the one that golden flips, or none at all, is a mismatch, unless nobody feels it."""

    def other_bit(items: list[dict[str, Any]]) -> None:
        for item in items:
            item["flips"] = [
                flip._replace(bits=tuple(bit._replace(bit=bit.bit ^ 1) for bit in flip.bits))
                if flip.bits[0].path[-1] == "state_memory"
                else flip
                for flip in item["flips"]
            ]

    def none(items: list[dict[str, Any]]) -> None:
        for item in items:
            item.update(flips=[], written=[], registers=[])

    config = config_from_dict(networks.TINY)
    assert check(config, 24, seed=3, spoil=other_bit).mismatches > 1
    missed = check(config, 24, seed=3, spoil=none)
    assert missed.mismatches >= missed.felt > 8
