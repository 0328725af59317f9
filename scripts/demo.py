"""`eqspike demo`: train, check the learning law, compare with the RTL, build a bitstream, report."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scripts.errors import CommandError, Interrupted
from scripts.options import read_config

if TYPE_CHECKING:
    from golden.config import Config


def _train_part(config: Config, out: Path, force: bool) -> str:
    """Train, or go on with, or reuse the training in `out`."""
    from golden.config import ConfigError
    from scripts.train import train

    metrics: dict[str, Any] | None = None
    resume = False
    if not force and (out / "weights.npz").exists():
        try:
            resume = read_config(str(out / "config.yaml")) == config
            metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
        except (ConfigError, OSError, ValueError):
            resume = False
    if resume and metrics and metrics["finished"]:
        source = "reused (--force trains anew)"
    else:
        source = "resumed" if resume else "trained"
        if not resume:
            for name in ("weights.npz", "metrics.json", "config.yaml"):
                (out / name).unlink(missing_ok=True)
        metrics = train(config, out, resume=resume)
    return f"{100 * metrics['mean_last_5_test_accuracy']:.2f} % test accuracy (mean of the last 5 epochs), {source}"


def _law_part(config: Config, out: Path) -> str:
    from scripts.law import run_law, write_law

    result = run_law(config, ["golden"])
    write_law(result, out)
    worst = {
        number: min(sweep["runs"][number]["r2"] for sweep in result["sweeps"].values()) for number in ("real", "fixed")
    }
    return f"weight change linear in rate and slope: R² {worst['real']:.4f} real, {worst['fixed']:.4f} fixed point"


def _compare_part(config: Config, images: int, out: Path) -> str:
    try:
        from scripts.compare import run_compare
    except ModuleNotFoundError as error:
        raise CommandError(f"not available: {error.name} is missing") from None
    (out / "compare.json").unlink(missing_ok=True)  # of an earlier demo: must not stand in for this one
    result = run_compare(config, images=images, simulator="verilator", out=out)
    if not result["passed"]:
        raise CommandError(f"{result['mismatches']} mismatches, see {out / 'compare.json'}")
    return f"RTL and golden model identical over {result['images']} images, {result['words_compared']:,} words of state"


def _build_part(config: Config, board: str, out: Path) -> str:
    try:
        from scripts.build import run_build
    except ModuleNotFoundError as error:
        raise CommandError(f"not available: {error.name} is missing") from None
    (out / "build.json").unlink(missing_ok=True)
    run_build(config, board=board, out=out)
    json.loads((out / "build.json").read_text(encoding="utf-8"))
    return f"bitstream for {board} in {out}"


@click.command(
    "demo",
    epilog="""\b
Examples:
  eqspike demo
  eqspike demo --force --out runs/again
""",
)
@click.option("--config", "name", default="digits", show_default=True, help="A preset's name or a path.")
@click.option("--images", type=click.IntRange(1), default=20, show_default=True, help="Images to compare on the RTL.")
@click.option("--board", default="icebreaker", show_default=True, help="Board to build for.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/demo"), show_default=True, help="Folder.")
@click.option("--force", is_flag=True, help="Train anew, even when the training is there.")
def command(name: str, images: int, board: str, out: Path, force: bool) -> int:
    """Show the whole project: train the golden model, check its learning law, compare the RTL
    with it, build a bitstream, report.

    A second run reuses the finished training. Exit status 1 when any part fails.
    """
    from scripts.cli import explain
    from scripts.report import make_report

    config = read_config(name)
    page = out / "report.html"

    def report() -> str:
        make_report([out], page)
        return f"open {page}"

    parts: list[tuple[str, Callable[[], str]]] = [
        ("train", lambda: _train_part(config, out / "train", force)),
        ("law", lambda: _law_part(config, out / "law")),
        ("compare", lambda: _compare_part(config, images, out / "compare")),
        ("build", lambda: _build_part(config, board, out / "build")),
        ("report", report),
    ]
    summary: list[tuple[str, bool, str, float]] = []
    for title, part in parts:
        click.echo(f"== {title}")
        start = time.perf_counter()
        try:
            message, ok = part(), True
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted; go on with: eqspike demo --out {out}") from None
        except Exception as error:
            known = explain(error)
            if known is None:
                raise
            message, ok = known[0], False
        summary.append((title, ok, message, time.perf_counter() - start))
    click.echo("== summary")
    for title, ok, message, seconds in summary:
        click.echo(f"  {title:<8} {'ok' if ok else 'FAILED':<7} {seconds:>6.1f} s  {message}")
    failed = [title for title, ok, _, _ in summary if not ok]
    if failed:
        raise CommandError(f"demo: {', '.join(failed)} failed")
    return 0
