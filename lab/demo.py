"""The parts of the demonstration: each does its work in a folder and says in one line what came out.

What needs a simulator or the FPGA tools is imported by its part: when something is missing, the other parts still run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eqspike.base.errors import CommandError
from eqspike.base.locks import locked
from eqspike.base.reading import read_json
from eqspike.golden.config import Config
from eqspike.golden.validation import ConfigError
from eqspike.lab.checkpoint import train_run
from eqspike.lab.configs import read_config
from eqspike.lab.law import run_law, write_law
from eqspike.lab.progress import SILENT, Progress, silent
from eqspike.lab.published import Trained, beside
from eqspike.lab.text import LAST, LAST_MEAN, judged_after

if TYPE_CHECKING:
    from eqspike.lab.compare import Bar


def train_part(config: Config, out: Path, force: bool = False, progress: Progress = SILENT) -> str:
    """Train, or go on with, or reuse the training in `out`."""
    with locked(out):
        return _train_part(config, out, force, progress)


def _train_part(config: Config, out: Path, force: bool, progress: Progress) -> str:
    finished = resume = False
    told = ""
    if not force and (out / "weights.npz").exists():
        try:
            resume = read_config(str(out / "config.yaml")) == config
            metrics = read_json(out / "metrics.json")
            finished, told = bool(metrics["finished"]), _accuracy(metrics, config)
        except (ConfigError, OSError, ValueError, LookupError, TypeError):
            resume = False
    if resume and finished:
        source = "reused (--force trains anew)"
    else:
        source = "resumed" if resume else "trained"
        if not resume:
            for name in ("weights.npz", "metrics.json", "config.yaml"):
                (out / name).unlink(missing_ok=True)
        told = _accuracy(train_run(config, out, resume=resume, progress=progress).to_dict(), config)
    return f"{told}, {source}"


def _accuracy(metrics: dict[str, Any], config: Config) -> str:
    """The run's accuracy, and what is published beside it."""
    epochs, mean, last = len(metrics["epochs"]), metrics[LAST_MEAN], metrics["last_test_accuracy"]
    accuracy = mean if epochs >= LAST else last
    shown = "no accuracy" if accuracy is None else f"{100 * accuracy:.2f} % {metrics['test_part']} accuracy"
    own = {LAST_MEAN: mean, "last_test_accuracy": last}
    line = beside(Trained(config=config, limit=None, epochs=epochs, accuracies={metrics["seed"]: own}))
    return f"{shown}, {judged_after(epochs)}" + ("" if line is None else f" (published: {line})")


def law_part(config: Config, out: Path) -> str:
    """Check the learning law on the golden model."""
    result = run_law(config, ["golden"])
    write_law(result, out)
    worst = {
        number: min(sweep["runs"][number]["r2"] for sweep in result["sweeps"].values()) for number in ("real", "fixed")
    }
    return f"weight change linear in rate and slope: R² {worst['real']:.4f} real, {worst['fixed']:.4f} fixed point"


def compare_part(config: Config, images: int, out: Path, bar: Bar | None = None) -> str:
    """Compare the RTL with the golden model; `bar` as of `run_compare`. Raises `CommandError` where they differ."""
    try:
        from eqspike.lab.compare import run_compare
    except ModuleNotFoundError as error:
        raise CommandError(f"not available: {error.name} is missing") from None
    (out / "compare.json").unlink(missing_ok=True)  # of an earlier demo: must not stand in for this one
    result = run_compare(config, images=images, simulator="verilator", out=out, bar=bar)
    if not result["passed"]:
        raise CommandError(f"{result['mismatches']} mismatches, see {out / 'compare.json'}")
    return f"RTL and golden model identical over {result['images']} images, {result['words_compared']:,} words of state"


def build_part(config: Config, board: str, out: Path, say: Callable[[str], None] = silent) -> str:
    """Build a bitstream; `say` is told of each stage."""
    try:
        from eqspike.fpga.build import run_build
    except ModuleNotFoundError as error:
        raise CommandError(f"not available: {error.name} is missing") from None
    (out / "build.json").unlink(missing_ok=True)
    run_build(config, board=board, out=out, say=say)
    json.loads((out / "build.json").read_text(encoding="utf-8"))
    return f"bitstream for {board} in {out}"


def page_part(config: Config, weights: Path, out: Path, say: Callable[[str], None] = silent) -> str:
    """Write the circuit as a page that begins with `weights`; without zig, which not every installation has, say so."""
    try:
        from eqspike.base import tools
        from eqspike.lab.page.make import make_page
    except ModuleNotFoundError as error:
        raise CommandError(f"not available: {error.name} is missing") from None
    out.unlink(missing_ok=True)
    try:
        tools.zig()
    except tools.ToolMissing as error:
        return f"left out: {error}"
    make_page(config, out, say, weights)
    return f"open {out}, draw, and see it learn"
