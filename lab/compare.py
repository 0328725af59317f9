"""The RTL in a simulator against the golden model, every state of every step, on real images: compare.json."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eqspike.base.errors import CommandError, UsageProblem
from eqspike.base.files import write_json
from eqspike.base.locks import locked
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_to_dict
from eqspike.golden.data import epoch_order, load_split
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network
from eqspike.lab.configs import for_simulator
from eqspike.lab.weights import load_weights
from eqspike.rtl.core import Core
from eqspike.sim.compare import compare
from eqspike.sim.harness import SimulationError, build
from eqspike.sim.library import core_library

Bar = Callable[[str, str, int], AbstractContextManager[Callable[[int], None]]]
"""Makes a progress bar from the config's name, the simulator and how many images there are, before the simulator is
built; it is then called with how many more are done, first with 0 when the simulator is built."""

RECORDER, COCOTB = THROUGH = ("recorder", "cocotb")
"""What drives and records the core: sim/recorder.cpp, with Verilator; or cocotb."""


class Run(NamedTuple):
    """How the core is simulated."""

    simulator: str
    through: str


def run_compare(
    config: Config,
    *,
    images: int = 20,
    simulator: str = "verilator",
    through: str | None = None,
    out: Path | None = None,
    waves: Path | None = None,
    weights: Path | None = None,
    epoch: int = 0,
    bar: Bar | None = None,
) -> dict[str, Any]:
    """Learn `images` training images on the RTL and on the golden model and compare all states.

    Starts from `weights` (None: untrained) with the images of `epoch`. Returns what compare.json holds: `images`,
    `compared` (words of each kind of state), `mismatches`, `first_mismatch` (image, step, name, index, both values),
    cycles and speed. `through` is one of `THROUGH` (None: the recorder where the simulator has it). With `out`, writes
    OUT/compare.json. With `waves`, the first mismatching image (or the first image) is run once more, through cocotb,
    and its waveform written there.
    """
    if config.number.format != "fixed":
        raise UsageProblem("compare: number.format is real; the RTL computes in fixed point")
    run = Run(simulator, through or (RECORDER if simulator == "verilator" else COCOTB))
    if run.through == RECORDER and simulator != "verilator":
        raise UsageProblem(f"compare: the recorder is Verilator's; {simulator} runs through cocotb")
    job = learning_job(config, images, weights, epoch)
    with locked(out) if out is not None else nullcontext():
        report = _report(config, job, run, waves, bar)
        result = {
            "config": config.name,
            "layers": list(config.network.layers),
            "lanes": min(config.hardware.lanes, max(config.network.layers[1:])),
            "seed": config.training.seed,
            "first_epoch": epoch,
            "simulator": simulator,
            "through": run.through,
            **report,
            "words_compared": sum(report["compared"].values()),
            "cycles_per_image": report["cycles"] / max(1, report["images"]),
            "cycles_per_second": report["simulated_cycles"] / report["seconds"],
            "passed": report["mismatches"] == 0 and report["images"] == images,
        }
        if out is not None:
            write_json(out / "compare.json", result)
    return result


def _report(config: Config, job: dict[str, Any], run: Run, waves: Path | None, bar: Bar | None) -> dict[str, Any]:
    """What the simulation reports, without the weights at its end."""
    through = _recorder if run.through == RECORDER else _cocotb
    try:
        if bar is None:
            report = through(config, job, run.simulator, None)
        else:
            with bar(config.name, run.simulator, len(job["images"])) as advance:
                report = through(config, job, run.simulator, advance)
        report.pop("weights")
        if waves is not None:
            _write_waves(config, job, report, run.simulator, waves)
    except SimulationError as error:
        raise CommandError(f"compare: {error}") from None
    return report


def _recorder(config: Config, job: dict[str, Any], simulator: str, advance: Callable[[int], None] | None) -> dict:
    """By the recorder inside the compiled simulator, in this process."""
    built = core_library(config)
    if advance is not None:
        advance(0)
    return compare(built, job, advance)


def _cocotb(config: Config, job: dict[str, Any], simulator: str, advance: Callable[[int], None] | None) -> dict:
    """Through cocotb, in a process of its own."""
    built = build(Core(config), "core", simulator)
    if advance is None:
        return built.run("eqspike.sim.jobs.compare", job)
    with tempfile.TemporaryDirectory(prefix="eqspike-") as scratch:
        progress = Path(scratch) / "progress"
        advance(0)
        with _following(progress, advance):
            return built.run("eqspike.sim.jobs.compare", {**job, "progress": str(progress)})


def learning_job(config: Config, images: int, weights: Path | None = None, epoch: int = 0) -> dict[str, Any]:
    """A job of `eqspike.sim.jobs.compare`: training images in the order of the epochs, all of them learned."""
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


@contextmanager
def _following(path: Path, advance: Callable[[int], None]) -> Iterator[None]:
    """Tell how far the simulation is, which writes one byte of a file an image."""
    stop = threading.Event()

    def follow() -> None:
        told = 0
        while not stop.wait(0.5):
            done = path.stat().st_size if path.exists() else 0
            advance(done - told)
            told = done

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _write_waves(config: Config, job: dict[str, Any], report: dict[str, Any], simulator: str, waves: Path) -> None:
    """Run one image again with all signals recorded: the first that differs, else the first."""
    at = report["first_mismatch"]["image"] if report["first_mismatch"] else 0
    network = Network(config)
    if job["initial_weights"] is not None:
        network.load_weights(job["initial_weights"])
    for i in range(at):
        network.set_epoch(job["epochs"][i])
        network.present(job["images"][i], int(job["labels"][i]), LEARN)
    one = {name: job[name][at : at + 1] for name in ("images", "labels", "modes", "epochs")}
    one |= {"config": job["config"], "initial_weights": list(network.contents), "key": network.key}
    waves.parent.mkdir(parents=True, exist_ok=True)
    build(Core(config), "core", simulator, trace=True).run("eqspike.sim.jobs.compare", one, waves=waves)
