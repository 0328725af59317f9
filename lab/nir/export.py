"""A trained network for other programs: as a NIR graph, npz or hex (docs/exchange.md)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from amaranth.hdl import signed
from amaranth.lib import data

from eqspike.base.errors import UsageProblem
from eqspike.base.files import write_bytes, write_text
from eqspike.fpga.selftest import weight_words
from eqspike.fpga.settings import settings_for
from eqspike.golden.config import Config
from eqspike.golden.data import load_split
from eqspike.golden.modes import INFER
from eqspike.golden.network import Network
from eqspike.lab.nir.write import graph_bytes, to_graph, unlimited
from eqspike.lab.weights import load_weights, save_weights
from eqspike.rtl.bits import Codec
from eqspike.rtl.layout import Layout

IMAGES = 100
"""Test images on which an exported graph is compared with the chip."""


def hex_text(config: Config, weights: Sequence[np.ndarray], board: str | None = None) -> str:
    """The weight memory of the chip for $readmemh: one word a line, lane 0 in the lowest bits (rtl.layout)."""
    layout = Layout(config, settings_for(config, board).lanes)
    bits = max(s.bits for s in config.synapses)
    codec = Codec(data.ArrayLayout(signed(bits), layout.lanes))
    digits = -(-codec.width // 4)
    lines = [f"// {config.name}: {layout.words} words of {layout.lanes} lanes of {bits} bits, lane 0 lowest"]
    for word in weight_words(layout, tuple(weights)):
        lines.append(f"{codec.pack(word):0{digits}x}")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Agreement:
    """How a graph's arithmetic, real numbers and membranes without bounds, answers beside the config's."""

    images: int
    """Test images that both were shown."""
    alike: int
    right: int
    """Of the config's answers."""
    right_of_graph: int
    saturations: int
    """Membranes of the config's that met their bounds."""


def agreement(config: Config, network: Network) -> Agreement:
    """Compare the answers of `network` with those of its graph."""
    part = load_split(config)
    images, labels = part.test_images[:IMAGES], part.test_labels[:IMAGES]
    graph = Network(unlimited(config))
    graph.load_weights(network.real_weights())
    network.clear_counters()
    own = network.present_all(images, labels, INFER)[:, 0]
    other = graph.present_all(images, labels, INFER)[:, 0]
    return Agreement(
        len(labels),
        int(np.sum(own == other)),
        int(np.sum(own == labels)),
        int(np.sum(other == labels)),
        network.counter_values()["membrane_saturations"],
    )


def trained_network(config: Config, weights: Path) -> Network:
    """The network with the weights of a run."""
    network = Network(config)
    network.load_weights(load_weights(weights, config).weights)
    return network


def export_nir(config: Config, network: Network, out: Path) -> Agreement:
    """Write the network as a NIR graph."""
    write_bytes(out, graph_bytes(to_graph(config, network.real_weights())))
    return agreement(config, network)


def export_npz(config: Config, network: Network, out: Path) -> None:
    """Write the weights as real numbers."""
    save_weights(out, config.replace(number=dataclasses.replace(config.number, format="real")), network.real_weights())


def export_hex(config: Config, network: Network, out: Path, board: str | None = None) -> None:
    """Write the chip's weight memory, on the lanes of `board` or the config's own. Raises `UsageProblem`."""
    if config.number.format != "fixed":
        raise UsageProblem("--format hex: the chip's memory holds fixed point; number.format is real")
    write_text(out, hex_text(config, network.weights, board))
