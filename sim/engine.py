"""The RTL in a simulator, as an engine for the command line: it trains, and it runs the learning law's pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.configfile import config_to_dict
from eqspike.golden.engine import Engine, Learned
from eqspike.golden.modes import LEARN
from eqspike.rtl.core import Core
from eqspike.rtl.pair import Pair
from eqspike.sim import harness


@dataclass(frozen=True, kw_only=True)
class Presented(Learned):
    """As `Learned`, with the time that images took on the chip; `seconds` are those of the simulation."""

    elapsed_cycles: int
    """Those of the images, and what lies between them."""
    image_cycles: list[int]
    """From result to result."""
    measured: dict[str, object]
    """Cycles of each stage (`stages`), rows of each bank (`rows`), cycles in which a row was served (`row_cycles`)."""


class RtlEngine(Engine):
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
    ) -> Presented:
        """Present images in order, each in its mode."""
        report = self.build.run(
            "eqspike.sim.jobs.engine",
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
        return Presented(**report)

    def learn(
        self, images: np.ndarray, labels: np.ndarray, weights: Sequence[np.ndarray], key: int, epoch: int
    ) -> Presented:
        """Learn images in order, as `present` in mode LEARN."""
        return self.present(images, labels, [LEARN] * len(labels), weights, key, epoch)


def run_pair_rtl(
    config: Config, drive_pre: np.ndarray, drive_post: np.ndarray, simulator: str = "verilator"
) -> dict[str, np.ndarray]:
    """`golden.law.run_pair` on the RTL: the arrays of a `PairTrace` by name."""
    job = {"config": config_to_dict(config), "pre": np.asarray(drive_pre), "post": np.asarray(drive_post)}
    return harness.build(Pair(config), "pair", simulator).run("eqspike.sim.jobs.pair", job)


__all__ = ["Presented", "RtlEngine", "run_pair_rtl"]
