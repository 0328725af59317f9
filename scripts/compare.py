"""`eqspike compare`: the RTL in a simulator against the golden model, every state of every step, on real images."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scripts.errors import CommandError, Interrupted, UsageProblem
from scripts.options import config_options, for_simulator, read_config

if TYPE_CHECKING:
    from golden.config import Config

SIMULATORS = ("verilator", "icarus")


def _job(config: Config, images: int, weights: Path | None, epoch: int) -> dict[str, Any]:
    """Training images in the order of the epochs, all of them learned."""
    import numpy as np

    from golden.config import config_to_dict
    from golden.data import epoch_order, load_split
    from golden.network import LEARN
    from scripts.weights import load_weights

    part = load_split(config)
    count = len(part.train_labels)
    order, epochs = [], []
    while len(order) < images:
        take = epoch_order(config, epoch, count)[: images - len(order)]
        order.extend(int(i) for i in take)
        epochs.extend([epoch] * len(take))
        epoch += 1
    saved = load_weights(weights, config) if weights is not None else None
    return {
        "config": config_to_dict(for_simulator(config)),
        "images": part.train_images[order],
        "labels": part.train_labels[order],
        "modes": [LEARN] * len(order),
        "epochs": epochs,
        "initial_weights": None if saved is None else [np.asarray(w) for w in saved.weights],
    }


class _Bar:
    """A progress bar fed by the simulation, one byte of a file an image."""

    def __init__(self, path: Path, total: int) -> None:
        from tqdm import tqdm

        self.path, self.stop = path, threading.Event()
        self.bar = tqdm(total=total, unit="image", desc="compare", leave=False, disable=None)
        self.thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self.bar.close()

    def _follow(self) -> None:
        while not self.stop.wait(0.5):
            done = self.path.stat().st_size if self.path.exists() else 0
            self.bar.update(done - self.bar.n)


def run_compare(
    config: Config,
    images: int = 20,
    simulator: str = "verilator",
    out: Path | None = None,
    waves: Path | None = None,
    weights: Path | None = None,
    epoch: int = 0,
    quiet: bool = False,
) -> dict[str, Any]:
    """Learn `images` training images on the RTL and on the golden model and compare all states.

    Returns what compare.json holds: `images`, `compared` (words of each kind of state), `mismatches`, `first_mismatch`
    (image, step, name, index, both values), cycles and speed. With `out`, writes OUT/compare.json. With `waves`, the
    first mismatching image (or the first image) is run once more and its waveform written there.
    """
    from cocotb_tests.harness import SimulationError, build
    from rtl.core import Core
    from scripts.files import write_json

    if config.number.format != "fixed":
        raise UsageProblem("compare: number.format is real; the RTL computes in fixed point")
    job = _job(config, images, weights, epoch)
    try:
        if not quiet:
            click.echo(f"building {config.name} for {simulator}", err=True)
        built = build(Core(config), "core", simulator)
        with tempfile.TemporaryDirectory(prefix="eqspike-") as scratch:
            progress = Path(scratch) / "progress"
            if quiet:
                report = built.run("cocotb_tests.sim_compare", job)
            else:
                with _Bar(progress, images):
                    report = built.run("cocotb_tests.sim_compare", {**job, "progress": str(progress)})
        report.pop("weights")
        if waves is not None:
            _write_waves(config, job, report, simulator, waves)
    except SimulationError as error:
        raise CommandError(f"compare: {error}") from None
    result = {
        "config": config.name,
        "layers": list(config.network.layers),
        "lanes": min(config.hardware.lanes, max(config.network.layers[1:])),
        "seed": config.training.seed,
        "first_epoch": epoch,
        "simulator": simulator,
        **report,
        "words_compared": sum(report["compared"].values()),
        "cycles_per_image": report["cycles"] / max(1, report["images"]),
        "cycles_per_second": report["simulated_cycles"] / report["seconds"],
        "passed": report["mismatches"] == 0 and report["images"] == images,
    }
    if out is not None:
        write_json(out / "compare.json", result)
    return result


def _write_waves(config: Config, job: dict[str, Any], report: dict[str, Any], simulator: str, waves: Path) -> None:
    """Run one image again with all signals recorded: the first that differs, else the first."""
    from cocotb_tests.harness import build
    from golden.network import LEARN, Network
    from rtl.core import Core

    at = report["first_mismatch"]["image"] if report["first_mismatch"] else 0
    network = Network(config)
    if job["initial_weights"] is not None:
        network.load_weights(job["initial_weights"])
    for i in range(at):
        network.set_epoch(job["epochs"][i])
        network.present(job["images"][i], int(job["labels"][i]), LEARN)
    one = {name: job[name][at : at + 1] for name in ("images", "labels", "modes", "epochs")}
    one |= {"config": job["config"], "initial_weights": list(network.weights), "key": network.key}
    waves.parent.mkdir(parents=True, exist_ok=True)
    build(Core(config), "core", simulator, trace=True).run("cocotb_tests.sim_compare", one, waves=waves)


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
  eqspike compare digits --images 1437 --out runs/epoch
  eqspike compare digits --images 3 --waves waves.vcd
  eqspike compare digits --images 50 --weights runs/digits-seed0/weights.npz --epoch 29
  eqspike compare digits --images 5 --set hardware.lanes=8
""",
)
@click.argument("config", metavar="CONFIG")
@click.option("--images", type=click.IntRange(1), default=20, show_default=True, help="Training images to learn.")
@click.option("--simulator", type=click.Choice(SIMULATORS), default="verilator", show_default=True)
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
    suffix = {"verilator": ".vcd", "icarus": ".fst"}[simulator]
    if waves is not None and waves.suffix != suffix:
        raise UsageProblem(f"--trace {waves}: {simulator} writes {suffix} files")
    resolved = read_config(config, overrides, seed, None, dataset)
    out = out or Path("runs") / f"{resolved.name}-compare"
    try:
        result = run_compare(resolved, images, simulator, out, waves, weights, epoch)
    except KeyboardInterrupt:
        raise Interrupted("interrupted: nothing was written") from None
    print_result(result)
    click.echo(f"wrote {out}/compare.json" + (f", {waves}" if waves else ""))
    return 0 if result["passed"] else 1
