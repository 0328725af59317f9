"""`eqspike build`: a bitstream of the self-test or the host link for a board, what it uses and how fast it runs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scripts.errors import CommandError, Interrupted, UsageProblem
from scripts.options import board_option, config_options, read_config

if TYPE_CHECKING:
    from fpga.boards import Board
    from fpga.selftest import SelfTest
    from golden.config import Config
    from rtl.link.link import SerialLink

SOFT = r"""(* techmap_celltype = "$mul" *)
module multiply_by_constant (A, B, Y);
  parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1;
  parameter _TECHMAP_CONSTMSK_A_ = 0, _TECHMAP_CONSTMSK_B_ = 0;
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = !(&_TECHMAP_CONSTMSK_A_) && !(&_TECHMAP_CONSTMSK_B_);
  \$__soft_mul #(.A_SIGNED(A_SIGNED), .B_SIGNED(B_SIGNED), .A_WIDTH(A_WIDTH), .B_WIDTH(B_WIDTH), .Y_WIDTH(Y_WIDTH))
    _TECHMAP_REPLACE_ (.A(A), .B(B), .Y(Y));
endmodule
"""
MULTIPLIERS = r"""synth_ecp5 -run begin:coarse -top top
proc
flatten
opt_expr
opt_clean
opt -nodffe -nosdff
fsm
opt
wreduce
peepopt
opt_clean
techmap -map multipliers.v
techmap -map +/mul2dsp.v -D DSP_NAME=$__MUL18X18 -D DSP_A_MAXWIDTH=18 -D DSP_B_MAXWIDTH=18 \
  -D DSP_A_MINWIDTH=6 -D DSP_B_MINWIDTH=6
"""
"""For an ECP5, the beginning of its synthesis: which multiplications become multipliers (MULT18X18D). Yosys takes one
for each product, also with a constant, and another one for the 2 bits by which a factor exceeds 18: 10 for each lane of
memristors with all faults, and the chip has 156. Here constants, and what exceeds 18 bits by less than 6, are logic: 4
for each lane."""

CLEARS_IN_LOGIC = "dffunmap -srst-only\nopt_clean\nsynth_ecp5 -run map_ffs: -top top\n"
WIDE = 64
"""For an ECP5 with so many lanes in all banks, the end of its synthesis: flip-flops that are cleared are so by their
lookup table, not by their reset input. An ECP5 has few wires to those inputs, and the detours to them took 12 to 17 ns
in `mnist`. It takes 10,000 lookup tables more."""
LARGE = 20_000
"""LUTs of an ECP5 from which on nextpnr's static placer does better than HeAP: it makes the nets of `mnist` half as
long, and what HeAP makes of them cannot be routed. Small designs come out a little faster from HeAP."""


class BuildFailed(CommandError):
    """A design that does not fit, is too slow, or that a tool refuses."""


def run_build(
    config: Config | str | Path,
    board: str,
    out: Path,
    seeds: int = 1,
    overrides: Sequence[str] = (),
    images: int = 8,
    passes: int = 256,
    top: str = "selftest",
    baud: int | None = None,
    workers: int = 1,
) -> dict[str, Any]:
    """Build a top of `config` for `board` and write OUT/build.json, the bitstream and nextpnr's report.

    `top`: "selftest", of `images` and `passes`; or "link", the host link, at `baud` (None: the board's own).

    Tries `seeds` seeds of nextpnr from `hardware.placement` on, `workers` at the same time, and keeps the fastest
    result. Raises `BuildFailed` when it does not fit (naming the resource; then build.json says what it needs) or
    misses its clock (then all files are there), `ConfigError` and `UsageProblem` when nothing can be built.
    """
    from fpga import tools
    from fpga.report import by_part, clocks, count_cells, resources, slack, too_much
    from golden.config import hardware_for
    from scripts import files

    config, target = _checked(config, board, overrides)
    environment = tools.amaranth_environment(target.family)
    began = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    (out / "build.json").unlink(missing_ok=True)

    with tempfile.TemporaryDirectory(prefix="build-", dir=out) as scratch:
        folder = Path(scratch)
        design = _generate(config, target, environment, top, images, passes, baud, folder)
        netlist = _synthesise(target, environment, folder, out)
        cells = count_cells(netlist)

        _stage("pack")
        report = _nextpnr(target, environment, folder, "pack", ["--pack-only"], out)
        used = resources(target, report, cells)
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
            files.write_json(out / "build.json", {**about, "fits": False, **_about(top, target, design)})
            raise BuildFailed(f"{config.name} does not fit {board}: it needs {', '.join(full)}")

        large = target.family == "ecp5" and used["lut"]["used"] > LARGE
        placer = ["--placer", "static"] if large else []
        first = hardware_for(config, board).placement
        tried = range(first, first + seeds)
        best: tuple[float, int, dict[str, Any]] | None = None
        for seed, report in _placements(target, environment, folder, placer, out, tried, workers):
            found = clocks(report)
            _stage(
                f"seed {seed}: "
                + ", ".join(f"{n} {c['achieved_mhz']} of {c['required_mhz']} MHz" for n, c in found.items())
            )
            if best is None or slack(found) > best[0]:
                best = (slack(found), seed, report)
        ratio, seed, report = best

        _stage("bitstream")
        bitstream = f"{config.name}-{board}{'' if top == 'selftest' else '-' + top}.{target.bitstream}"
        _tool([environment[f"{_PACKER[target.family]}"], *_pack_arguments(target, f"seed{seed}")], folder, None, out)
        result = {
            **about,
            "resources": resources(target, report, cells),
            "fits": True,
            "clocks": clocks(report),
            "timing_met": ratio >= 1,
            "seed": seed,
            "seeds_tried": seeds,
            **_about(top, target, design),
            "bitstream": bitstream,
            "nextpnr_report": "nextpnr.json",
            "seconds": round(time.monotonic() - began, 1),
            "versions": _versions(f"nextpnr-{target.family}"),
        }
        files.write_bytes(out / bitstream, (folder / f"top.{target.bitstream}").read_bytes())
        files.write_json(out / "nextpnr.json", report)
        files.write_json(out / "build.json", result)
    if ratio < 1:
        slow = min(result["clocks"].values(), key=lambda c: c["achieved_mhz"] / c["required_mhz"])
        raise BuildFailed(
            f"{config.name} on {board} misses its clock: {slow['achieved_mhz']} of {slow['required_mhz']} MHz "
            f"(best of {seeds} seeds; more with --seeds)"
        )
    return result


def run_synthesis(
    config: Config | str | Path,
    board: str,
    out: Path,
    overrides: Sequence[str] = (),
    images: int = 8,
    passes: int = 256,
    top: str = "selftest",
    baud: int | None = None,
) -> dict[str, Any]:
    """Synthesise a top of `config` for `board` (as `run_build`), without place and route, and write OUT/synthesis.json.

    Its `design` is a hash of what Yosys read: where OUT/synthesis.json is of the same, nothing is done again. Raises as
    `run_build` does.
    """
    from fpga import tools
    from fpga.report import by_part, count_cells
    from scripts import files

    config, target = _checked(config, board, overrides)
    environment = tools.amaranth_environment(target.family)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "synthesis.json"
    with tempfile.TemporaryDirectory(prefix="build-", dir=out) as scratch:
        folder = Path(scratch)
        component = _generate(config, target, environment, top, images, passes, baud, folder)
        versions = _versions()
        design = _design(folder, versions)
        with contextlib.suppress(OSError, ValueError):
            stored = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(stored, dict) and stored.get("design") == design:
                _stage("synthesised before")
                return stored
        began = time.monotonic()
        netlist = _synthesise(target, environment, folder, out)
    result = {
        "kind": "synthesis",
        "config": config.name,
        "board": board,
        "device": target.title,
        "top": top,
        **_sizes(config, component),
        "weight_words": component.core.layout.words,
        "cells": dict(count_cells(netlist)),
        "parts": by_part(netlist),
        "design": design,
        "seconds": round(time.monotonic() - began, 1),
        "versions": versions,
    }
    files.write_json(path, result)
    return result


def _checked(config: Config | str | Path, board: str, overrides: Sequence[str]) -> tuple[Config, Board]:
    """The config and the board, if they can be built."""
    from fpga.boards import BOARDS, with_clock
    from golden.config import fail, hardware_for

    if not hasattr(config, "network"):
        config = read_config(str(config), overrides)
    if board not in BOARDS:
        raise UsageProblem(f"board {board!r} is not known; allowed: {', '.join(BOARDS)}")
    if config.number.format != "fixed":
        fail("number.format", config.number.format, "hardware needs fixed")
    if config.device.file:
        from fpga.memory import measured_devices_problem

        if problem := measured_devices_problem(config, BOARDS[board]):
            raise UsageProblem(f"device.file: {config.device.file}: {problem}")
    try:
        return config, with_clock(BOARDS[board], hardware_for(config, board).clock)
    except ValueError as error:
        raise UsageProblem(f"{config.name}: boards.{board}.clock: {error}") from None


def _generate(
    config: Config,
    target: Board,
    environment: dict[str, str],
    top: str,
    images: int,
    passes: int,
    baud: int | None,
    folder: Path,
) -> SelfTest | SerialLink:
    """Put what Yosys reads, and its script, into the folder."""
    from fpga import tools
    from fpga.boards import LinkTop, Top
    from fpga.selftest import SelfTest
    from fpga.synthesis import ALL_IN_BLOCKS, PREPARE
    from golden.config import hardware_for
    from rtl.link.link import SerialLink

    hardware = hardware_for(config, target.name)
    design: SelfTest | SerialLink
    if top == "link":
        try:
            divider = target.divider(baud or target.baud)
        except ValueError as error:
            raise UsageProblem(f"--baud: {error}") from None
        design = SerialLink(config, hardware, divider)
        whole = LinkTop(target, design)
    else:
        _stage(f"self-test: {images} images, {passes} passes on the golden model")
        design = SelfTest(config, hardware, images, passes)
        whole = Top(target, design)
    scripts = {"script_after_read": PREPARE + ALL_IN_BLOCKS}
    options = list(target.synth)
    if target.family == "ecp5":
        scripts["script_after_read"] = PREPARE + MULTIPLIERS
        wide = design.core.lanes * design.core.banks >= WIDE
        options += ["-run", "coarse:map_ffs" if wide else "coarse:"]
        if wide:
            scripts["script_after_synth"] = CLEARS_IN_LOGIC
    _stage("generate")
    with tools.environment(**environment):
        plan = target.platform().prepare(whole, "top", synth_opts=options, **scripts)
    plan.extract(folder)
    (folder / "multipliers.v").write_text(SOFT, encoding="utf-8")
    return design


def _about(top: str, target: Board, design: SelfTest | SerialLink) -> dict[str, Any]:
    """What a build's report says of its top."""
    if top == "selftest":
        return {"top": top, "selftest": design.plan.summary()}
    return {"top": top, "link": {"divider": design.divider, "baud": round(target.clock * 1e6 / design.divider)}}


def _design(folder: Path, versions: dict[str, str]) -> str:
    """Hash of the design and of what makes its netlist; where in the sources something stands does not count."""
    from fpga.fanout import LIMIT

    text = (folder / "top.il").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(("attribute \\src ", "#"))]
    parts = (lines, (folder / "top.ys").read_text(encoding="utf-8"), versions["yosys"], LIMIT)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _synthesise(target: Board, environment: dict[str, str], folder: Path, out: Path) -> dict[str, Any]:
    """The netlist that Yosys makes, for an ECP5 with copies of drivers that reach too many cells."""
    from fpga.fanout import spread

    _stage("synthesise")
    _tool([environment["YOSYS"], "-q", "-l", "yosys.log", "top.ys"], folder, "yosys.log", out)
    path = folder / "top.json"
    netlist = json.loads(path.read_text(encoding="utf-8"))
    if target.family == "ecp5" and spread(netlist):
        path.write_text(json.dumps(netlist), encoding="utf-8")
    return netlist


def _sizes(config: Config, design: SelfTest | SerialLink) -> dict[str, Any]:
    """What was built."""
    return {
        "layers": list(config.network.layers),
        "weight_bits": design.core.crossbar.weight_bits,
        "lanes": design.core.lanes,
        "input_lanes": design.core.inputs[0].lanes,
        "banks": design.core.banks,
    }


def _versions(*more: str) -> dict[str, str]:
    """Versions of the tools that a build depends on."""
    from fpga import tools

    found = tools.versions()
    return {name: found[name] for name in ("amaranth", "amaranth-boards", "yosys", *more) if name in found}


_PACKER = {"ice40": "ICEPACK", "ecp5": "ECPPACK"}


def _nextpnr(
    board: Board, environment: dict[str, str], folder: Path, name: str, extra: list[str], out: Path
) -> dict[str, Any]:
    """Run nextpnr and return its report. Missing the clock is not its failure but ours to tell."""
    pins, routed = {"ice40": ("--pcf top.pcf", "--asc"), "ecp5": ("--lpf top.lpf", "--textcfg")}[board.family]
    arguments = [
        environment[f"NEXTPNR_{board.family.upper()}"], *board.nextpnr, "--json", "top.json", *pins.split(),
        "--report", f"{name}.json", "--log", f"{name}.log", "--quiet", "--timing-allow-fail", *extra,
    ]  # fmt: skip
    if "--pack-only" not in extra:
        arguments += [routed, f"{name}.routed"]
    _tool(arguments, folder, f"{name}.log", out)
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def _placements(
    target: Board, environment: dict[str, str], folder: Path, placer: list[str], out: Path, seeds: range, workers: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(seed, nextpnr's report) of each seed, in order."""

    def run(seed: int) -> dict[str, Any]:
        _stage(f"place and route, seed {seed}")
        return _nextpnr(target, environment, folder, f"seed{seed}", ["--seed", str(seed), *placer], out)

    # Threads do: nextpnr is a process of its own.
    pool = ThreadPoolExecutor(workers)
    try:
        yield from zip(seeds, pool.map(run, seeds), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)


def _pack_arguments(board: Board, name: str) -> list[str]:
    if board.family == "ice40":
        return [f"{name}.routed", f"top.{board.bitstream}"]
    return ["--compress", "--input", f"{name}.routed", "--bit", f"top.{board.bitstream}"]


def _tool(arguments: list[str], folder: Path, log: str | None, out: Path) -> None:
    """Run a tool in the folder; when it fails, keep its log and tell its last error."""
    try:
        done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise BuildFailed(f"{arguments[0]}: {error.strerror}") from None
    if done.returncode == 0:
        return
    said = done.stdout + done.stderr
    if log is not None and (folder / log).exists():
        said = (folder / log).read_text(errors="replace") + said
    kept = out / f"{Path(arguments[0]).name}.log"
    kept.write_text(said, encoding="utf-8")
    errors = [line for line in said.splitlines() if line.startswith("ERROR")]
    raise BuildFailed(f"{Path(arguments[0]).name}: {errors[0] if errors else 'failed'} (see {kept})")


def _stage(text: str) -> None:
    click.echo(f"build: {text}", err=True)


def print_result(result: dict[str, Any]) -> None:
    """The table a person reads."""
    click.echo(f"{result['config']} ({'-'.join(map(str, result['layers']))}, {result['lanes']} lanes) on "
               f"{result['device']}")  # fmt: skip
    for name, entry in result["resources"].items():
        share = 100 * entry["used"] / entry["total"]
        click.echo(f"  {name:5} {entry['used']:>7,} of {entry['total']:>7,}  {share:5.1f} %")
    for name, clock in result["clocks"].items():
        click.echo(f"  clock {name}: {clock['achieved_mhz']:.1f} MHz, runs at {clock['required_mhz']:g}")
    click.echo(f"  {result['seconds']:.0f} s, seed {result['seed']}")


def print_synthesis(result: dict[str, Any]) -> None:
    """Cells by kind."""
    sizes = "-".join(map(str, result["layers"]))
    click.echo(f"{result['config']} ({sizes}, {result['lanes']} lanes) for {result['device']}, synthesised")
    for name, count in sorted(result["cells"].items()):
        click.echo(f"  {name:10} {count:>7,}")
    click.echo(f"  {result['seconds']:.0f} s")


@click.command(
    "build",
    epilog="""\b
Examples:
  eqspike build digits --board icebreaker
  eqspike build digits64 --board ulx3s-85f --seeds 4 --workers 2
  eqspike build digits --board icebreaker --set boards.icebreaker.lanes=4
  eqspike build digits-rram --board ulx3s-85f --synthesis
  eqspike build digits --board ulx3s-85f --top link
""",
)
@click.argument("config", metavar="CONFIG")
@board_option
@click.option(
    "--top",
    type=click.Choice(["selftest", "link"]),
    default="selftest",
    show_default=True,
    help="A test that runs by itself, or the host link on the UART.",
)
@click.option("--baud", type=click.IntRange(1), help="Of the host link [default: 2,000,000].")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the results [default: runs/<config>-<board>].")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Placements to try; the best wins.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Placements at the same time.")
@click.option("--images", type=click.IntRange(1), default=8, show_default=True, help="Images of the self-test.")
@click.option("--passes", type=click.IntRange(1), default=256, show_default=True, help="Times that it learns them.")
@click.option("--synthesis", is_flag=True, help="Stop after synthesis: cells only, no bitstream, no clock.")
@config_options
def command(
    config: str,
    board: str,
    top: str,
    baud: int | None,
    out: Path | None,
    seeds: int,
    workers: int,
    images: int,
    passes: int,
    synthesis: bool,
    overrides: Sequence[str],
    dataset: str | None,
    seed: int | None,
) -> int:
    """Build a bitstream of CONFIG for a board.

    The bitstream tests itself: it learns stored images on chip and compares a signature of results and weights with
    the golden model's. Green (or LED 0): blinks while it learns, shines when it is right; red (or LED 1): wrong.
    With --top link the core learns what a host sends it ('eqspike board'); the first LED shines while it works.
    Exit status 0 only when it fits and meets its clock.
    """
    resolved = read_config(config, overrides, seed, None, dataset)
    if baud is not None and top != "link":
        raise UsageProblem("--baud belongs to --top link")
    out = out or Path("runs") / (f"{resolved.name}-{board}" + ("" if top == "selftest" else f"-{top}"))
    try:
        if synthesis:
            print_synthesis(run_synthesis(resolved, board, out, images=images, passes=passes, top=top, baud=baud))
            click.echo(f"wrote {out}/synthesis.json")
            return 0
        result = run_build(
            resolved, board, out, seeds, images=images, passes=passes, top=top, baud=baud, workers=workers
        )
    except KeyboardInterrupt:
        raise Interrupted("interrupted: nothing was written") from None
    print_result(result)
    click.echo(f"wrote {out}/build.json, {out}/{result['bitstream']}, {out}/nextpnr.json")
    return 0


__all__ = ["BuildFailed", "command", "print_result", "print_synthesis", "run_build", "run_synthesis"]
