"""Rules, verdicts and what is written of an outcome."""

from __future__ import annotations

import dataclasses

import pytest

from eqspike.base.errors import UsageProblem
from eqspike.golden.validation import ConfigError
from eqspike.lab.experiments.outcome import Outcome, Series, csv_text, judge, quantity_text
from eqspike.lab.experiments.plot import draw
from eqspike.lab.experiments.spec import Experiment, Goal, Header, Minutes, Panel
from eqspike.lab.plots import png_bytes


def experiment(*goals: Goal, **told: object) -> Experiment:
    about = {
        "title": "t",
        "reference": "fig 2.1",
        "about": "a",
        "kind": "transfer",
        "minutes": Minutes(quick=1, full=1),
    }
    return Experiment("fig-2-1", Header(**about | told, goals=goals), None, None)


@pytest.mark.parametrize(
    ("rule", "ours", "expected"),
    [
        ("within", 11.0, True),
        ("within", 9.0, True),
        ("within", 11.1, False),
        ("within", 8.9, False),
        ("at_least", 9.0, True),
        ("at_least", 8.9, False),
        ("at_least", 99.0, True),
        ("at_most", 11.0, True),
        ("at_most", 11.1, False),
        ("at_most", -99.0, True),
        ("shown", 10.0, None),
        ("within", None, None),
    ],
)
def test_rules(rule: str, ours: float | None, expected: bool | None) -> None:
    assert Goal(quantity="a", value=10, tolerance=1, rule=rule).holds(ours) is expected


def test_the_verdict_asks_both_number_formats() -> None:
    outcome = Outcome()
    outcome.measure("a", "real", [1.0, 3.0])
    outcome.measure("a", "fixed", 5)
    told = judge(experiment(Goal(quantity="a", value=2, tolerance=1)), outcome)
    assert told["verdict"] == "differs"
    (goal,) = told["goals"]
    assert goal["holds"] == {"real": True, "fixed": False}
    assert goal["ours"]["real"]["mean"] == 2
    assert goal["ours"]["real"]["count"] == 2
    only = judge(experiment(Goal(quantity="a", value=2, tolerance=1, numbers=("real",))), outcome)
    assert only["verdict"] == "reproduced"
    assert only["goals"][0]["holds"] == {"real": True, "fixed": None}
    assert judge(experiment(), outcome)["verdict"] == "measured"
    assert judge(experiment(Goal(quantity="a", rule="shown", text="x")), outcome)["verdict"] == "measured"
    # What is measured once, whatever the numbers, counts for both.
    outcome.measure("b", "", 7)
    assert judge(experiment(Goal(quantity="b", value=7)), outcome)["verdict"] == "reproduced"


def test_a_goal_that_is_not_measured_is_a_mistake_of_the_file() -> None:
    outcome = Outcome()
    outcome.measure("a", "real", [None, float("nan")])
    for name in ("a", "other"):
        with pytest.raises(UsageProblem, match=rf"experiments/fig-2-1\.yaml: goals: '{name}' is not measured"):
            judge(experiment(Goal(quantity=name, value=1)), outcome)


def test_csv() -> None:
    outcome = Outcome(
        [Series("s", "real", [0.5, "a"], [1 / 3, None], [0.1, None], panel="p"), Series("", "", [1], [2])]
    )
    assert csv_text(outcome).splitlines() == [
        "panel,series,numbers,x,y,error",
        "p,s,real,0.5,0.333333,0.1",
        "p,s,real,a,,",
        ",,,1,2,",
    ]


def test_how_a_quantity_is_shown() -> None:
    entry = {"mean": 97.123, "standard_deviation": 0.456}
    assert quantity_text(entry, "%") == "97.12 ± 0.46 %"
    assert quantity_text({"mean": 1234567.0, "standard_deviation": None}) == "1.235e+06"
    assert quantity_text({"mean": None, "standard_deviation": None}) == "-"


@pytest.mark.parametrize("style", ["line", "plain", "points", "dots", "bars", "steps", "dashed"])
def test_pictures(style: str) -> None:
    words = style == "bars"
    x = ["one", "two"] if words else [1.0, 2.0]
    outcome = Outcome([Series("s", n, x, [3.0, None], [0.1, None], "p", style) for n in ("real", "fixed", "")])
    outcome.places = {"a": ("p", x[0], None), "b": ("p", None, None), "c": ("p", x[1], 5.0)}
    goals = [Goal(quantity=name, value=1) for name in "abc"]
    own = experiment(*goals, panels=(Panel(name="p", xscale="names" if words else "log"), Panel(name="q")))
    axis = draw(own, outcome, quick=True).axes[0]
    assert "reduced size" in axis.figure.get_suptitle()
    assert axis.get_legend() is not None
    # Open diamonds at the goals' places, a line over the whole width.
    diamonds = [line for line in axis.lines if line.get_marker() == "D"]
    assert [line.get_ydata()[0] for line in diamonds] == [1, 4]
    assert png_bytes(draw(own, outcome, quick=False)).startswith(b"\x89PNG")


def test_better_than_the_thesis_is_not_different() -> None:
    """Beyond the tolerance on the better side is better; on the other side, or in one format alone, it differs."""
    outcome = Outcome()
    outcome.measure("a", "real", 99)
    outcome.measure("a", "fixed", 98.5)
    outcome.measure("b", "", 3)
    higher = Goal(quantity="a", value=97, tolerance=1, better="higher")
    near, low = Goal(quantity="b", value=3), Goal(quantity="b", value=9, better="higher")
    told = judge(experiment(higher, near), outcome)
    assert (told["verdict"], told["goals"][0]["better"]) == ("better", {"real": True, "fixed": True})
    assert judge(experiment(higher, low), outcome)["verdict"] == "differs"
    assert judge(experiment(dataclasses.replace(higher, better="")), outcome)["verdict"] == "differs"
    assert judge(experiment(dataclasses.replace(higher, better="lower")), outcome)["verdict"] == "differs"
    outcome.measure("a", "fixed", 97.5)  # holds, while real numbers are better
    assert judge(experiment(higher), outcome)["verdict"] == "better"
    outcome.measure("a", "fixed", 95.5)
    assert judge(experiment(higher), outcome)["verdict"] == "differs"
    with pytest.raises(ConfigError, match="with the rule at_least, such numbers hold"):
        dataclasses.replace(higher, rule="at_least").validate("goals[0]")
