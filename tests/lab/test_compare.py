"""What a comparison goes through, without a simulator; cocotb_tests/test_recorder.py holds both ways equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eqspike.base.errors import UsageProblem
from eqspike.golden.config import Config
from eqspike.lab import compare

REPORT = {
    "weights": [], "images": 2, "compared": {"key": 2}, "mismatches": 0, "first_mismatch": None, "spikes": 1,
    "cycles": 20, "simulated_cycles": 30, "seconds": 1.0, "simulator": "any",
}  # fmt: skip


@pytest.fixture
def went(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """By what the comparisons went."""
    seen: list[str] = []

    def through(name: str) -> Callable[..., dict[str, Any]]:
        return lambda *_: seen.append(name) or dict(REPORT)

    for name in compare.THROUGH:
        monkeypatch.setattr(compare, f"_{name}", through(name))
    return seen


@pytest.mark.parametrize(
    ("simulator", "asked", "through"),
    [
        ("verilator", None, "recorder"),
        ("verilator", "recorder", "recorder"),
        ("verilator", "cocotb", "cocotb"),
        ("icarus", None, "cocotb"),
        ("icarus", "cocotb", "cocotb"),
    ],
)
def test_what_it_goes_through(
    make_config: Callable[..., Config], went: list[str], simulator: str, asked: str | None, through: str
) -> None:
    result = compare.run_compare(make_config(), images=2, simulator=simulator, through=asked)
    assert went == [through] == [result["through"]]
    assert result["passed"]


def test_the_recorder_is_verilators(make_config: Callable[..., Config], went: list[str]) -> None:
    with pytest.raises(UsageProblem, match="the recorder is Verilator's; icarus runs through cocotb"):
        compare.run_compare(make_config(), images=2, simulator="icarus", through="recorder")
    assert went == []
