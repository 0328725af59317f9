"""What other programs write that means something else than NIR says, or nothing to the chip, put into NIR's words."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import nir
import numpy as np


def in_plain_words(graph: nir.NIRGraph, dt: float, nearly: Callable[[str, str], None]) -> nir.NIRGraph:
    """The graph without nodes that only change shapes, and with time constants as NIR means them."""
    nodes = {name: _norse(name, node, dt, nearly) for name, node in graph.nodes.items()}
    edges = list(dict.fromkeys(graph.edges))
    for name in [name for name, node in nodes.items() if isinstance(node, nir.Flatten)]:
        into = [a for a, b in edges if b == name]
        out_of = [b for a, b in edges if a == name]
        if name in into or not into or not out_of:
            continue
        edges = [edge for edge in edges if name not in edge]
        edges += [(a, b) for a in into for b in out_of if (a, b) not in edges]
        del nodes[name]
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata=graph.metadata, type_check=False)


def _norse(name: str, node: nir.NIRNode, dt: float, nearly: Callable[[str, str], None]) -> nir.NIRNode:
    """Norse writes tau as its step divided by the rate 1 / tau: shorter by the step in seconds. Its neurons have single
    numbers of single precision; a tau far below a step, which NIR's equations have no use for, is taken for Norse's."""
    times = ("tau_mem", "tau_syn") if isinstance(node, nir.CubaLIF) else ("tau",)
    if not isinstance(node, nir.LIF | nir.LI | nir.CubaLIF) or dt >= 1:
        return node
    found = [np.asarray(getattr(node, what)) for what in times]
    if any(t.ndim or t.dtype != np.float32 or not 2 * dt**2 <= t < 2 * dt for t in found[:1]):
        return node
    said = (
        f"{times[0]} is {float(found[0]):g}, too short for a step; taken as Norse writes it, {float(found[0]) / dt:g}"
    )
    nearly(name, said)
    return dataclasses.replace(node, **{what: t / dt for what, t in zip(times, found, strict=True)})
