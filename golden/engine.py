"""What trains, behind one face: the golden model here, the RTL (`sim.engine`), a board (`fpga.engine`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What an engine gives back once it has learned some images."""

    results: np.ndarray
    """Shape (images, 4): prediction, first output to spike or -1, its step or -1, 1 if the nudge phase ran else 0."""
    weights: Sequence[np.ndarray]
    """One array a layer of synapses, as `Network.contents`. Some engines read or overwrite them later: copy what must
    outlive the next call."""
    key: int
    """Stream key of the next image's draws."""
    counters: dict[str, int | list[int]]
    """By name, of these images alone, as `Network.counter_values`."""
    seconds: float
    """Spent with the images alone."""
    cycles: int = 0
    """Clock cycles of the images; 0 where there is no clock."""
    layer_writes: tuple[int, ...] | None = None
    """Programming pulses by layer of synapses, as `Network.layer_writes`; None where they are not counted apart."""


class Engine(Protocol):
    """What trains. It keeps no state that the caller has not: a run may go on with another engine, to the same bits."""

    lost: ClassVar[tuple[type[Exception], ...]] = ()
    """What `learn` raises when the engine is gone for a while; then `reconnect`, and begin again from a checkpoint."""

    def learn(
        self, images: np.ndarray, labels: np.ndarray, weights: Sequence[np.ndarray], key: int, epoch: int
    ) -> Learned:
        """Learn images (integers 0..full_scale, shape (images, inputs)) in order, at the learning rates of `epoch`,
        from `weights` and the stream key `key`."""
        ...

    def reconnect(self, waiting: Callable[[float], None]) -> None:
        """Wait until a lost engine is there again; `waiting` is told how many more seconds it may take.

        Raises `CommandError` when it does not come back.
        """


def compile_kernels(network: Network) -> None:
    """Compile (or load) the kernels now, by presenting no images, so that no measurement of time contains it."""
    network.present_all(np.zeros((0, network.layers[0]), np.int64), np.zeros(0, np.int64), LEARN)


class GoldenEngine(Engine):
    """The golden model."""

    def __init__(self, config: Config) -> None:
        self.network = Network(config)
        compile_kernels(self.network)

    def learn(
        self, images: np.ndarray, labels: np.ndarray, weights: Sequence[np.ndarray], key: int, epoch: int
    ) -> Learned:
        """As `Engine.learn`; the weights given back are the network's own, which the next call changes."""
        network = self.network
        network.set_epoch(epoch)
        if weights is not network.contents:
            network.load_weights(weights)
        network.key = key
        network.clear_counters()
        start = time.perf_counter()
        results = network.present_all(images, labels, LEARN)
        return Learned(
            results=results,
            weights=network.contents,
            key=network.key,
            counters=network.counter_values(),
            seconds=time.perf_counter() - start,
            layer_writes=network.layer_writes(),
        )
