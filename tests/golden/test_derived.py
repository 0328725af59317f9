"""What follows from a config in any number format."""

from __future__ import annotations

from eqspike.golden.derived import TapAges, first_key, halvings, history_depth, tap_ages
from eqspike.golden.number import fixed_numbers


def test_halvings() -> None:
    assert [halvings((2, 5), epoch) for epoch in range(7)] == [0, 0, 1, 1, 1, 2, 2]
    assert halvings((), 9) == 0
    assert halvings((0,), 0) == 1


def test_taps_of_rho_bar(make_config) -> None:
    config = make_config(rate={"delay": 24, "filter": 4}, learning={"window": 16, "free_steps": 18})
    assert tap_ages(config) == TapAges(leaving=4, delayed=24, delayed_leaving=28, old=0)
    assert history_depth(config) == 29


def test_taps_of_tails(make_config) -> None:
    config = make_config(learning={"signal": "pulse", "window": 16, "free_steps": 18}, pulse={"length": 12})
    assert tap_ages(config) == TapAges(leaving=1, delayed=6, delayed_leaving=7, old=13)
    assert history_depth(config) == 17  # the window reaches further


def test_first_key_is_the_circuits_seed(make_config) -> None:
    config = make_config()
    assert first_key(config) == fixed_numbers(config).seed
