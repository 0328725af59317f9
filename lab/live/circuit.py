"""The circuit itself, compiled by Verilator into this process (`sim.recorder`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.lab.live.chip import Chip, Neuron, Presented, Synapse, inner_of
from eqspike.rtl.core import Core
from eqspike.sim.library import core_library
from eqspike.sim.recorder import Recorder
from eqspike.sim.recording import states


class CircuitChip(Chip):
    """The RTL, cycle by cycle; its trace shows the spikes."""

    title = "the circuit, compiled for this computer"
    notes = ()

    def __init__(self, config: Config, contents: Sequence[np.ndarray], key: int) -> None:
        self.config, self.core = config, Core(config)
        self.recorder = Recorder(core_library(config), config, self.core)
        layers, numbers = config.network.layers, fixed_numbers(config)
        self.first = [sum(layers[1:layer]) for layer in range(len(layers))]
        self.units = {"membrane": numbers.threshold, "signal": 2 ** (numbers.signal.bits - 1)}
        self.recorder.begin(key, contents, 0)
        self._key = key

    @property
    def key(self) -> int:
        return self._key

    @key.setter
    def key(self, value: int) -> None:
        self.recorder.set_key(value)
        self._key = value

    def present(self, image: np.ndarray, label: int, mode: int, epoch: int, inspected: Neuron | None) -> Presented:
        self.recorder.set_epoch(epoch)
        self.recorder.queue(image, label, mode)
        shown = self.recorder.finish(epoch, True)
        self._key = shown.key
        found = states(self.core, shown.recorded)
        inner = {"membrane": found["membrane"], "signal": found["integrator"]}
        return Presented(
            prediction=shown.result["prediction"],
            counts=tuple(shown.result["counts"]),
            nudged=bool(shown.result["nudged"]),
            spikes=np.concatenate([shown.recorded.inputs, found["spikes"]], axis=1).astype(bool),
            inner=inner_of(inner, self.first, self.units, inspected),
            counters=shown.counters,
            key=shown.key,
            stages=shown.measured["stages"],
        )

    def contents(self) -> tuple[np.ndarray, ...]:
        return self.recorder.read_weights()

    def load(self, contents: Sequence[np.ndarray], key: int) -> None:
        self.recorder.write_weights(contents)
        self.key = key

    def write(self, synapses: Sequence[Synapse], value: int) -> None:
        contents = self.contents()
        for layer, row, column in synapses:
            contents[layer][row, column] = value
        self.recorder.write_weights(contents)

    def stick(self, synapses: Sequence[Synapse], at: str) -> None:
        raise NotImplementedError("which devices of a circuit are stuck is built in")

    def stuck(self) -> list[Synapse]:
        return []

    def idle(self) -> float | None:
        return None

    def reconnect(self, waiting: Callable[[float], None]) -> None:
        pass

    def close(self) -> None:
        self.recorder.__exit__(None, None, None)


__all__ = ["CircuitChip"]
