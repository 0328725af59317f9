"""What a number says of what was to be reached, decided here alone: for goals, sweeps and the tables of results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

REPRODUCED, BETTER, DIFFERS, MEASURED = "reproduced", "better", "differs", "measured"
"""Of an experiment: all judged numbers hold; those that do not are better than the thesis's; some are not; nothing is
judged."""
WAYS = ("", "higher", "lower")
"""Which way a number that does not hold is better; empty: neither."""
MET, MISSED = "met", "missed"
"""Of a number that this project set itself."""
AGREES = "agrees"
AGREES_WITHIN = 3.0
"""Points of accuracy within which a sweep's row agrees with the thesis: what is read from its figures is no finer."""
RULES = ("within", "at_least", "at_most", "shown")


def holds(rule: str, bar: float | None, tolerance: float, ours: float | None) -> bool | None:
    """Does our number reach the bar by the rule? None where there is nothing to judge."""
    if rule == "shown" or ours is None or bar is None:
        return None
    if rule == "within":
        return abs(ours - bar) <= tolerance
    if rule == "at_least":
        return ours >= bar - tolerance
    return ours <= bar + tolerance


def beats(way: str, bar: float | None, tolerance: float, ours: float | None) -> bool:
    """Is our number better than the bar by more than the tolerance?"""
    if not way or bar is None or ours is None:
        return False
    return ours > bar + tolerance if way == "higher" else ours < bar - tolerance


def of_goals(found: Sequence[bool], better: Sequence[bool]) -> str:
    """The verdict of an experiment whose judged goals hold, or not, and then are `better`, or not."""
    if all(found):
        return REPRODUCED if found else MEASURED
    return BETTER if all(a or b for a, b in zip(found, better, strict=True)) else DIFFERS


def status(*found: bool | None) -> str:
    """The status of a number by what was asked of it; None was not asked."""
    asked = [value for value in found if value is not None]
    return MEASURED if not asked else MET if all(asked) else MISSED


def reaches(ours: float, bar: float | None, rule: str = "at_least") -> str:
    """The status of a number against one bar; None: it is only measured."""
    return status(holds(rule, bar, 0.0, ours))


@dataclass(frozen=True)
class Against:
    """A sweep's row beside the thesis."""

    better_by: float | None
    """Points; None where the thesis says nothing that can be judged."""
    verdict: str | None


LOSSES = {"loss": "within", "loss_below": "at_most", "loss_above": "at_least"}
"""What the thesis says of lost points -> the rule by which ours are judged."""


def against_thesis(kind: str | None, value: float, accuracy: float | None, loss: float | None) -> Against:
    """How many points better (+) or worse (-) than the thesis, and whether that is within `AGREES_WITHIN`.

    `kind` is accuracy, or one of `LOSSES`: a loss below (or above) the thesis's bound is as good as on it.
    """
    ours = accuracy if kind == "accuracy" else loss
    if kind is None or accuracy is None or ours is None:
        return Against(None, None)
    better = ours - value if kind == "accuracy" else value - ours
    if kind != "accuracy" and LOSSES[kind] != "within" and holds(LOSSES[kind], value, 0.0, ours):
        better = 0.0
    return Against(better, AGREES if abs(better) <= AGREES_WITHIN else DIFFERS)


def clock(clocks: Iterable[dict[str, float]], bar: float = 0.0) -> tuple[dict[str, float], bool]:
    """The clock that comes nearest to missing what it runs at, and whether it reaches that and the bar (MHz)."""
    slowest = min(clocks, key=lambda each: each["achieved_mhz"] / each["required_mhz"])
    return slowest, slowest["achieved_mhz"] >= max(bar, slowest["required_mhz"])
