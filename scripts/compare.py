"""`eqspike compare`: the RTL in a simulator against the golden model, every state of every step, on real images.

The comparison is imported when there is something to compare: `--help` needs neither Amaranth nor cocotb.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from eqspike.base.errors import Interrupted, UsageProblem
from eqspike.lab.configs import read_config
from eqspike.scripts.options import config_options
from eqspike.scripts.stages import stages

SUFFIXES = {"verilator": ".vcd", "icarus": ".fst"}
"""The simulators, and what waveforms they write."""


@contextmanager
def image_bar(config: str, simulator: str, images: int) -> Iterator[Callable[[int], None]]:
    """That the simulator is built, and for how long; then a progress bar over images."""
    with ExitStack() as building, ExitStack() as bars:
        building.enter_context(stages("compare"))(f"building {config} for {simulator}")
        bar = None

        def advance(more: int) -> None:
            nonlocal bar
            if bar is None:
                building.close()
                bar = bars.enter_context(tqdm(total=images, unit="image", desc="compare", leave=False, disable=None))
            bar.update(more)

        yield advance


def print_result(result: dict[str, Any]) -> None:
    """The result as a table."""
    sizes = "-".join(map(str, result["layers"]))
    click.echo(f"{result['config']} ({sizes}, {result['lanes']} lanes), seed {result['seed']}, {result['simulator']}")
    click.echo(f"  {'images':<28}{result['images']:>14,}")
    for name, count in result["compared"].items():
        click.echo(f"  {name:<28}{count:>14,}")
    click.echo(f"  {'words compared':<28}{result['words_compared']:>14,}")
    click.echo(f"  {'cycles an image':<28}{result['cycles_per_image']:>14,.0f}")
    click.echo(f"  {'simulated cycles a second':<28}{result['cycles_per_second']:>14,.0f}")
    click.echo(f"  {'mismatches':<28}{result['mismatches']:>14,}")
    if first := result["first_mismatch"]:
        where = f"image {first['image']}, step {first['step']}, {first['name']}{first['index']}"
        click.echo(f"  first mismatch: {where}: RTL {first['rtl']}, golden {first['golden']}")


@click.command(
    "compare",
    epilog="""\b
Examples:
  eqspike compare digits --images 200
  eqspike compare digits --images 5 --simulator icarus
  eqspike compare digits --images 20 --through cocotb
  eqspike compare digits --images 1437 --out runs/epoch
  eqspike compare digits --images 3 --waves waves.vcd
  eqspike compare digits --images 50 --weights runs/digits-seed0/weights.npz --epoch 29
  eqspike compare digits --images 5 --set hardware.lanes=8
""",
)
@click.argument("config", metavar="CONFIG")
@click.option("--images", type=click.IntRange(1), default=20, show_default=True, help="Training images to learn.")
@click.option("--simulator", type=click.Choice(list(SUFFIXES)), default="verilator", show_default=True)
@click.option(
    "--through", type=click.Choice(["recorder", "cocotb"]),
    help="What drives and records the core: the recorder in Verilator's model, or cocotb [default: the recorder with"
    " verilator].",
)  # fmt: skip
@click.option("--weights", type=click.Path(path_type=Path), help="Start from these weights [default: untrained].")
@click.option("--epoch", type=click.IntRange(0), default=0, show_default=True, help="Epoch of the first image.")
@click.option(
    "--trace", "--waves", "waves", type=click.Path(path_type=Path), metavar="FILE",
    help="Waveform of the first image that differs, or of the first: .vcd with verilator, .fst with icarus.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Folder of compare.json [default: runs/<config>-compare].")
@config_options
def command(
    config: str,
    images: int,
    simulator: str,
    through: str | None,
    weights: Path | None,
    epoch: int,
    waves: Path | None,
    out: Path | None,
    overrides: Sequence[str],
    dataset: str | None,
    seed: int | None,
) -> int:
    """Compare the RTL with the golden model, bit by bit, step by step.

    Both learn the same training images of CONFIG. Compared are, after every step: membranes, refractory periods,
    rho-bar integrators and filters, spikes of all layers, output counts, the generator's word and all weights; after
    every image: result and counters; at the end, the weights as read through the weight port. Exit status 0 only when
    nothing differs.
    """
    from eqspike.lab.compare import run_compare

    suffix = SUFFIXES[simulator]
    if waves is not None and waves.suffix != suffix:
        raise UsageProblem(f"--trace {waves}: {simulator} writes {suffix} files")
    resolved = read_config(config, overrides, seed, None, dataset)
    out = out or Path("runs") / f"{resolved.name}-compare"
    try:
        result = run_compare(
            resolved, images=images, simulator=simulator, through=through, out=out, waves=waves, weights=weights,
            epoch=epoch, bar=image_bar,
        )  # fmt: skip
    except KeyboardInterrupt:
        raise Interrupted("interrupted: nothing was written") from None
    print_result(result)
    click.echo(f"wrote {out}/compare.json" + (f", {waves}" if waves else ""))
    return 0 if result["passed"] else 1
