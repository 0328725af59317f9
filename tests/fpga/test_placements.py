"""Placements: one that cannot be routed is found, ended and replaced by another seed's; nothing is left running."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from eqspike.fpga import placements, workshop
from eqspike.fpga.boards import BOARDS
from eqspike.fpga.placements import MORE, PATIENCE, best_placement, router_stuck
from eqspike.fpga.workshop import BuildFailed, Stuck, Workshop


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """A workshop for the iCEBreaker that looks at its tools often."""
    monkeypatch.setattr(workshop, "POLL", 0.02)
    return Workshop(
        board=BOARDS["icebreaker"],
        environment={"NEXTPNR_ICE40": "nextpnr"},
        folder=tmp_path,
        out=tmp_path,
        say=lambda _: None,
    )


def rounds(conflicts: list[int]) -> str:
    """What router2 writes of its rounds."""
    return "".join(
        f"Info:     iter={number} wires=45647 overused={count} overuse={count} archfail=NA\n"
        for number, count in enumerate(conflicts, 1)
    )


@pytest.mark.parametrize(
    ("conflicts", "stuck"),
    [
        ([], False),
        ([1746, 300, 2] + [2] * (PATIENCE - 1), False),
        ([1746, 300, 2] + [2] * PATIENCE, True),
        ([1746, 300, 2] + [5, 7] * PATIENCE, True),  # it goes up and down, never below
        ([*range(3 * PATIENCE, 0, -1)], False),  # slow, but on its way
        ([1746, 2] + [0] * 2 * PATIENCE, False),
    ],
)
def test_a_router_that_will_not_end_is_told_from_one_that_is_slow(
    tmp_path: Path, conflicts: list[int], stuck: bool
) -> None:
    log = tmp_path / "seed1.log"
    assert router_stuck(log)() is None
    log.write_text("Info: Running router2...\n" + rounds(conflicts) + "Info:     iter=9")
    assert (router_stuck(log)() is not None) == stuck


def test_a_stuck_tool_is_ended(place: Workshop) -> None:
    began = time.monotonic()
    program = f"import time; open('seed1.log', 'w').write({rounds([3] * (PATIENCE + 1))!r}); time.sleep(60)"
    with pytest.raises(Stuck, match=f"python.*: the router keeps 3 wires in conflict for {PATIENCE} rounds"):
        place.run([sys.executable, "-c", program], "seed1.log", router_stuck(place.folder / "seed1.log"))
    assert time.monotonic() - began < 30


def test_tools_end_with_the_build(place: Workshop) -> None:
    place.stop.set()
    began = time.monotonic()
    with pytest.raises(BuildFailed, match="stopped"):
        place.run([sys.executable, "-c", "import time; time.sleep(60)"], None)
    assert time.monotonic() - began < 30


def test_what_a_failing_tool_said_is_kept(place: Workshop) -> None:
    program = "import sys; print('ERROR: no such cell'); sys.exit(1)"
    with pytest.raises(BuildFailed, match=r"ERROR: no such cell \(see .*\.log\)"):
        place.run([sys.executable, "-c", program], None)


def _pretend(monkeypatch: pytest.MonkeyPatch, stuck: set[int]) -> list[int]:
    """nextpnr if these seeds could not be routed, and seed s reached 20 + s MHz; the seeds that it is given."""
    given: list[int] = []

    def run(own: Workshop, arguments: list[str], log: str | None, watch: object = None) -> None:
        seed = int(arguments[arguments.index("--seed") + 1])
        given.append(seed)
        if seed in stuck:
            raise Stuck("nextpnr: it will not end")
        clock = {"pll_clock": {"achieved": 20.0 + seed, "constraint": 24.0}}
        (own.folder / f"seed{seed}.json").write_text(json.dumps({"fmax": clock}))

    monkeypatch.setattr(Workshop, "run", run)
    return given


@pytest.mark.parametrize("workers", [1, 2])
def test_where_no_seed_can_be_routed_the_next_ones_are_tried(
    place: Workshop, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    given = _pretend(monkeypatch, {1, 2, 3})
    found, tried = best_placement(place, 0, range(1, 3), workers)
    assert (found.seed, tried, sorted(given)) == (4, 4, [1, 2, 3, 4])


def test_a_seed_that_can_be_routed_is_enough(place: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    given = _pretend(monkeypatch, {1, 3})
    found, tried = best_placement(place, 0, range(1, 4), 1)
    assert (found.seed, tried, given) == (2, 3, [1, 2, 3])


def test_a_design_that_cannot_be_routed_fails(place: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    given = _pretend(monkeypatch, set(range(100)))
    with pytest.raises(BuildFailed, match=f"no way to route it was found with {1 + MORE} seeds"):
        best_placement(place, 0, range(5, 6), 1)
    assert given == [5, 6, 7, 8, 9]


def test_a_failure_stops_the_other_placements(place: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(own: Workshop, name: str, extra: list[str]) -> dict:
        raise BuildFailed("nextpnr: out of luck")

    monkeypatch.setattr(placements, "_nextpnr", fail)
    with pytest.raises(BuildFailed, match="out of luck"):
        best_placement(place, 0, range(1, 3), 2)
    assert place.stop.is_set()
