"""A NIR graph out of a file that another program wrote, of which only what a graph needs is taken."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nir
import numpy as np

from eqspike.base.errors import UsageProblem
from eqspike.base.printable import cut, shown
from eqspike.base.reading import open_regular
from eqspike.lab.nir import contents
from eqspike.lab.nir.contents import Unfit

NEURONS = ("LIF", "IF", "LI", "I")


def read_graph(path: Path) -> nir.NIRGraph:
    """The graph in a file. Raises `UsageProblem`, one line, when there is none."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise UsageProblem(f"{path}: cannot be read: no such file") from None
    except OSError as error:
        raise UsageProblem(f"{path}: cannot be read: {error.strerror}") from None
    with _told(path):
        data = contents.read(path, size)
        if data.get("type") != "NIRGraph":
            raise Unfit(f"holds a single {cut(str(data.get('type')), 40)}")
        graph = _graph(data)
        graph.validate_structure()
        _add_ends(graph)
    return graph


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """h5py and nir raise what they trip over."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        said = cut(" ".join(str(error).split()) or type(error).__name__, 200)
        raise UsageProblem(f"{path}: is not a NIR graph: {said}") from None


def _graph(data: dict[str, Any]) -> nir.NIRGraph:
    """The graph in a file's contents. Its nodes are made one by one, so that the one that cannot be made is named."""
    nodes = {}
    for name, node in dict(data.get("nodes", {})).items():
        try:
            nodes[name] = nir.dict2NIRNode(_alike(node))
        except Exception as error:  # assertions, keys that are missing or too many
            said = cut(" ".join(str(error).split()) or type(error).__name__, 150)
            raise Unfit(f"node {cut(name, 60)!r}: {said}") from None
    edges = [(str(a), str(b)) for a, b in data["edges"]]
    return nir.NIRGraph(nodes, edges, metadata=data.get("metadata", {}), type_check=False)


def _alike(node: dict[str, Any]) -> dict[str, Any]:
    """A neuron's parameters in one shape: a single number beside others is that of all neurons."""
    if node.get("type") not in NEURONS:
        return node
    shape = max((np.shape(value) for key, value in node.items() if key not in ("type", "metadata")), key=np.prod)
    single = {key for key, value in node.items() if isinstance(value, np.ndarray | np.generic) and value.size == 1}
    return node | {key: np.broadcast_to(np.ravel(node[key])[0], shape) for key in single}


def _add_ends(graph: nir.NIRGraph) -> None:
    """Give a graph that has neither an input nor an output one each: some programs leave them out."""
    into, out_of = {b for _, b in graph.edges}, {a for a, _ in graph.edges}
    nodes = dict(graph.nodes)
    for name, node in nodes.items():
        if (
            name not in into
            and isinstance(node, nir.Linear | nir.Affine)
            and not graph.inputs
            and node.weight.ndim == 2
        ):
            graph.nodes["input"] = nir.Input(input_type={"input": np.array([node.weight.shape[1]])})
            graph.edges.append(("input", name))
        elif name not in out_of and isinstance(node, nir.LIF | nir.IF | nir.Threshold) and not graph.outputs:
            size = np.size(node.threshold if isinstance(node, nir.Threshold) else node.r)
            graph.nodes["output"] = nir.Output(output_type={"output": np.array([size])})
            graph.edges.append((name, "output"))


def metadata_dt(graph: nir.NIRGraph) -> float:
    """The step that the graph's metadata name, 1 where they name none. Raises `UsageProblem`."""
    if "dt" not in graph.metadata:
        return 1.0
    value = graph.metadata["dt"]
    number = value.item() if isinstance(value, np.ndarray | np.generic) and np.size(value) == 1 else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < float("inf"):
        said = shown(number.tolist() if isinstance(number, np.ndarray) else number)
        raise UsageProblem(f"metadata key 'dt': {said} is not valid; a number above 0, or --dt in its place")
    return float(number)
