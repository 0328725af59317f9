"""What a live page can show: one small face for the golden model, the circuit in this process, and a board.

A chip holds weights and the place in the stream of random draws. It is used by one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.device_section import FREE, STUCK_OFF, STUCK_ON
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network
from eqspike.golden.number import fixed_numbers

Neuron = tuple[int, int]
"""Layer, inputs being layer 0, and number."""
Synapse = tuple[int, int, int]
"""Layer of synapses, row, column."""
STICK = {"on": STUCK_ON, "off": STUCK_OFF, "free": FREE}


@dataclass(frozen=True)
class Match:
    """What a twin, which is given the same, says of a chip."""

    right: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class Presented:
    """An image that was presented, with all that is shown of it."""

    prediction: int
    counts: tuple[int, ...]
    """Spikes of each output in the window at the end of the free phase."""
    nudged: bool
    spikes: np.ndarray
    """Shape (steps, neurons of all layers, inputs first): 0 or 1."""
    inner: dict[str, Any] | None
    """Of the inspected neuron: `neuron`, `membrane`, `signal`, as lab/page/messages.md has them."""
    counters: dict[str, Any]
    """Of this image, by name."""
    key: int
    """After the image."""
    stages: dict[str, int] = field(default_factory=dict)
    """Cycles by the sequencer's stage, where they are known."""
    match: Match | None = None


class Chip(Protocol):
    """What is shown on the page."""

    title: str
    """What answers, in words."""
    notes: tuple[str, ...]
    """To be shown beside it."""
    lost: ClassVar[tuple[type[Exception], ...]] = ()
    """What is raised when the chip is gone for a while; then `reconnect`, and ask again."""
    sticks: bool = False
    """Can devices be stuck?"""
    check_images: int | None = None
    """Images that it learns to check itself; None: as many as a page does."""
    key: int
    """The place in the stream of random draws."""

    def present(self, image: np.ndarray, label: int, mode: int, epoch: int, inspected: Neuron | None) -> Presented:
        """Present an image (integers 0..full_scale, shape (inputs,)), at the learning rates of `epoch`."""
        ...

    def contents(self) -> tuple[np.ndarray, ...]:
        """Weights, and what accumulators hold, as `Network.contents`; nobody else has these arrays."""
        ...

    def read(self) -> tuple[np.ndarray, ...]:
        """The same, read from the chip itself where `contents` are a twin's."""
        return self.contents()

    def load(self, contents: Sequence[np.ndarray], key: int) -> None:
        """Take all weights (and accumulators), and the key."""
        ...

    def write(self, synapses: Sequence[Synapse], value: int) -> None:
        """Give each of these synapses this weight."""
        ...

    def stick(self, synapses: Sequence[Synapse], at: str) -> None:
        """Let these devices be stuck "on" or "off", or be "free". Only where `sticks`."""
        ...

    def stuck(self) -> list[Synapse]:
        """The stuck devices."""
        ...

    def idle(self) -> float | None:
        """Something small to do when there is nothing else; in how many seconds there is more, None: nothing."""
        ...

    def reconnect(self, waiting: Callable[[float], None]) -> None:
        """Wait until a lost chip is there again, as `golden.engine.Engine.reconnect`; it then holds what it held."""
        ...

    def close(self) -> None:
        """It is not used any more."""
        ...


class GoldenChip(Chip):
    """The golden model, by the kernels that specify it, which show every step."""

    notes = ()

    def __init__(self, config: Config, title: str = "the golden model") -> None:
        self.title, self.config = title, config
        self.network = Network(config)
        self.sticks = not config.device.ideal
        learning, layers = config.learning, config.network.layers
        self.trace = self.network.empty_trace(learning.free_steps + learning.nudge_steps)
        self.first = [sum(layers[1:layer]) for layer in range(len(layers))]
        """Of each layer but the inputs, its first neuron's column in the trace."""
        numbers = fixed_numbers(config)
        self.units = {"membrane": numbers.threshold, "signal": 2 ** (numbers.signal.bits - 1)}

    @property
    def key(self) -> int:
        return self.network.key

    @key.setter
    def key(self, value: int) -> None:
        self.network.key = value

    def present(self, image: np.ndarray, label: int, mode: int, epoch: int, inspected: Neuron | None) -> Presented:
        network, trace = self.network, self.trace
        network.set_epoch(epoch)
        network.clear_counters()
        result = network.present(image, label, mode, trace)
        counters = network.counter_values()
        steps = counters["steps"]
        states = {"membrane": trace.membrane, "signal": trace.integrator}
        return Presented(
            prediction=result.prediction,
            counts=result.counts,
            nudged=result.nudged,
            spikes=np.concatenate([trace.input_spikes[:steps], trace.spikes[:steps]], axis=1).astype(bool),
            inner=inner_of({name: array[:steps] for name, array in states.items()}, self.first, self.units, inspected),
            counters=counters,
            key=network.key,
        )

    def learn_all(self, images: np.ndarray, labels: np.ndarray, epoch: int) -> np.ndarray:
        """Learn images in a row on the fast engine: results as `Network.present_all`."""
        self.network.set_epoch(epoch)
        return self.network.present_all(images, labels, LEARN)

    def contents(self) -> tuple[np.ndarray, ...]:
        return tuple(layer.copy() for layer in self.network.contents)

    def load(self, contents: Sequence[np.ndarray], key: int) -> None:
        self.network.load_weights(contents)
        self.network.key = key

    def write(self, synapses: Sequence[Synapse], value: int) -> None:
        stuck = self.network.views(self.network.devices.stuck)
        for layer, row, column in synapses:
            if stuck[layer][row, column] == FREE:
                self.network.weights[layer][row, column] = value

    def stick(self, synapses: Sequence[Synapse], at: str) -> None:
        stuck = self.network.views(self.network.devices.stuck)
        for layer, row, column in synapses:
            stuck[layer][row, column] = STICK[at]
        self.network.load_weights(self.contents())  # those that are stuck take their own

    def stuck(self) -> list[Synapse]:
        views = self.network.views(self.network.devices.stuck)
        return [(s, *map(int, place)) for s, view in enumerate(views) for place in np.argwhere(view != FREE)]

    def idle(self) -> float | None:
        return None

    def reconnect(self, waiting: Callable[[float], None]) -> None:
        pass

    def close(self) -> None:
        pass


def inner_of(
    states: dict[str, np.ndarray], first: Sequence[int], units: dict[str, int], inspected: Neuron | None
) -> dict[str, Any] | None:
    """`Presented.inner` of states of shape (steps, neurons of all layers but the inputs), each in its unit."""
    if inspected is None:
        return None
    column = first[inspected[0]] + inspected[1]
    parts = {name: (array[:, column] / units[name]).tolist() for name, array in states.items()}
    return {"neuron": list(inspected), **parts}


__all__ = ["Chip", "GoldenChip", "Match", "Neuron", "Presented", "Synapse", "inner_of"]
