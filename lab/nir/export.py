"""A trained network for other programs: as a NIR graph, npz or hex (docs/exchange.md)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nir
import numpy as np
from amaranth.hdl import signed
from amaranth.lib import data

from eqspike.base.errors import UsageProblem
from eqspike.base.files import write_bytes, write_text
from eqspike.fpga.selftest import weight_words
from eqspike.fpga.settings import settings_for
from eqspike.golden.config import Config
from eqspike.golden.data import load_split
from eqspike.golden.features import Encoding
from eqspike.golden.modes import INFER
from eqspike.golden.network import Network
from eqspike.lab.nir.file import metadata_dt
from eqspike.lab.nir.layered import answers, input_spikes
from eqspike.lab.nir.plain import to_plain
from eqspike.lab.nir.shown import IMAGES, fixed_phase, spread
from eqspike.lab.nir.simulate import output_spikes
from eqspike.lab.nir.write import graph_bytes, to_graph, unlimited
from eqspike.lab.weights import load_weights, save_weights
from eqspike.rtl.bits import Codec
from eqspike.rtl.layout import Layout


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


def agreement(config: Config, network: Network, encoding: Encoding | None = None) -> Agreement:
    """Compare the answers of `network` with those of its graph, on test images as its training encoded them."""
    part = load_split(config, encoding)
    chosen = spread(len(part.test_labels), IMAGES)
    images, labels = part.test_images[chosen], part.test_labels[chosen]
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


@dataclass(frozen=True)
class PlainAgreement:
    """How a plain graph, run as NIR defines it, answers beside the chip."""

    images: int
    alike: int
    right: int
    """Of the chip's answers."""
    right_of_graph: int


def plain_agreement(
    config: Config, network: Network, graph: nir.NIRGraph, encoding: Encoding | None = None
) -> PlainAgreement:
    """Compare the answers of `network` with those of its plain graph, which is shown the same spikes."""
    part, config = load_split(config, encoding), fixed_phase(config)
    chosen = spread(len(part.test_labels), IMAGES)
    images, labels = part.test_images[chosen], part.test_labels[chosen]
    chip = Network(config)
    chip.load_weights(network.weights)
    own = chip.present_all(images, labels, INFER)[:, 0]
    spikes = output_spikes(graph, metadata_dt(graph), input_spikes(config, images), config.neuron.refractory)
    other = answers(config, spikes)
    return PlainAgreement(
        len(labels), int(np.sum(own == other)), int(np.sum(own == labels)), int(np.sum(other == labels))
    )


def trained_network(config: Config, weights: Path) -> tuple[Network, Encoding]:
    """The network with the weights of a run, and how the run's data set was encoded."""
    network, saved = Network(config), load_weights(weights, config)
    network.load_weights(saved.weights)
    return network, saved.encoding


def export_nir(config: Config, network: Network, out: Path, encoding: Encoding | None = None) -> Agreement:
    """Write the network as a NIR graph."""
    write_bytes(out, graph_bytes(to_graph(config, network.real_weights())))
    return agreement(config, network, encoding)


def export_plain(
    config: Config, network: Network, out: Path, sinabs: bool = False, encoding: Encoding | None = None
) -> PlainAgreement:
    """Write the network as a graph of Affine and LIF nodes alone."""
    graph = to_plain(config, network.real_weights(), sinabs)
    write_bytes(out, graph_bytes(graph, resets=False))
    return plain_agreement(config, network, graph, encoding)


def export_npz(config: Config, network: Network, out: Path, encoding: Encoding | None = None) -> None:
    """Write the weights as real numbers."""
    real = config.replace(number=dataclasses.replace(config.number, format="real"))
    save_weights(out, real, network.real_weights(), encoding)


def export_hex(config: Config, network: Network, out: Path, board: str | None = None) -> None:
    """Write the chip's weight memory, on the lanes of `board` or the config's own. Raises `UsageProblem`."""
    if config.number.format != "fixed":
        raise UsageProblem("--format hex: the chip's memory holds fixed point; number.format is real")
    write_text(out, hex_text(config, network.weights, board))
