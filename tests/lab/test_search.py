"""The search for settings: its ranges, its judge, going on, and what is said at the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eqspike.base.errors import UsageProblem
from eqspike.lab.search import Plan, Space

SEARCH = ("search", "../tiny.yaml", "--over", "learning.beta=2^-3..2^1", "--epochs", 1, "--confirm", 1, "--seeds", 1)


def found(folder: str = "runs/tiny-search") -> dict[str, Any]:
    return json.loads(Path(folder, "search.json").read_text())


@pytest.mark.parametrize(
    ("text", "space"),
    [
        ("a.b=2^-15..2^-9", Space("a.b", -15, -9, "powers")),
        ("a=0.5..2^2", None),
        ("a=3..8", Space("a", 3, 8, "whole")),
        ("a=0.1..8", Space("a", 0.1, 8, "numbers")),
        ("a=x,y", Space("a", kind="choices", choices=("x", "y"))),
        ("a=null,0.1", Space("a", kind="choices", choices=("null", "0.1"))),
    ],
)
def test_ranges(text: str, space: Space | None) -> None:
    assert Space.parse(text) == (space or Space("a", -1, 2, "powers"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "write KEY=LOW..HIGH or KEY=A,B,C"),
        ("=1..2", "write KEY=LOW..HIGH"),
        ("a=1", "two different values"),
        ("a=1,1", "two different values"),
        ("a=2..1", "LOW must be below HIGH"),
        ("a=x..y", "LOW: 'x' is not valid; a number such as 0.5 or 2^-15"),
        ("a=nan..1", "a number such as 0.5"),
        ("a=2^-3..3", "both ends are powers of two"),
    ],
)
def test_ranges_that_are_none(text: str, said: str) -> None:
    with pytest.raises(UsageProblem, match=said.replace("^", r"\^")):
        Space.parse(text)


def test_it_judges_on_a_validation_part(tiny: str) -> None:
    """Its trainings hold a fifth of the training part out, unless the config has a part of its own."""
    plan = Plan(tiny, (Space("learning.beta", -1, 0, "powers"),))
    assert plan.resolve((), 0).dataset.validation_fraction == 0.2
    own = Plan(tiny, plan.spaces, ("dataset.validation_fraction=0.3",))
    assert own.resolve((), 0).dataset.validation_fraction == 0.3


def test_a_search_that_goes_on(tiny: str, run) -> None:
    """What was tried is kept; more trials are added, of other settings; the end has seeds that no trial had."""
    first = run(*SEARCH, "--trials", 2)
    assert first.exit_code == 0, first.output
    assert "[2/2] learning.beta=2^" in first.stdout
    assert "all on the validation part" in first.stdout
    assert Path("runs/tiny-search/search.png").stat().st_size > 1000
    before = found()
    assert (before["seeds"], before["fresh_seeds"]) == ([0], [1])
    assert before["confirmed"]["count"] == before["as_it_was"]["count"] == 1
    again = run(*SEARCH, "--trials", 4)
    assert "[2/4]" not in again.stdout
    assert "[4/4]" in again.stdout
    trials = found()["trials"]
    assert len(trials) == 4
    assert all(trial in trials for trial in before["trials"])
    assert found()["best"] == max(trials, key=lambda trial: trial["accuracy"])["set"]


def test_settings_that_cannot_be(tiny: str, run, fails) -> None:
    """A trial whose config is refused says why and the search goes on; where none can be, it fails."""
    mixed = run(*SEARCH, "--over", "programming.when=spike,never", "--trials", 6, "--out", "mixed")
    assert mixed.exit_code == 0, mixed.output
    assert "programming.when: 'never' is not valid" in mixed.stdout
    assert len(found("mixed")["trials"]) < 6
    result = run(*SEARCH, "--over", "rate.filter=1000,1001", "--trials", 1, "--out", "none")
    assert result.exit_code == 1
    assert "no trial of 1 is a config that can be" in result.stderr


def test_another_search_in_the_folder(tiny: str, run, fails) -> None:
    run(*SEARCH, "--trials", 1)
    line = fails(2, *SEARCH, "--over", "learning.window=16,32", "--trials", 1)
    assert line == "runs/tiny-search: holds a search with other settings; choose another --out"


def test_without_optuna(tiny: str, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    assert fails(2, *SEARCH) == "eqspike search needs Optuna: pip install 'eqspike[search]'"
