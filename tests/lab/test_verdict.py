"""What a number says of what was to be reached."""

from __future__ import annotations

import pytest

from eqspike.lab import verdict


def test_against_the_thesis() -> None:
    for thesis, accuracy, loss, expected in (
        (None, 90, 1, (None, None)),
        ({"text": "fails"}, 90, 1, (None, None)),
        ({"kind": "accuracy", "value": 93}, 97, None, (4, "differs")),
        ({"kind": "accuracy", "value": 93}, 90.5, None, (-2.5, "agrees")),
        ({"kind": "loss", "value": 10}, 90, 2, (8, "differs")),
        ({"kind": "loss", "value": 10}, 90, 12, (-2, "agrees")),
        ({"kind": "loss", "value": 10}, None, None, (None, None)),
        ({"kind": "loss_below", "value": 1}, 90, 0.5, (0, "agrees")),
        ({"kind": "loss_below", "value": 1}, 90, -7, (0, "agrees")),
        ({"kind": "loss_below", "value": 1}, 90, 6, (-5, "differs")),
        ({"kind": "loss_above", "value": 20}, 10, 80, (0, "agrees")),
        ({"kind": "loss_above", "value": 20}, 90, 5, (15, "differs")),
    ):
        told = thesis or {}
        found = verdict.against_thesis(told.get("kind"), told.get("value", 0.0), accuracy, loss)
        assert (found.better_by, found.verdict) == expected, (thesis, accuracy, loss)


def test_status() -> None:
    assert [verdict.reaches(1.0, bar) for bar in (None, 1.0, 1.1)] == ["measured", "met", "missed"]
    assert verdict.reaches(1.0, 0.9, "at_most") == "missed"
    assert [verdict.status(*found) for found in ((), (None, True), (True, False))] == ["measured", "met", "missed"]


@pytest.mark.parametrize(("achieved", "bar", "met"), [(24.5, 12.0, True), (24.5, 30.0, False), (23.0, 12.0, False)])
def test_clock(achieved: float, bar: float, met: bool) -> None:
    clocks = [{"achieved_mhz": 99.0, "required_mhz": 12.0}, {"achieved_mhz": achieved, "required_mhz": 24.0}]
    assert verdict.clock(clocks, bar) == (clocks[1], met)
