"""Times of long stages, by a clock that the test sets: it stands still but where the stage's count waits."""

from __future__ import annotations

import threading

import pytest

from eqspike.scripts import stages as told
from eqspike.scripts.stages import shown, stages


class Clock:
    """`time` and `threading` of `stages`: each wait of a stage's count passes at once, `waits` times;
    then the count waits until it is stopped. The time moves on only so."""

    Thread = threading.Thread

    def __init__(self, waits: int) -> None:
        self.now, self.left, self.over = 100.0, waits, threading.Event()

    def monotonic(self) -> float:
        return self.now

    def Event(self) -> _Stop:
        return _Stop(self)


class _Stop:
    def __init__(self, clock: Clock) -> None:
        self.clock, self.event = clock, threading.Event()

    def set(self) -> None:
        self.event.set()

    def wait(self, seconds: float) -> bool:
        if self.event.is_set() or not self.clock.left:
            self.clock.over.set()
            return self.event.wait()
        self.clock.left -= 1
        self.clock.now += seconds
        return False


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch):
    """Sets a clock with that many waits."""

    def make(waits: int) -> Clock:
        made = Clock(waits)
        monkeypatch.setattr(told, "time", made)
        monkeypatch.setattr(told, "threading", made)
        return made

    return make


def test_lines(clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no terminal: the beginning, a line a minute, the end."""
    time = clock(2)
    with stages("build") as say:
        say("synthesise")
        assert time.over.wait(60)
        time.now += 5
    assert capsys.readouterr().err.splitlines() == [
        "build: synthesise", "build: synthesise: 1:00 so far", "build: synthesise: 2:00 so far",
        "build: synthesise: 2:05",
    ]  # fmt: skip


def test_nothing_more_of_a_short_stage(clock, capsys: pytest.CaptureFixture[str]) -> None:
    time = clock(0)
    with stages("build") as say:
        say("generate")
        time.now += 1.9
        say("pack")
    assert capsys.readouterr().err.splitlines() == ["build: generate", "build: pack"]


def test_a_terminal(clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The time counts on in the stage's own line."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    time = clock(2)
    with stages("build") as say:
        say("synthesise")
        assert time.over.wait(60)
    seconds = "".join(f"\rbuild: synthesise 0:0{second}" for second in (1, 2, 2))
    assert capsys.readouterr().err == f"build: synthesise{seconds}\n"


def test_a_stage_within_patience_is_not_spoken_of(clock, capsys: pytest.CaptureFixture[str]) -> None:
    clock(0)
    with stages("train", patience=1.0) as say:
        say("preparing")
    assert capsys.readouterr().err == ""


def test_a_stage_beyond_patience_is(clock, capsys: pytest.CaptureFixture[str]) -> None:
    time = clock(1)
    with stages("train", patience=1.0) as say:
        say("preparing")
        assert time.over.wait(60)
    assert capsys.readouterr().err == "train: preparing\n"


def test_shown() -> None:
    assert [shown(seconds) for seconds in (0.9, 59.9, 60, 754.2)] == ["0:00", "0:59", "1:00", "12:34"]
