"""The comparison of the core with the golden model in this process: what sim/jobs/compare.py does through cocotb."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from eqspike.golden.configfile import config_from_dict
from eqspike.golden.network import Network
from eqspike.rtl.core import Core
from eqspike.sim.judge import Comparison, Judge
from eqspike.sim.recorder import LIMIT, Recorder


def compare(library: Path, job: Mapping[str, Any], advance: Callable[[int], None] | None = None) -> dict[str, Any]:
    """Present the job's images to both, compare everything; job and report are those of `eqspike.sim.jobs.compare`.

    `advance` is told of each image. Raises `SimulationError` where the core does not keep what it offers, or hangs.
    """
    began = time.monotonic()
    config = config_from_dict(job["config"])
    core, network = Core(config), Network(config)
    if job.get("key") is not None:
        network.key = job["key"]
    if job.get("initial_weights") is not None:
        network.load_weights(job["initial_weights"])
    with Recorder(library, config, core, job.get("pause", 0.0), job.get("limit", LIMIT)) as recorder:
        recorder.begin(network.key, network.contents, job["epochs"][0])
        report = _images(recorder, Judge(core, network, Comparison()), job, advance)
        simulated = recorder.cycles
    return report | {
        "simulated_cycles": simulated, "seconds": time.monotonic() - began, "simulator": "Verilator"
    }  # fmt: skip


def _images(
    recorder: Recorder, judge: Judge, job: Mapping[str, Any], advance: Callable[[int], None] | None
) -> dict[str, Any]:
    """All images, or those up to the first that differs, and the weights at the end."""
    presented = list(zip(job["images"], map(int, job["labels"]), map(int, job["modes"]), strict=True))
    epochs, ahead = job["epochs"], job.get("ahead", False)
    for given in presented if ahead else ():
        recorder.queue(*given)
    number, kept = -1, []
    for number, given in enumerate(presented):
        if not ahead:
            recorder.queue(*given)
        shown = recorder.finish(epochs[min(number + 1, len(epochs) - 1)], sent=not ahead)
        judge.judge(number, given, epochs[number], shown)
        if job.get("keep"):
            kept.append(shown)
        if judge.comparison.mismatches:
            break
        if advance is not None:
            advance(1)
    weights = judge.read_back(number, recorder.read_weights())
    return {"weights": weights, **judge.report(kept)}


__all__ = ["compare"]
