"""The RTL in a simulator, as an engine for the command line: it trains, and it runs the learning law's pair."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

import numpy as np

from cocotb_tests import harness
from golden.config import Config, config_to_dict
from golden.network import LEARN
from rtl.core import Core
from rtl.pair import Pair


class RtlEngine:
    """Learns images on the RTL. Each `learn` is one run of the simulator: weights in, images, weights out."""

    def __init__(self, config: Config, simulator: str = "verilator") -> None:
        self.config = config
        self.simulator = simulator

    def __enter__(self) -> RtlEngine:
        core = Core(self.config)
        self.sizes = {"lanes": core.lanes, "input_lanes": core.inputs[0].lanes, "banks": core.banks}
        self.build = harness.build(core, "core", self.simulator)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def present(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        modes: Sequence[int],
        weights: Sequence[np.ndarray],
        key: int,
        epoch: int = 0,
    ) -> dict[str, object]:
        """Present images in order, each in its mode.

        Returns `results` (shape (images, 4): prediction, first spike, its step, nudged), `weights`, `key`, `counters`,
        `cycles` (those of the images alone), `elapsed_cycles` (with what lies between them), `image_cycles` (from
        result to result), `measured` (cycles of each stage, rows of each bank) and `seconds` of simulation.
        """
        return self.build.run(
            "cocotb_tests.sim_engine",
            {
                "config": config_to_dict(self.config),
                "images": np.asarray(images),
                "labels": np.asarray(labels),
                "modes": list(modes),
                "weights": [np.asarray(w) for w in weights],
                "key": key,
                "epoch": epoch,
            },
        )

    def learn(
        self, images: np.ndarray, labels: np.ndarray, weights: Sequence[np.ndarray], key: int, epoch: int
    ) -> dict[str, object]:
        """Learn images in order, as `present` in mode LEARN."""
        return self.present(images, labels, [LEARN] * len(labels), weights, key, epoch)


def run_pair_rtl(
    config: Config, drive_pre: np.ndarray, drive_post: np.ndarray, simulator: str = "verilator"
) -> dict[str, np.ndarray]:
    """`golden.law.run_pair` on the RTL: the arrays of a `PairTrace` by name."""
    job = {"config": config_to_dict(config), "pre": np.asarray(drive_pre), "post": np.asarray(drive_post)}
    return harness.build(Pair(config), "pair", simulator).run("cocotb_tests.sim_pair", job)


__all__ = ["RtlEngine", "run_pair_rtl"]
