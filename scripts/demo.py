"""`eqspike demo`: train, check the learning law, compare with the RTL, build a bitstream, write the page, report.

The parts are imported when the demonstration runs: `--help` needs none of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click

from eqspike.base.errors import CommandError, Interrupted, explain
from eqspike.lab.configs import read_config
from eqspike.scripts.compare import image_bar
from eqspike.scripts.progress import Printed
from eqspike.scripts.stages import stages


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
    with it, build a bitstream, write the circuit as a page (with zig: pip install 'eqspike[page]'),
    report.

    A second run reuses the finished training. Exit status 1 when any part fails.
    """
    from eqspike.base.locks import locked
    from eqspike.lab.demo import build_part, compare_part, law_part, page_part, train_part
    from eqspike.lab.report import make_report
    from eqspike.lab.report_files import LIVE_PAGE

    config = read_config(name)
    page = out / "report.html"

    def build() -> str:
        with stages("build") as say:
            return build_part(config, board, out / "build", say)

    def live() -> str:
        with stages("page") as say:
            return page_part(config, out / "train" / "weights.npz", out / LIVE_PAGE, say)

    def report() -> str:
        make_report([out], page)
        return f"open {page}"

    parts: list[tuple[str, Callable[[], str]]] = [
        ("train", lambda: train_part(config, out / "train", force, Printed())),
        ("law", lambda: law_part(config, out / "law")),
        ("compare", lambda: compare_part(config, images, out / "compare", image_bar)),
        ("build", build),
        ("page", live),
        ("report", report),
    ]
    summary: list[tuple[str, bool, str, float]] = []
    with locked(out):
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
