"""Images a second on a board, from cycles measured in Verilator on real images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from eqspike.base.errors import UsageProblem
from eqspike.base.reading import read_json
from eqspike.fpga.settings import settings_for
from eqspike.golden.config import Config
from eqspike.golden.data import epoch_order, load_split
from eqspike.golden.engine import compile_kernels
from eqspike.golden.modes import INFER, LEARN
from eqspike.golden.network import Network
from eqspike.lab.configs import for_simulator
from eqspike.sim.engine import RtlEngine


def _measure(
    engine: Any, images: np.ndarray, labels: np.ndarray, mode: int, weights: Any, key: int, epoch: int
) -> dict[str, Any]:
    """Cycles an image, where they go, and rows a cycle."""
    count = len(labels)
    report = engine.present(images, labels, [mode] * count, weights, key, epoch)
    measured, total = report.measured, report.elapsed_cycles
    rows = sum(measured["rows"])
    nudged = report.results[:, 3] == 1
    cycles = np.array(report.image_cycles)
    by_nudge = {
        name: float(cycles[chosen].mean())
        for name, chosen in (("nudged", nudged), ("skipped", ~nudged))
        if chosen.any()
    }
    return {
        "images": count,
        "cycles_of_images": by_nudge,
        "nudged_fraction": report.counters["nudged"] / count,
        "cycles_per_image": total / count,
        "steps_per_image": report.counters["steps"] / count,
        "stage_shares": {name: cycles / total for name, cycles in measured["stages"].items()},
        "rows_per_image": rows / count,
        "rows_of_banks": [bank / count for bank in measured["rows"]],
        "rows_per_cycle": rows / total,
        "row_cycle_share": measured["row_cycles"] / total,
        # Were every bank to move a row in every cycle.
        "limit_cycles_per_image": rows / len(measured["rows"]) / count,
        "limit_share": rows / len(measured["rows"]) / total,
    }


def run_throughput(
    config: Config, board: str | None = None, epochs: int = 5, images: int = 40, built: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Train `epochs` epochs on the golden model, then measure the RTL: the next images of the next epoch in mode LEARN
    (the skip rule as the config has it), test images in mode INFER, each as fast as the core takes them.

    `built` is a build.json of the same hardware, whose clock turns cycles into images a second, and, where all epochs
    of the schedule were trained, into the seconds that they would have taken on the board.
    """
    config = config.replace(hardware=settings_for(config, board), boards={})
    part = load_split(config)
    network = Network(config)
    compile_kernels(network)
    nudged = []
    for epoch in range(epochs):
        network.set_epoch(epoch)
        network.clear_counters()
        order = epoch_order(config, epoch, len(part.train_labels))
        network.present_all(part.train_images[order], part.train_labels[order], LEARN)
        nudged.append(network.counter_values()["nudged"] / len(order))
    order = epoch_order(config, epochs, len(part.train_labels))[:images]
    with RtlEngine(for_simulator(config)) as engine:
        common = (network.weights, network.key, epochs)
        training = _measure(engine, part.train_images[order], part.train_labels[order], LEARN, *common)
        inference = _measure(engine, part.test_images[:images], part.test_labels[:images], INFER, *common)
    result = {
        "config": config.name,
        "layers": list(config.network.layers),
        **engine.sizes,
        "trained_epochs": epochs,
        "nudged_fraction_of_epochs": nudged,
        "training": training,
        "inference": inference,
    }
    if built is not None:
        result["board"] = built["board"]
        clock = min(built["clocks"].values(), key=lambda c: c["achieved_mhz"] / c["required_mhz"])
        for name in ("required", "achieved"):
            result[f"{name}_mhz"] = mhz = clock[f"{name}_mhz"]
            for what in (training, inference):
                what[f"images_per_second_at_{name}"] = 1e6 * mhz / what["cycles_per_image"]
            cost = training["cycles_of_images"]
            if epochs >= config.training.epochs and len(cost) == 2:
                # Every epoch by its own share of nudged images.
                total = sum(share * cost["nudged"] + (1 - share) * cost["skipped"] for share in nudged)
                result[f"seconds_of_training_at_{name}"] = len(part.train_labels) * total / (1e6 * mhz)
    return result


def read_build(path: Path) -> dict[str, Any]:
    """What a build.json holds. Raises `UsageProblem`."""
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise UsageProblem(f"--build {path}: not a build.json: {error}") from None


def check_build(config: Config, board: str, path: Path, built: dict[str, Any]) -> None:
    """Refuse a build of other hardware."""
    if "clocks" not in built:
        raise UsageProblem(f"--build {path}: {built.get('config')} does not fit {built.get('board')}: it has no clock")
    hardware = settings_for(config, board)
    lanes = min(hardware.lanes, max(config.network.layers[1:]))
    sizes = {"board": board, "layers": list(config.network.layers), "lanes": lanes, "banks": hardware.banks}
    for name, wanted in sizes.items():
        if built.get(name) != wanted:
            raise UsageProblem(
                f"--build {path}: {name} is {built.get(name)}, but {config.name} on {board} has {wanted}"
            )
