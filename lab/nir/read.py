"""`eqspike import`: from a NIR graph to the files of a network that the chip can run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import nir
import numpy as np

from eqspike.base.errors import UsageProblem
from eqspike.base.files import write_text
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_text, config_text
from eqspike.golden.network import Network
from eqspike.golden.validation import ConfigError
from eqspike.lab.nir.assemble import Assembler, Imported
from eqspike.lab.nir.dialects import in_plain_words
from eqspike.lab.nir.file import metadata_dt, read_graph
from eqspike.lab.nir.graph import Notes, Reader, Refused
from eqspike.lab.nir.write import METADATA
from eqspike.lab.weights import save_weights


def stored_config(graph: nir.NIRGraph) -> Config | None:
    """The config that `to_graph` left in the graph; None where another program made it."""
    text = graph.metadata.get(METADATA) if isinstance(graph.metadata, dict) else None
    if isinstance(text, bytes):
        text = text.decode()
    if text is None:
        return None
    if not isinstance(text, str):
        raise UsageProblem(f"metadata key {METADATA!r}: is no text; --config takes another config in its place")
    try:
        return config_from_text(text)
    except ConfigError as error:
        raise UsageProblem(f"metadata key {METADATA!r}: {error}; --config takes another config in its place") from None


def from_graph(
    graph: nir.NIRGraph,
    base: Config | None = None,
    dt: float | None = None,
    approximate: bool = False,
    real: bool = False,
) -> Imported:
    """The network in a graph. `base` gives what a graph does not say; without it the graph's own metadata, or the
    defaults. `real` makes it one of real numbers. Raises `Refused`, which names the node, for what the chip cannot
    represent."""
    base = base or stored_config(graph)
    dt = metadata_dt(graph) if dt is None else dt
    if not 0 < dt < math.inf:
        raise UsageProblem(f"--dt: {dt} is not valid; a number above 0")
    with np.errstate(all="ignore"):  # what is beyond all numbers is refused by the name of its node
        notes = Notes(approximate)
        graph = in_plain_words(graph, dt, notes.nearly)
        return Assembler(Reader(graph, dt, notes), base, real).network(graph)


def in_the_way(out: Path) -> str | None:
    """The file that an import into `out` would overwrite; None where there is none."""
    return next((name for name in ("config.yaml", "weights.npz") if (out / name).exists()), None)


@dataclass(frozen=True)
class Rounding:
    """By how much weights differ from what they were before they were rounded to their format."""

    most: float
    rms: float
    """Relative to the root of the weights' mean square; of the layer where it is greatest."""
    largest: float
    """The greatest difference, relative to the layer's largest weight; of the layer where it is greatest."""


def rounded(found: Imported) -> tuple[np.ndarray, ...]:
    """The weights in the config's format. Raises `Refused` where nothing is left of those of a layer."""
    network = Network(found.config)
    if network.real:
        return found.weights
    weights = [n.weight.quantise(w) for n, w in zip(network.numbers.synapses, found.weights, strict=True)]
    for layer, (whole, given) in enumerate(zip(weights, found.weights, strict=True)):
        if given.any() and not whole.any():
            most, lsb = np.abs(given).max(), network.numbers.synapses[layer].weight.lsb
            raise Refused(
                f"layer {layer} of synapses: all weights, at most {most:.3g}, round to 0 in steps of {lsb:.3g}; "
                "--real keeps them, and --dt says what a step is"
            )
    return tuple(weights)


def imported_network(found: Imported) -> Network:
    """The network itself. Raises `Refused` as `rounded` does."""
    network = Network(found.config)
    network.load_weights(rounded(found))
    return network


def rounding(found: Imported, network: Network) -> Rounding:
    """What the format costs the weights."""
    most, rms, largest = 0.0, 0.0, 0.0
    for whole, given in zip(network.real_weights(), found.weights, strict=True):
        error = np.abs(whole - given)
        most = max(most, float(error.max()))
        if given.any():
            rms = max(rms, float(np.sqrt(np.mean(error**2) / np.mean(given**2))))
            largest = max(largest, float(error.max() / np.abs(given).max()))
    return Rounding(most, rms, largest)


def save_imported(found: Imported, out: Path, network: Network | None = None) -> Network:
    """Write OUT/config.yaml and OUT/weights.npz, in the config's format; returns the network. Raises `Refused`."""
    network = network or imported_network(found)
    write_text(out / "config.yaml", config_text(found.config))
    save_weights(out / "weights.npz", found.config, network.weights)
    return network


__all__ = [
    "Imported", "Refused", "from_graph", "imported_network", "in_the_way", "read_graph", "rounding", "save_imported",
    "stored_config",
]  # fmt: skip
