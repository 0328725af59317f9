"""What the page may ask (lab/page/messages.md), checked: a message that is wrong is answered with one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.lab.live.chip import STICK

MOST_WAIT = 60_000
"""Milliseconds from one training image to the next, at most."""
POINTS = 100_000
"""Numbers of a drawing's strokes, at most."""


class WrongMessage(ValueError):
    """What is wrong with a message, in one line."""


class Asked:
    """Checks messages for a chip of `config`."""

    def __init__(self, config: Config, sticks: bool) -> None:
        self.layers, self.white = config.network.layers, config.input.full_scale
        self.formats = [(s.weight.low, s.weight.high) for s in fixed_numbers(config).synapses]
        drawing = {"pixels": self._pixels, "id": _id, "strokes": _strokes}
        self.kinds: dict[str, dict[str, Callable[[Any], Any]]] = {
            "show": drawing,
            "teach": drawing | {"label": self._label},
            "train": {"on": _flag},
            "next": {},
            "wait": {"milliseconds": lambda value: _number("milliseconds", value, 0, MOST_WAIT)},
            "start": {"weights": lambda value: _choice("weights", value, ("initial", "trained"))},
            "weights": {},
            "write": {"synapses": self._synapses, "value": self._whole},
            "key": {"value": lambda value: _whole("value", value, 1, 2**32 - 1)},
            "inspect": {"neuron": self._neuron},
            "judge": {"images": lambda value: _whole("images", value, 1, 10**6)},
            "check": {},
            "digest": {},
        }
        if sticks:
            self.kinds["stick"] = {"synapses": self._synapses, "at": lambda value: _choice("at", value, tuple(STICK))}

    def __call__(self, message: object) -> dict[str, Any]:
        """The message's own fields. Raises `WrongMessage`."""
        if not isinstance(message, Mapping) or not isinstance(message.get("type"), str):
            raise WrongMessage("a message is an object with a type")
        kind = message["type"]
        if kind not in self.kinds:
            raise WrongMessage(f"this engine does not know the message {kind[:40]!r}")
        fields = {name: check(message.get(name)) for name, check in self.kinds[kind].items()}
        if kind == "write":
            for layer in {synapse[0] for synapse in fields["synapses"]}:
                _whole("value", fields["value"], *self.formats[layer])
        return {"type": kind, **fields}

    def _pixels(self, value: Any) -> list[int]:
        size = self.layers[0]
        if not isinstance(value, list) or len(value) != size:
            raise WrongMessage(f"pixels: {size} numbers")
        return [_whole("pixels", pixel, 0, self.white) for pixel in value]

    def _label(self, value: Any) -> int:
        return _whole("label", value, 0, self.layers[-1] - 1)

    def _whole(self, value: Any) -> int:
        return _whole("value", value, min(low for low, _ in self.formats), max(high for _, high in self.formats))

    def _neuron(self, value: Any) -> tuple[int, int] | None:
        if value is None:
            return None
        layer, number = _tuple("neuron", value, 2)
        _whole("neuron", layer, 1, len(self.layers) - 1)
        return layer, _whole("neuron", number, 0, self.layers[layer] - 1)

    def _synapses(self, value: Any) -> list[tuple[int, int, int]]:
        if not isinstance(value, list):
            raise WrongMessage("synapses: a list of [layer, row, column]")
        found = [_tuple("synapses", each, 3) for each in value]
        if found:
            array = np.array(found)
            below, above = (np.array(sizes) for sizes in (self.layers[:-1], self.layers[1:]))
            s = array[:, 0]
            if not (s.min() >= 0 and s.max() < len(below)):
                raise WrongMessage(f"synapses: layers of synapses are 0 to {len(below) - 1}")
            if (array < 0).any() or (array[:, 1] > below[s]).any() or (array[:, 2] >= above[s]).any():
                raise WrongMessage("synapses: one of them is not in the network")
        return found


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise WrongMessage(f"{name}: a whole number from {low} to {high}")
    return value


def _number(name: str, value: Any, low: float, high: float) -> float:
    if type(value) not in (int, float) or not low <= value <= high:
        raise WrongMessage(f"{name}: a number from {low} to {high}")
    return value


def _choice(name: str, value: Any, names: tuple[str, ...]) -> str:
    if value not in names:
        raise WrongMessage(f"{name}: one of {', '.join(names)}")
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise WrongMessage("on: true or false")
    return value


def _id(value: Any) -> int | str | None:
    if value is not None and not (type(value) in (int, str) and len(str(value)) <= 40):
        raise WrongMessage("id: a short number or text")
    return value


def _tuple(name: str, value: Any, size: int) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) != size or not all(type(part) is int for part in value):
        raise WrongMessage(f"{name}: {size} whole numbers each")
    if any(abs(part) > 2**20 for part in value):
        raise WrongMessage(f"{name}: {size} whole numbers each, below a million")
    return tuple(value)


def _strokes(value: Any) -> list[list[tuple[int, ...]]] | None:
    """Strokes of the drawing, where they were sent: a session that is recorded keeps them."""
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(stroke, list) for stroke in value):
        raise WrongMessage("strokes: lists of points [x, y]")
    if sum(map(len, value)) > POINTS:
        raise WrongMessage(f"strokes: at most {POINTS} points")
    return [[_tuple("strokes", point, 2) for point in stroke] for stroke in value]


__all__ = ["Asked", "WrongMessage"]
