"""Tables of builds: what they use, which clock they reach, which preset fits which board and how fast it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eqspike.golden.validation import fail
from eqspike.lab.tables import Claim, Found, Kind, Shown, no_claims, rows_of
from eqspike.lab.verdict import clock, status


def used(build: dict[str, Any], *names: str) -> str:
    """What a build uses of the first of these resources that it knows."""
    resources = build.get("resources", build)
    entry = next((resources[name] for name in names if isinstance(resources.get(name), dict)), None)
    return f"{entry['used']:,} of {entry['total']:,}" if entry else "-"


def sizes(result: dict[str, Any]) -> str:
    """A network by its layers."""
    return "-".join(map(str, result["layers"]))


@dataclass(frozen=True, kw_only=True)
class Board:
    """A build and the clock that it is to reach."""

    measurement: str
    title: str = ""
    """The board; as the build names its device where it is not given."""
    mhz: float

    def row(self, found: Found, dsp: bool) -> list[str] | None:
        """Board, network, lanes, resources, clock, what was to be reached, status."""
        if self.measurement not in found:
            return None
        b = found[self.measurement]["result"]
        slowest, met = clock(b["clocks"].values(), self.mhz)
        use = [used(b, "lut", "lc"), used(b, "ff"), used(b, "bram"), *([used(b, "dsp")] if dsp else [])]
        return [
            self.title or b["device"], sizes(b), str(b["lanes"]), *use,
            f"{slowest['achieved_mhz']:.1f} MHz (runs at {slowest['required_mhz']:g})", f">= {self.mhz:g} MHz",
            status(met),
        ]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Boards(Shown):
    """`dsp` shows multipliers, too."""

    lines: tuple[Board, ...]
    dsp: bool = False


def _builds(parameters: Boards, found: Found) -> list[list[str]]:
    rows = (line.row(found, parameters.dsp) for line in parameters.lines)
    return [row for row in rows if row is not None]


def _build_claims(parameters: Boards, found: Found) -> list[Claim]:
    more = ", memristors with all faults" if parameters.dsp else ""
    return [
        Claim(f"{row[0]}{more}, {row[1]}, {row[2]} lanes", f"{row[-3]}; LUTs {row[3]}, block RAMs {row[5]}",
              "one place and route", row[-2], row[-1])
        for row in _builds(parameters, found)
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# Presets on boards


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """A preset on a board that has a measurement of its own."""

    preset: str
    board: str
    measurement: str


@dataclass(frozen=True, kw_only=True)
class Presets(Shown):
    """Builds and counted cycles, each a measurement of several rows, and what stands elsewhere."""

    presets: tuple[str, ...]
    boards: tuple[str, ...]
    builds: str
    cycles: tuple[str, ...]
    elsewhere: tuple[Elsewhere, ...] = ()

    def validate(self, key: str) -> None:
        for pair in self.elsewhere:
            if pair.preset not in self.presets or pair.board not in self.boards:
                fail(f"{key}.elsewhere", f"{pair.preset} on {pair.board}", "one of the presets on one of the boards")


def _hardware(result: dict[str, Any]) -> tuple[Any, ...]:
    """What cycles depend on."""
    return tuple(result[name] for name in ("config", "lanes", "input_lanes", "banks"))


def _presets(parameters: Presets, found: Found) -> list[list[str]]:
    cycles = {_hardware(row["result"]): row["result"] for name in parameters.cycles for row in rows_of(found, name)}
    builds = {(r["config"], r["board"]): r for r in (row["result"] for row in rows_of(found, parameters.builds))}
    builds |= {
        (e.preset, e.board): found[e.measurement]["result"] for e in parameters.elsewhere if e.measurement in found
    }
    return [
        _preset_line(preset, board, build, cycles.get(_hardware(build)))
        for preset in parameters.presets
        for board in parameters.boards
        if (build := builds.get((preset, board))) is not None
    ]


def _preset_line(preset: str, board: str, build: dict[str, Any], counted: dict[str, Any] | None) -> list[str]:
    line = [f"`{preset}`", board, str(build["lanes"]), str(build["banks"])]
    use = [used(build, "lut", "lc"), used(build, "ff"), used(build, "bram"), used(build, "dsp")]
    if "clocks" not in build:
        return [*line, "no", *use, "-", "-", "-"]
    slowest, met = clock(build["clocks"].values())
    achieved, required = slowest["achieved_mhz"], slowest["required_mhz"]
    mhz = min(achieved, required)
    speed = f"{achieved:.1f} (runs at {required:g})" if met else f"{achieved:.1f}, misses {required:g}"
    speeds = [
        f"{1e6 * mhz / counted[what]['cycles_per_image']:,.0f}" if counted else "not counted"
        for what in ("training", "inference")
    ]
    return [*line, "yes", *use, speed, *speeds]


# ---------------------------------------------------------------------------------------------------------------------
# Images a second


@dataclass(frozen=True, kw_only=True)
class Speed:
    """What a preset is to reach: images a second, and seconds for all epochs."""

    preset: str
    training: float | None = None
    inference: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Throughputs(Shown):
    """A measurement with a row for each preset; `boards`: how a board is called."""

    measurement: str
    boards: dict[str, str]
    wanted: tuple[Speed, ...] = ()


def _throughputs(parameters: Throughputs, found: Found) -> list[list[str]]:
    """Images a second on boards, and what stands between them and the limit."""
    wanted = {own.preset: own for own in parameters.wanted}
    rows = []
    for row in rows_of(found, parameters.measurement):
        r, own = row["result"], wanted.get(row["name"], Speed(preset=row["name"]))
        place = [f"`{row['name']}` on {parameters.boards[r['board']]}", str(r["lanes"]), str(r["banks"])]
        for what in ("training", "inference"):
            m, bar = r[what], getattr(own, what)
            speed = m["images_per_second_at_required"]
            rows.append(
                [*place, what, f"{m['cycles_per_image']:,.0f}", f"{m['rows_per_image']:,.0f}",
                 f"{m['rows_per_cycle']:.2f}", f"{100 * m['row_cycle_share']:.1f} %",
                 f"{speed:,.0f} images/s at {r['required_mhz']:g} MHz", "-" if bar is None else f">= {bar:,.0f}",
                 status(None if bar is None else speed >= bar)]
            )  # fmt: skip
        if (took := r.get("seconds_of_training_at_required")) is not None:
            count = len(r["nudged_fraction_of_epochs"])
            rows.append(
                [*place, f"{count} epochs", "-", "-", "-", "-", f"{took:.1f} s at {r['required_mhz']:g} MHz",
                 "-" if own.seconds is None else f"<= {own.seconds:g} s",
                 status(None if own.seconds is None else took <= own.seconds)]
            )  # fmt: skip
    return rows


def _throughput_claims(parameters: Throughputs, found: Found) -> list[Claim]:
    """Those that were to be reached."""
    return [
        Claim(f"{place}, {what}", speed, "cycles counted in Verilator, placed clock", asked, judged)
        for place, _, _, what, *_, speed, asked, judged in _throughputs(parameters, found)
        if asked != "-"
    ]


STAGES = ("idle", "fill", "begin", "load", "serve", "wait", "update", "drain", "result")
"""Of the sequencer: `rtl.streams.Stage`."""


def _stages(parameters: Throughputs, found: Found) -> list[list[str]]:
    """The share of cycles that each stage of the sequencer takes."""
    return [
        [f"`{row['name']}`", what, *(f"{100 * row['result'][what]['stage_shares'][stage]:.1f} %" for stage in STAGES)]
        for row in rows_of(found, parameters.measurement)
        for what in ("training", "inference")
    ]


KINDS: dict[str, Any] = {
    "builds": Kind(Boards, _builds, _build_claims),
    "presets_on_boards": Kind(Presets, _presets, no_claims),
    "throughputs": Kind(Throughputs, _throughputs, _throughput_claims),
    "stages": Kind(Throughputs, _stages, no_claims),
}
