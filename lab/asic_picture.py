"""`eqspike asic --picture`: one component of a network's circuit, placed, routed and drawn."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from eqspike.asic.core import build
from eqspike.asic.layout import cell_sizes, read_layout
from eqspike.asic.library import read_library
from eqspike.asic.place import place_and_route
from eqspike.asic.tools import Tools
from eqspike.base import tools as base
from eqspike.base.errors import CommandError
from eqspike.base.files import write_json, write_text
from eqspike.base.locks import locked
from eqspike.golden.config import Config
from eqspike.lab.asic import DEFAULT_LIBRARY, neuron_parts
from eqspike.lab.configs import in_fixed_point
from eqspike.lab.figures.layout import layout_picture
from eqspike.lab.plots import save_png

COMPONENTS = ("lif", "signal", "lane")
"""A LIF neuron; what its synapses are programmed by (a rho-bar block, or tails of pulses); both, with a pipeline."""


def run_picture(config: Config, name: str, out: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Write OUT/NAME.png, NAME.def and NAME.json; what NAME.json holds.

    Raises `ToolMissing`; `FlowFailed` where a net is not routed.
    """
    in_fixed_point(config)
    library = read_library(base.qflow_file(DEFAULT_LIBRARY))
    component: wiring.Component = neuron_parts(config)[name]
    with locked(out), tempfile.TemporaryDirectory(prefix=".scratch-", dir=out) as scratch:
        tools = Tools(folder=Path(scratch).resolve(), out=out)
        netlist = build(component, tools, library, say).netlist
        say("place and route")
        text = place_and_route(tools, netlist)
        try:
            layout = read_layout(text)
        except ValueError as error:
            raise CommandError(f"asic: the layout of {name}: {error}") from None
        result = {
            "kind": "asic-layout", "config": config.name, "component": name, "cells": len(layout.cells),
            "width_um": round(layout.width, 2), "height_um": round(layout.height, 2),
            "wire_um": round(layout.length, 1),
        }  # fmt: skip
        parts = {
            kind: "flip-flops" if cell.state == "ff" else "buffers" if cell.is_buffer() else "logic"
            for kind, cell in library.cells.items()
        }
        sizes = cell_sizes(base.qflow_file("osu018_stdcells.lef").read_text(encoding="utf-8", errors="replace"))
        title = f"{name} of {config.name}: {len(layout.cells)} cells, {layout.width:.0f} x {layout.height:.0f} um"
        save_png(layout_picture(layout, sizes, parts, title), out / f"{name}.png", dpi=110)
        write_text(out / f"{name}.def", text)
        write_json(out / f"{name}.json", result)
    return result


__all__ = ["COMPONENTS", "run_picture"]
