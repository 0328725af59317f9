"""Place and route: nextpnr's report of a design, the best of several seeds, and the bitstream of one."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eqspike.fpga.report import clocks, slack
from eqspike.fpga.workshop import BuildFailed, Stuck, Workshop

LARGE = 20_000
"""LUTs of an ECP5 from which on nextpnr's static placer does better than HeAP: it makes the nets of `mnist` half as
long, and what HeAP makes of them cannot be routed. Small designs come out a little faster from HeAP."""

PATIENCE = 200
"""Rounds of nextpnr's router2 in which the number of conflicts does not fall any more: it would go on for ever. Where
it ends, it needs some dozens, and the number falls in most of them."""
MORE = 4
"""So many seeds are tried beside those that were asked for, where these cannot be routed."""

_ROUND = re.compile(r"iter=(\d+) wires=\d+ overused=(\d+)")
_FORMATS = {
    "ice40": ("--pcf top.pcf", "--asc"),
    "ecp5": ("--lpf top.lpf", "--textcfg"),
    "gowin": ("--vopt cst=top.cst", "--write"),
}
"""Options of nextpnr by family: the pins it reads, the routed design it writes."""
_PACKER = {"ice40": "ICEPACK", "ecp5": "ECPPACK", "gowin": "GOWIN_PACK"}


@dataclass(frozen=True)
class Placement:
    """A design placed and routed."""

    seed: int
    report: dict[str, Any]
    """nextpnr's."""

    @property
    def slack(self) -> float:
        """Achieved over required frequency of the slowest clock: 1 or more when all are met."""
        return slack(clocks(self.report))


def pack(workshop: Workshop) -> dict[str, Any]:
    """nextpnr's report of what the design takes, before it is placed."""
    return _nextpnr(workshop, "pack", ["--pack-only"])


def best_placement(workshop: Workshop, luts: int, seeds: range, workers: int) -> tuple[Placement, int]:
    """The fastest of the placements with these seeds of nextpnr, of equals the first; and how many seeds were tried.

    `workers` placements are made at the same time. Some cannot be routed. Where that is so for all seeds, the next ones
    are tried, one by one; if they cannot be routed either, raises `BuildFailed`.
    """
    large = workshop.board.family == "ecp5" and luts > LARGE
    placer = ["--placer", "static"] if large else []
    tried, best = 0, None
    further = (range(seed, seed + 1) for seed in range(seeds.stop, seeds.stop + MORE))
    for group in itertools.chain([seeds], further):
        for placement in _placements(workshop, placer, group, workers):
            tried += 1
            if placement is None:
                continue
            found = clocks(placement.report)
            told = ", ".join(f"{name} {c['achieved_mhz']} of {c['required_mhz']} MHz" for name, c in found.items())
            workshop.say(f"seed {placement.seed}: {told}")
            if best is None or placement.slack > best.slack:
                best = placement
        if best is not None:
            return best, tried
    raise BuildFailed(f"no way to route it was found with {tried} seeds; fewer lanes make it smaller")


def bitstream(workshop: Workshop, placement: Placement) -> bytes:
    """The bitstream of a placement."""
    board, routed = workshop.board, f"seed{placement.seed}.routed"
    file = f"top.{board.bitstream}"
    arguments = {
        "ice40": [routed, file],
        "ecp5": ["--compress", "--input", routed, "--bit", file],
        "gowin": ["-o", file, routed],
    }
    tool = workshop.environment[_PACKER[board.family]]
    workshop.run([tool, *board.packer, *arguments[board.family]], None)
    return (workshop.folder / file).read_bytes()


def router_stuck(log: Path) -> Callable[[], str | None]:
    """For `Workshop.run`: has nextpnr's router2, by its log so far, come to an end that it does not see?"""

    def stuck() -> str | None:
        text = log.read_text(errors="replace") if log.exists() else ""
        rounds = [(int(number), int(conflicts)) for number, conflicts in _ROUND.findall(text)]
        if not rounds:
            return None
        least = min(conflicts for _, conflicts in rounds)
        since = next(number for number, conflicts in rounds if conflicts == least)
        if least == 0 or rounds[-1][0] - since < PATIENCE:
            return None
        return f"the router keeps {least} wires in conflict for {PATIENCE} rounds"

    return stuck


def _nextpnr(workshop: Workshop, name: str, extra: list[str]) -> dict[str, Any]:
    """Run nextpnr and return its report. Missing the clock is not its failure but ours to tell."""
    board = workshop.board
    pins, routed = _FORMATS[board.family]
    arguments = [
        workshop.environment[f"NEXTPNR_{board.family.upper()}"], *board.nextpnr, *pins.split(),
        "--json", workshop.netlist,
        "--report", f"{name}.json", "--log", f"{name}.log", "--quiet", "--timing-allow-fail", *extra,
    ]  # fmt: skip
    if "--pack-only" not in extra:
        arguments += [routed, f"{name}.routed"]
    workshop.run(arguments, f"{name}.log", router_stuck(workshop.folder / f"{name}.log"))
    return json.loads((workshop.folder / f"{name}.json").read_text(encoding="utf-8"))


def _placements(workshop: Workshop, placer: list[str], seeds: range, workers: int) -> Iterator[Placement | None]:
    """The placement of each seed, in order; None where it cannot be routed."""

    def run(seed: int) -> Placement | None:
        workshop.say(f"place and route, seed {seed}")
        try:
            return Placement(seed, _nextpnr(workshop, f"seed{seed}", ["--seed", str(seed), *placer]))
        except Stuck as error:
            workshop.say(f"seed {seed}: {error}")
            return None

    # Threads do: nextpnr is a process of its own.
    pool = ThreadPoolExecutor(workers)
    try:
        yield from pool.map(run, seeds)
    except BaseException:
        workshop.stop.set()  # else nobody would end what still runs
        raise
    finally:
        pool.shutdown(cancel_futures=True)
