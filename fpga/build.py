"""A bitstream of the self-test or the host link for a board, what it uses and how fast it runs; or its synthesis alone.

The results are written to a folder, whole or not at all: build.json with bitstream and nextpnr's report, or
synthesis.json.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eqspike.base import tools
from eqspike.base.errors import UsageProblem
from eqspike.base.files import write_bytes, write_json
from eqspike.base.locks import locked
from eqspike.base.reading import read_json
from eqspike.fpga.boards import Board, known_board, with_clock
from eqspike.fpga.fanout import LIMIT, spread
from eqspike.fpga.memory import measured_devices_problem, memory_problem
from eqspike.fpga.placements import Placement, best_placement, bitstream, pack
from eqspike.fpga.report import by_part, clocks, count_cells, resources, too_much
from eqspike.fpga.selftest import SelfTest
from eqspike.fpga.settings import settings_for, settings_key
from eqspike.fpga.synthesis import SOFT, SOFT_FILE, yosys_scripts
from eqspike.fpga.tops import LinkTop, Top
from eqspike.fpga.workshop import BuildFailed, Workshop
from eqspike.golden.config import Config
from eqspike.golden.validation import fail
from eqspike.rtl.link.link import SerialLink


@dataclass(frozen=True, kw_only=True)
class Around:
    """What is built around the core."""

    kind: str = "selftest"
    """"selftest": it learns stored images and compares; "link": the host link."""
    images: int = 8
    """Of the self-test."""
    passes: int = 256
    """How often the self-test learns them."""
    baud: int | None = None
    """Of the host link; None: the board's own."""
    anyway: bool = False
    """Also what cannot fit the board's memory, to learn what it needs besides."""


SELF_TEST = Around()
SCRATCH = ".scratch-"
"""How the names of scratch folders begin, which stand in a build's folder while the tools work."""


def _silent(_: str) -> None:
    pass


def run_build(
    config: Config,
    board: str,
    out: Path,
    around: Around = SELF_TEST,
    *,
    seeds: int = 1,
    workers: int = 1,
    say: Callable[[str], None] = _silent,
) -> dict[str, Any]:
    """Build `config` for `board` and write OUT/build.json, the bitstream and nextpnr's report; what build.json holds.

    Tries `seeds` seeds of nextpnr from `hardware.placement` on, `workers` at the same time, and keeps the fastest
    result. Raises `BuildFailed` when it does not fit (naming the resource; then build.json says what it needs) or
    misses its clock (then all files are there), `ConfigError` and `UsageProblem` when nothing can be built.
    """
    began = time.monotonic()
    with _workshop(config, board, out, say, around.anyway) as workshop:
        (out / "build.json").unlink(missing_ok=True)
        target = workshop.board
        design = _generate(config, workshop, around)
        netlist = _synthesise(workshop)
        cells = count_cells(netlist)

        say("pack")
        used = resources(target, pack(workshop), cells)
        about = {
            "config": config.name,
            "board": board,
            "device": target.title,
            **_sizes(config, design),
            "resources": used,
            "cells": dict(cells),
            "parts": by_part(netlist),
        }
        if full := too_much(used):
            write_json(out / "build.json", {**about, "fits": False, **_about(around, target, design)})
            raise BuildFailed(f"{config.name} does not fit {board}: it needs {', '.join(full)}")

        first = settings_for(config, board).placement
        luts = used["lut"]["used"] if "lut" in used else 0
        placement, tried = best_placement(workshop, luts, range(first, first + seeds), workers)
        say("bitstream")
        name = f"{config.name}-{board}{'' if around.kind == 'selftest' else '-' + around.kind}.{target.bitstream}"
        bits = bitstream(workshop, placement)
        result = {
            **about,
            "resources": resources(target, placement.report, cells),
            "fits": True,
            "clocks": clocks(placement.report),
            "timing_met": placement.slack >= 1,
            "seed": placement.seed,
            "seeds_tried": tried,
            **_about(around, target, design),
            "bitstream": name,
            "nextpnr_report": "nextpnr.json",
            "seconds": round(time.monotonic() - began, 1),
            "versions": _versions(f"nextpnr-{target.family}"),
        }
        write_bytes(out / name, bits)
        write_json(out / "nextpnr.json", placement.report)
        write_json(out / "build.json", result)
    _require_clock(config, board, placement, tried)
    return result


def _require_clock(config: Config, board: str, placement: Placement, seeds: int) -> None:
    if placement.slack >= 1:
        return
    slow = min(clocks(placement.report).values(), key=lambda c: c["achieved_mhz"] / c["required_mhz"])
    raise BuildFailed(
        f"{config.name} on {board} misses its clock: {slow['achieved_mhz']} of {slow['required_mhz']} MHz "
        f"(best of {seeds} seeds; more with --seeds)"
    )


def run_synthesis(
    config: Config, board: str, out: Path, around: Around = SELF_TEST, *, say: Callable[[str], None] = _silent
) -> dict[str, Any]:
    """Synthesise `config` for `board` (as `run_build`), without place and route, and write OUT/synthesis.json.

    Its `design` is a hash of what Yosys read: where OUT/synthesis.json is of the same, nothing is done again. Raises as
    `run_build` does.
    """
    path = out / "synthesis.json"
    with _workshop(config, board, out, say, around.anyway) as workshop:
        component = _generate(config, workshop, around)
        versions = _versions()
        design = _hash(workshop.folder, versions)
        with contextlib.suppress(OSError, ValueError):
            stored = read_json(path)
            if isinstance(stored, dict) and stored.get("design") == design:
                say("synthesised before")
                return stored
        began = time.monotonic()
        netlist = _synthesise(workshop)
        result = {
            "kind": "synthesis",
            "config": config.name,
            "board": board,
            "device": workshop.board.title,
            "top": around.kind,
            **_sizes(config, component),
            "weight_words": component.core.layout.words,
            "cells": dict(count_cells(netlist)),
            "parts": by_part(netlist),
            "design": design,
            "seconds": round(time.monotonic() - began, 1),
            "versions": versions,
        }
        write_json(path, result)
    return result


@contextlib.contextmanager
def _workshop(config: Config, board: str, out: Path, say: Callable[[str], None], anyway: bool) -> Iterator[Workshop]:
    """A workshop for the config's board, in a scratch folder within `out`, which is made and locked; scratch folders of
    builds that were killed there go."""
    target = _checked(config, board, anyway)
    environment = tools.amaranth_environment(target.family)
    with locked(out):
        for left in out.glob(f"{SCRATCH}*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=out) as scratch:
            yield Workshop(board=target, environment=environment, folder=Path(scratch), out=out, say=say)


def _checked(config: Config, board: str, anyway: bool) -> Board:
    """The board with the config's clock, if the config can be built for it; `anyway`: without regard to memory."""
    known = known_board(board)
    if config.number.format != "fixed":
        fail("number.format", config.number.format, "hardware needs fixed")
    if not anyway and (problem := memory_problem(config, known)):
        raise UsageProblem(problem)
    if config.device.file and (problem := measured_devices_problem(config, known)):
        raise UsageProblem(f"device.file: {config.device.file}: {problem}")
    try:
        return with_clock(known, settings_for(config, board).clock)
    except ValueError as error:
        raise UsageProblem(f"{config.name}: {settings_key(config, board)}.clock: {error}") from None


def _generate(config: Config, workshop: Workshop, around: Around) -> SelfTest | SerialLink:
    """Put what Yosys reads, and its script, into the folder."""
    target = workshop.board
    hardware = settings_for(config, target.name)
    design: SelfTest | SerialLink
    if around.kind == "link":
        try:
            divider = target.divider(around.baud or target.baud)
        except ValueError as error:
            raise UsageProblem(f"--baud: {error}") from None
        design = SerialLink(config, hardware, divider)
        whole = LinkTop(target, design)
    else:
        workshop.say(f"self-test: {around.images} images, {around.passes} passes on the golden model")
        design = SelfTest(config, hardware, around.images, around.passes)
        whole = Top(target, design)
    options, scripts = yosys_scripts(target.family, design.core.lanes * design.core.banks)
    workshop.say("generate")
    with tools.environment(**workshop.environment):
        plan = target.platform().prepare(whole, "top", synth_opts=[*target.synth, *options], **scripts)
    plan.extract(workshop.folder)
    (workshop.folder / SOFT_FILE).write_text(SOFT, encoding="utf-8")
    return design


def _synthesise(workshop: Workshop) -> dict[str, Any]:
    """The netlist that Yosys makes, for an ECP5 with copies of drivers that reach too many cells."""
    workshop.say("synthesise")
    workshop.run([workshop.environment["YOSYS"], "-q", "-l", "yosys.log", "top.ys"], "yosys.log")
    path = workshop.folder / workshop.netlist
    netlist = json.loads(path.read_text(encoding="utf-8"))
    if workshop.board.family == "ecp5" and spread(netlist):
        path.write_text(json.dumps(netlist), encoding="utf-8")
    return netlist


def _hash(folder: Path, versions: dict[str, str]) -> str:
    """Hash of the design and of what makes its netlist; where in the sources something stands does not count."""
    text = (folder / "top.il").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(("attribute \\src ", "#"))]
    parts = (lines, (folder / "top.ys").read_text(encoding="utf-8"), versions["yosys"], LIMIT)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _about(around: Around, target: Board, design: SelfTest | SerialLink) -> dict[str, Any]:
    """What a build's report says of what stands around the core."""
    if around.kind == "selftest":
        return {"top": around.kind, "selftest": design.plan.summary()}
    return {"top": around.kind, "link": {"divider": design.divider, "baud": round(target.clock * 1e6 / design.divider)}}


def _sizes(config: Config, design: SelfTest | SerialLink) -> dict[str, Any]:
    """What was built."""
    return {
        "layers": list(config.network.layers),
        "weight_bits": design.core.crossbar.weight_bits,
        "accumulator_bits": design.core.crossbar.rest_bits,
        "lanes": design.core.lanes,
        "input_lanes": design.core.inputs[0].lanes,
        "banks": design.core.banks,
    }


def _versions(*more: str) -> dict[str, str]:
    """Versions of the tools that a build depends on."""
    found = tools.versions()
    return {name: found[name] for name in ("amaranth", "amaranth-boards", "yosys", *more) if name in found}


__all__ = ["SELF_TEST", "Around", "BuildFailed", "run_build", "run_synthesis"]
