"""Trainings as runs of the laboratory: what is kept of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eqspike.golden.baselines.settings import Settings
    from eqspike.golden.config import Config

CURVES = (
    "train_accuracy", "test_accuracy", "first_spike_test_accuracy", "nudged_fraction", "counters", "test_counters",
    "first_spike_test_counters", "first_spike_mean_step", "seconds",
)  # fmt: skip
"""What is kept of each epoch."""


def train_one(key: str, folder: Path, config: Config) -> dict[str, Any]:
    """Train the golden model, or go on with it, in FOLDER/partial/KEY, and keep the weights beside the record."""
    from eqspike.base.files import write_bytes
    from eqspike.golden.configfile import config_to_dict
    from eqspike.lab.checkpoint import train_run

    scratch = folder / "partial" / key
    metrics = train_run(config, scratch, resume=True).to_dict()
    write_bytes(folder / "runs" / f"{key}.npz", (scratch / "weights.npz").read_bytes())
    entries = metrics["epochs"]
    images = sum(entry["counters"]["images"] for entry in entries)
    pulses = sum(entry["counters"]["programming_pulses"] for entry in entries)
    return _common(metrics) | {
        "test_part": metrics["test_part"],
        "number_format": metrics["number_format"],
        "programming_pulses": pulses,
        "programming_pulses_per_image": pulses / images if images else None,
        "nudged_share": sum(entry["counters"]["nudged"] for entry in entries) / images if images else None,
        "weight_saturations": sum(entry["counters"]["weight_saturations"] for entry in entries),
        "seconds": sum(entry["seconds"] for entry in entries),
        "config": config_to_dict(config),
        "curves": [{name: entry[name] for name in CURVES} for entry in entries],
    }


def baseline_one(key: str, folder: Path, config: Config, settings: Settings) -> dict[str, Any]:
    """Train a baseline, or go on with it."""
    from eqspike.lab.baseline import run_baseline

    return _common(run_baseline(config, settings, folder / "partial" / key).to_dict())


def _common(metrics: dict[str, Any]) -> dict[str, Any]:
    entries = metrics["epochs"]
    return {
        "seed": metrics["seed"],
        "epochs": len(entries),
        "mean_last_5_test_accuracy": metrics["mean_last_5_test_accuracy"],
        "last_test_accuracy": metrics["last_test_accuracy"],
        "last_train_accuracy": entries[-1]["train_accuracy"],
        "test_accuracies": [entry["test_accuracy"] for entry in entries],
        "images": metrics["images"],
        "versions": metrics["versions"],
    }
