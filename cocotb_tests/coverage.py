"""What Verilator's models ran, united over all builds and runs, by file of rtl/.

A run of tests with EQSPIKE_COVERAGE (see `sim.harness`) leaves a folder for each build, with its Verilog and the counts
of each run. `python -m cocotb_tests.coverage FOLDER OUT` unites them. A component's Verilog differs from config to
config, so points are told apart by what they are in its source, and one is covered if it was in any instance in any
build:

- line, branch: the arms of `If`, `Switch`, FSM states and `Mux`, as Amaranth writes them in Verilog. A point is the
  file of the module, the signal that the arm sets, the kind of the arm, and its place among the arms of that kind.
- toggle: the two edges of every bit of every named signal, by the file and line where the signal is made, its name
  (without the number that Amaranth adds to equal ones) and the bit. Bits of the 32-bit counters above `COUNTED` are
  apart: a test would have to count for hours to reach them. Signals without a name are not counted.

A point that is not covered needs an entry in uncovered.yaml, which gives the reason; an entry that fits no such point
is an error too.
"""

from __future__ import annotations

import fnmatch
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import yaml

from eqspike.base.places import package_folder

ROOT = package_folder("rtl").parent
REASONS = Path(__file__).with_name("uncovered.yaml")
KINDS = ("line", "branch", "toggle", "counter bits")
COUNTED = 12
"""Lower bits of a counter, which tests do reach."""
COUNTERS = ("counters", "stages", "rows", "row_cycles")
WORD = 32

SOURCE = re.compile(r'src = "([^"]+?):(\d+)')
BIT = re.compile(r"(?P<name>.*?)(?:\[(?P<bit>\d+)\])?:(?P<edge>[01]->[01])$")
REGISTER = re.compile(r"^\s*(\S+)\s+<= (_\d+_);", re.MULTILINE)
WIRE = re.compile(r"^\s*assign (\S+)\s+= (_\d+_);", re.MULTILINE)


class Point(NamedTuple):
    """What may be covered. `file` is relative to the repository."""

    kind: str
    file: str
    what: str


def relative(path: str) -> str | None:
    """A source's path in the repository; None for what is not of rtl/."""
    place = Path(path)
    if not place.is_relative_to(ROOT):
        return None
    name = place.relative_to(ROOT).as_posix()
    return name if name.startswith("rtl/") else None


class Design:
    """A build's Verilog: which source stands behind each of its lines."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        self.modules: list[tuple[str, int] | None] = []
        """For each line, (file, line) of its module's source."""
        self.sources: list[tuple[str, int] | None] = []
        """For each line, the last source named before it."""
        self.blocks: list[int] = []
        """For each line, the line where its `always` or `assign` begins."""
        self.names = {}
        """Of registers and wires, by the unnamed signal that is their next value."""
        for pattern in (REGISTER, WIRE):
            self.names |= {unnamed: name for name, unnamed in pattern.findall(text)}
        source, module, block = None, None, 0
        for number, line in enumerate(self.lines):
            if found := SOURCE.search(line):
                source = found[1], int(found[2])
            if line.startswith("module "):
                module = source
            if line.lstrip().startswith(("always ", "assign ", "module ")):
                block = number
            self.modules.append(module)
            self.sources.append(source)
            self.blocks.append(block)

    def target(self, number: int) -> str:
        """The signal that the block around a line sets first; "-" for one without a name."""
        for line in self.lines[self.blocks[number] :]:
            if "$auto$" not in line and (found := re.match(r"\s*(?:assign )?(\\?\S+?)(?:\[[\d:]+\])?\s+<?= ", line)):
                name = plain(self.names.get(found[1], found[1]))
                return "-" if name.startswith("_") else name
        return "-"


def plain(name: str) -> str:
    """A signal's name without what Verilog and Amaranth add: escapes, `$3` at the end."""
    name = re.sub(r"__0([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), name)
    return re.sub(r"\$\d+", "", name.removeprefix("\\")).strip()


def entries(counts: str) -> Iterator[tuple[dict[str, str], int]]:
    """The points of one of Verilator's files: fields by their letters, and how often."""
    for line in counts.splitlines():
        if line.startswith("C '"):
            body, _, count = line[3:].rpartition("' ")
            fields = (part.split("\x02", 1) for part in body.split("\x01") if "\x02" in part)
            yield dict(fields), int(count)


def points(design: Design, counts: str) -> Iterator[tuple[Point, bool]]:
    """Each point of a run, and whether it was covered there."""
    places: dict[tuple[str, str, str, str], dict[int, int]] = {}
    rest = []
    for fields, count in entries(counts):
        number = int(fields["l"]) - 1
        module, source = design.modules[number], design.sources[number]
        if module is None or source is None:
            continue
        if fields["t"] == "toggle":
            file = relative(source[0])
            if file is not None and (point := _toggle(file, source[1], fields["o"])):
                yield point, count > 0
            continue
        file = relative(module[0])
        # Yosys writes an empty `if` into each block, and each `always` and `assign` runs anyway.
        if file is None or "$auto$" in design.lines[number] or fields["o"] == "block":
            continue
        rest.append(((fields["t"], file, design.target(number), fields["o"], str(number), fields["n"]), count))
    # The place of an arm among those of its kind that set the same signal.
    for (kind, file, target, arm, number, column), count in sorted(rest, key=lambda r: (*r[0][:4], int(r[0][4]))):
        seen = places.setdefault((kind, file, target, arm), {})
        at = seen.setdefault(int(number) * 1000 + int(column), len(seen))
        yield Point(kind, file, f"{target}: {arm} {at}"), count > 0


def _toggle(file: str, line: int, what: str) -> Point | None:
    found = BIT.match(what)
    name, bit = plain(found["name"]), int(found["bit"] or 0)
    if name.startswith(("$", "_")) or name in ("clk", "rst"):
        return None
    counter = file == "rtl/counters.py" and name.split(".")[0] in COUNTERS and bit % WORD >= COUNTED
    kind = "counter bits" if counter else "toggle"
    return Point(kind, file, f"{name}[{bit}] {found['edge']} (line {line})")


def unite(folder: Path) -> dict[Point, bool]:
    """All points of all builds and runs in a folder."""
    united: dict[Point, bool] = {}
    for source in sorted(folder.glob("*/design.v")):
        design = Design(source.read_text(encoding="utf-8"))
        for counts in sorted(source.parent.glob("*.dat")):
            for point, covered in points(design, counts.read_text(encoding="utf-8", errors="replace")):
                united[point] = united.get(point, False) or covered
    return united


def summary(united: Mapping[Point, bool]) -> dict[str, dict[str, list[int]]]:
    """File -> kind -> [covered, all]."""
    files: dict[str, dict[str, list[int]]] = {}
    for point, covered in sorted(united.items()):
        entry = files.setdefault(point.file, {kind: [0, 0] for kind in KINDS})[point.kind]
        entry[0] += covered
        entry[1] += 1
    return files


def explain(missing: Iterable[Point], reasons: Iterable[Mapping[str, str]]) -> tuple[list[Point], list[str]]:
    """(points without a reason, entries that fit no point). An entry has `kind`, `file`, `what` (a pattern as of a
    shell, `[` taken as it is) and `reason`."""
    missing, reasons = list(missing), list(reasons)
    used, left = set(), []
    for point in missing:
        fits = [i for i, entry in enumerate(reasons) if _fits(point, entry)]
        used.update(fits)
        if not fits:
            left.append(point)
    return left, [f"{e['file']}: {e['what']}" for i, e in enumerate(reasons) if i not in used]


def _fits(point: Point, entry: Mapping[str, str]) -> bool:
    what = entry["what"].replace("[", "[[]")
    return (point.kind, point.file) == (entry["kind"], entry["file"]) and fnmatch.fnmatchcase(point.what, what)


def main(folder: str, out: str) -> int:
    """Write the summary; say what has no reason. The number of faults."""
    united = unite(Path(folder))
    reasons = yaml.safe_load(REASONS.read_text(encoding="utf-8")) or []
    missing = [point for point, covered in united.items() if not covered and point.kind != "counter bits"]
    left, stale = explain(missing, reasons)
    result = {"files": summary(united), "not_covered": len(missing), "explained": len(missing) - len(left)}
    Path(out).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for point in sorted(left):
        print(f"not covered: {point.kind} of {point.file}: {point.what}")
    for entry in stale:
        print(f"uncovered.yaml: fits nothing: {entry}")
    return len(left) + len(stale)


if __name__ == "__main__":
    sys.exit(min(1, main(*sys.argv[1:])))
