"""The same flips in the golden model and in the RTL: both must go wrong in the same way, to the bit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.lib import data

from eqspike.golden.config import Config
from eqspike.golden.configfile import config_to_dict
from eqspike.golden.data import load_split
from eqspike.golden.derived import history_depth
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network
from eqspike.golden.number import fixed_numbers
from eqspike.golden.upset import BETWEEN_IMAGES, PLACES, Cell, Upset, cells, draw, flipped, present_struck
from eqspike.rtl.core import Core
from eqspike.rtl.input_store import word_layout
from eqspike.rtl.streams import layer_bits, layer_name, neuron_layout, own_pulses
from eqspike.sim import harness
from eqspike.sim.jobs.upset import CHUNK, END_STEP, Bit, Flip

FIELDS = {"membrane": "membrane", "rho-bar": "integrator", "filter": "filtered", "refractory": "refractory"}
"""Place -> field of `rtl.streams.neuron_layout`."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What came of a check."""

    flips: int
    fallen: int
    """Flips that fell on something: not of a step that the image did not have."""
    felt: int
    """Flips that changed a weight, a result, a counter or the key of golden."""
    mismatches: int
    """Images after which the core and golden differ."""
    first: str | None
    """The first of them."""
    places: Mapping[str, int]
    """Flips that fell, by place."""


def one_bank(config: Config) -> Config:
    """The config on one bank, without `prefetch` and `eager`, which change no result."""
    return config.replace(
        hardware=dataclasses.replace(config.hardware, banks=1, prefetch=False, eager=False), boards={}
    )


def _offset(layout: Any, *path: Any) -> int:
    """Where a part of an array or struct begins, in bits."""
    offset = 0
    for key in path:
        field = layout[key]
        offset, layout = offset + field.offset, field.shape
    return offset


class Places:
    """Where the circuit keeps what `golden.upset.PLACES` names."""

    def __init__(self, core: Core, config: Config) -> None:
        self.core, self.config = core, config
        self.numbers = fixed_numbers(config)
        self.depth_bits = (history_depth(config) - 1).bit_length()
        self.states = data.ArrayLayout(neuron_layout(config), core.lanes)

    def flip(self, upset: Upset) -> Flip:
        """A flip within an image."""
        place, layer, bit = upset.cell
        if place in ("spike list", "pixels", "input membrane"):
            return Flip(END_STEP, upset.step, 0, (self._input(upset),))
        lanes = self.core.lanes
        chunk = self.core.layout.chunks_of(layer)[upset.index // lanes]
        lane, n = upset.index % lanes, upset.index
        if place == "spikes":
            name = "spikes" if own_pulses(self.config) else "pulses"
            bits = [Bit(("registers", name), _offset(layer_bits(self.config), layer_name(layer)) + n)]
        elif place == "delay line":
            row = (upset.step - upset.age) % (1 << self.depth_bits)
            bits = [Bit(("chunk_state", "history"), lane, chunk.index << self.depth_bits | row)]
        elif place == "output counts":
            bits = [Bit(("rates", "counts"), n * self.numbers.count_bits + bit)]
        else:
            at = _offset(self.states, lane, FIELDS[place]) + bit
            bits = [Bit(("chunk_state", "state_memory"), at, chunk.index)]
            if place == "rho-bar" and layer > 1:
                # Two-way synapses read it from registers: golden has it once.
                signals = self.core.registers.signal_layout
                bits.append(Bit(("registers", "signals"), _offset(signals, layer_name(layer), n) + bit))
        return Flip(CHUNK, upset.step, chunk.index, tuple(bits))

    def _input(self, upset: Upset) -> Bit:
        place, _, bit = upset.cell
        if place == "spike list":
            half = 1 << (max(2, self.config.network.layers[0]) - 1).bit_length()
            return Bit(("spike_list_0", "memory"), bit, upset.index, half)
        inputs = self.core.inputs[0]
        word, lane = divmod(upset.index, inputs.lanes)
        field = "pixel" if place == "pixels" else "membrane"
        at = _offset(word_layout(self.config, inputs.lanes), lane, field) + bit
        return Bit(("inputs_0", "store", "memory"), at, word)

    def register(self, upset: Upset) -> Bit:
        """The key, or a counter."""
        if upset.cell.place == "key":
            return Bit(("generator", "key"), upset.cell.bit)
        # `cycles` stands first; golden has no clock.
        return Bit(("event_counters", "counters"), 32 * (1 + upset.index) + upset.cell.bit)

    def written(self, upset: Upset, weights: Sequence[np.ndarray]) -> dict[str, int]:
        """The host's command that writes the flipped weight."""
        s, bit = upset.cell.layer, upset.cell.bit
        row, column = (int(i) for i in np.unravel_index(upset.index, weights[s].shape))
        word, lane = self.core.layout.place(s, row, column)
        return {
            "write": 1, "word": word, "lane": lane,
            "data": flipped(weights[s][row, column], bit, self.config.synapses[s].bits),
        }  # fmt: skip


def drawn_cells(config: Config, count: int, generator: np.random.Generator) -> list[Cell]:
    """Cells for a check: the places in turn, so that each comes up, and any bit of any layer of it."""
    by_place: dict[str, list[Cell]] = {}
    for cell in cells(config):
        by_place.setdefault(cell.place, []).append(cell)
    order = [place for place in PLACES if place in by_place]
    generator.shuffle(order)
    chosen = [by_place[order[n % len(order)]] for n in range(count)]
    return [own[int(generator.integers(len(own)))] for own in chosen]


def check(
    config: Config, count: int, seed: int = 0, spoil: Callable[[list[dict[str, Any]]], None] | None = None
) -> Checked:
    """Do `count` flips, one an image that is learned, in golden and on Icarus, and compare what is left: result,
    weights, counters, key.

    `spoil` changes the job's items before they run, for tests. Raises `SimulationError`, `MissingToolError`.
    """
    config = one_bank(config)
    core = Core(config)
    places, part = Places(core, config), load_split(config)
    generator = np.random.default_rng([seed, 3])
    items, expected = [], []
    network = Network(config)
    for number, cell in enumerate(drawn_cells(config, count, generator)):
        at = int(generator.integers(len(part.train_labels)))
        image, label = part.train_images[at], int(part.train_labels[at])
        upset = draw(config, generator, cell, number)
        items.append(_item(places, network, image, label))
        expected.append(_golden(network, image, label, upset))
        _strike_item(places, items[-1], expected[-1]["done"])
    if spoil:
        spoil(items)
    build = harness.build(core, "core", "icarus")
    seen = build.run("eqspike.sim.jobs.upset", {"config": config_to_dict(config), "items": items})
    differing = [(golden, what) for golden, rtl in zip(expected, seen, strict=True) if (what := _differs(golden, rtl))]
    fallen = [golden["upset"].cell.place for golden in expected if golden["done"]]
    return Checked(
        flips=count,
        fallen=len(fallen),
        felt=sum(golden["felt"] for golden in expected),
        mismatches=len(differing),
        first=f"{differing[0][0]['upset']}: {differing[0][1]}" if differing else None,
        places={place: fallen.count(place) for place in PLACES if place in fallen},
    )


def _item(places: Places, network: Network, image: np.ndarray, label: int) -> dict[str, Any]:
    """An image and what the core holds before it."""
    return {
        "weights": [layer.copy() for layer in network.weights], "key": network.key, "image": image, "label": label,
        "mode": LEARN, "written": [], "registers": [], "flips": [],
    }  # fmt: skip


def _strike_item(places: Places, item: dict[str, Any], done: Sequence[Upset]) -> None:
    """Tell the simulator of the flips that fell."""
    for upset in done:
        if upset.cell.place == "weights":
            item["written"].append(places.written(upset, item["weights"]))
        elif upset.cell.place in BETWEEN_IMAGES:
            item["registers"].append(places.register(upset))
        else:
            item["flips"].append(places.flip(upset))


def _golden(network: Network, image: np.ndarray, label: int, upset: Upset) -> dict[str, Any]:
    """What the flip leaves behind in golden, and whether anything is other than without it."""
    start, key = [layer.copy() for layer in network.weights], network.key

    def present(upsets: Sequence[Upset]) -> dict[str, Any]:
        network.load_weights(start)
        network.key = key
        network.clear_counters()
        struck = present_struck(network, image, label, LEARN, upsets)
        return {
            "result": struck.result, "weights": [layer.copy() for layer in network.weights],
            "counters": _wrapped(network.counter_values()), "key": network.key, "done": struck.done,
        }  # fmt: skip

    whole, hit = present([]), present([upset])
    felt = any(whole[name] != hit[name] for name in ("result", "counters", "key"))
    felt = felt or any((a != b).any() for a, b in zip(whole["weights"], hit["weights"], strict=True))
    return hit | {"felt": felt, "upset": upset}


def _wrapped(counters: Mapping[str, Any]) -> dict[str, Any]:
    """Counters as 32 bits hold them."""
    return {
        name: [v & 0xFFFFFFFF for v in value] if isinstance(value, list) else value & 0xFFFFFFFF
        for name, value in counters.items()
    }


def _differs(golden: Mapping[str, Any], rtl: Mapping[str, Any]) -> str | None:
    """What the core has other than golden, in words."""
    if len(rtl["fallen"]) != sum(u.cell.place not in BETWEEN_IMAGES for u in golden["done"]):
        return f"{len(rtl['fallen'])} flips fell in the core"
    result, ours = rtl["result"], golden["result"]
    theirs = (
        result["prediction"], result["first_spike"], result["first_step"], bool(result["nudged"]),
        tuple(result["counts"]),
    )  # fmt: skip
    if theirs != tuple(dataclasses.astuple(ours)):
        return f"the core's result is {theirs}, golden's {dataclasses.astuple(ours)}"
    for s, (a, b) in enumerate(zip(rtl["weights"], golden["weights"], strict=True)):
        if (a != b).any():
            return f"{np.count_nonzero(a != b)} weights of layer {s} differ"
    for name in ("counters", "key"):
        if rtl[name] != golden[name]:
            return f"{name}: {rtl[name]} in the core, {golden[name]} in golden"
    return None


__all__ = ["Checked", "Places", "check", "one_bank"]
