"""The golden model's speed on one core: bench.json."""

from __future__ import annotations

import dataclasses
import os
import platform
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from eqspike.base.versions import software_versions
from eqspike.golden.config import Config
from eqspike.golden.data import epoch_order, load_split
from eqspike.golden.engine import compile_kernels
from eqspike.golden.fast.engine import library_for
from eqspike.golden.modes import INFER, LEARN
from eqspike.golden.network import Network

Bar = Callable[[range], Iterable[int]]
"""Shows how far a loop is."""


def _schedule(config: Config, epochs: int, bar: Bar) -> dict[str, Any]:
    """Training speed over `epochs` epochs, the evaluation left out."""
    split = load_split(config)
    network = Network(config)
    seconds = []
    for epoch in bar(range(epochs)):
        network.set_epoch(epoch)
        order = epoch_order(config, epoch, len(split.train_labels))
        images, labels = split.train_images[order], split.train_labels[order]
        start = time.perf_counter()
        network.present_all(images, labels, LEARN)
        seconds.append(time.perf_counter() - start)
    counters = network.counter_values()
    total = sum(seconds)
    return {
        "epochs": epochs,
        "images": counters["images"],
        "seconds": total,
        "images_per_second": counters["images"] / total,
        "fastest_epoch_images_per_second": len(split.train_labels) / min(seconds),
        "steps_per_second": counters["steps"] / total,
        "synops_per_second": counters["synops"] / total,
        "nudged_fraction": counters["nudged"] / counters["images"],
    }


def _inference(config: Config) -> dict[str, Any]:
    split = load_split(config)
    network = Network(config)
    start = time.perf_counter()
    network.present_all(split.train_images, split.train_labels, INFER)
    seconds = time.perf_counter() - start
    return {
        "images": len(split.train_labels),
        "seconds": seconds,
        "images_per_second": len(split.train_labels) / seconds,
    }


def run_bench(config: Config, epochs: int | None = None, bar: Bar = iter) -> dict[str, Any]:
    """Speed with the skip rule, with the nudge phase forced, and of inference with initial weights.

    `bar` is given the epochs of each measurement, and hands them on.
    """
    epochs = max(1, config.training.epochs if epochs is None else epochs)
    forced = config.replace(learning=dataclasses.replace(config.learning, skip_tolerance=None))
    network = Network(config)
    compile_kernels(network)
    fast = library_for(network.chip(), network.state.input_membrane.dtype) is not None
    return {
        "config": config.name,
        "number_format": config.number.format,
        "engine": "golden" if fast else "golden-plain",
        "layers": list(config.network.layers),
        "seed": config.training.seed,
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "system": platform.platform()},
        "versions": software_versions(),
        "training": _schedule(config, epochs, bar),
        "training_forced_nudge": _schedule(forced, min(epochs, 3), bar),
        "inference": _inference(config),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
