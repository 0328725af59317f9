"""The crossbar's signals in the RTL, clock by clock."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from eqspike.lab.plots import COLOURS, new_figure


def timing_panels(timing: dict[str, Any]) -> Figure:
    """Digital waveforms of `cocotb_tests.timing.record`: one panel a case, with the switches of fig 3.5 by their role.
    What belongs to the case's operation is shaded; the rest belongs to its neighbours."""
    panels = timing["cases"]
    height = 0.42 * len(_timing_rows(panels[0])) + 1.3
    figure, axes = new_figure(1, len(panels), (4.4 + 3.9 * (len(panels) - 1), height), sharey=True)
    for axis, case in zip(axes[0], panels, strict=True):
        _timing_case(axis, case)
    names = [name for name, _, _ in _timing_rows(panels[0])]
    axes[0, 0].set_yticks([-row + 0.35 for row in range(len(names))], names, fontsize=8)
    axes[0, 0].set_ylim(-len(names) + 0.75, 1)
    figure.suptitle(
        f"The crossbar's switches in the RTL, clock by clock ({'-'.join(map(str, timing['layers']))}, "
        f"{timing['lanes']} lanes, devices of {timing['config']}; recorded on Icarus)"
    )
    return figure


def _timing_rows(case: dict[str, Any]) -> list[tuple[str, str, list[Any]]]:
    """(name, kind, a value a cycle): `bit`, or `bus` with texts ("" for nothing to show)."""
    cycles = case["cycles"]
    lanes = len(cycles[0]["rhobar"])

    def bits(name: str) -> list[int]:
        return [int(c[name] != 0) for c in cycles]

    def each(mask: int) -> str:
        return ",".join(str(lane) for lane in range(lanes) if mask >> lane & 1)

    pair = [c["kind"] == "PAIR" for c in cycles]
    row = [c["kind"] == "ROW" for c in cycles]
    return [
        ("operation in stage E", "bus", ["" if c["kind"] == "NOP" else c["kind"] for c in cycles]),
        ("spike of a neuron below: its row", "bit", [int(r) for r in row]),
        ("spikes of the lanes' neurons", "bus",
         [each(c["spikes_lanes"]) if p else "" for c, p in zip(cycles, pair, strict=True)]),
        ("spike of the neuron above", "bit", [c["spike_above"] * p for c, p in zip(cycles, pair, strict=True)]),
        ("CG, lanes: communication pulse arrives", "bit", bits("cg_lanes")),
        ("CG, above: communication pulses arrive", "bit", bits("cg_above")),
        ("CCII up: pulse to the layer above", "bit", bits("ccii_up")),
        ("CCII down: pulse to the layer below", "bit", bits("ccii_down")),
        ("PG, lanes: other side programs", "bit", bits("pg_lanes")),
        (r"$\bar\rho$ on the lanes' lines (LSB)", "bus",
         ["\n".join(map(str, c["rhobar"])) if c["pg_lanes"] else "" for c in cycles]),
        ("PG, above: these lanes program", "bus", [each(c["pg_above"]) for c in cycles]),
        (r"$\bar\rho$ on the line above (LSB)", "bus",
         [str(c["rhobar_above"]) if c["pg_above"] else "" for c in cycles]),
        ("word written, at its address", "bus", ["" if c["write"] is None else str(c["write"]) for c in cycles]),
    ]  # fmt: skip


def _timing_case(axis: Any, case: dict[str, Any]) -> None:
    count, at, write = len(case["cycles"]), case["at"], case["write"]
    rows = _timing_rows(case)
    bottom = -len(rows) + 0.75
    axis.axvspan(at, at + 1, color="#fdf1dc", zorder=0)
    if write is not None:
        axis.fill_between([write, write + 1], bottom, bottom + 1, color="#fdf1dc", zorder=0)
        axis.annotate("", (write + 0.5, bottom + 1.05), (at + 0.98, bottom + 1.05),
                      arrowprops={"arrowstyle": "->", "color": "#8a93a0", "linewidth": 1})  # fmt: skip
    edges = np.arange(count + 1)
    for number, (_, kind, values) in enumerate(rows):
        base = -number
        if kind == "bit":
            x, level = np.repeat(edges, 2)[1:-1], base + 0.7 * np.repeat(values, 2)
            own = slice(2 * at, 2 * at + 2)
            axis.plot(x, level, color="#9fb3cc", linewidth=1)
            axis.fill_between(x, base, level, color="#9fb3cc", alpha=0.15, linewidth=0)
            axis.fill_between(x[own], base, level[own], color=COLOURS[0], alpha=0.35, linewidth=0)
            axis.plot(x[own], level[own], color=COLOURS[0], linewidth=1.8)
            continue
        for cycle, text in enumerate(values):
            own = cycle == (write if number == len(rows) - 1 else at)
            colour = COLOURS[0] if own else "#9fb3cc"
            if not text:
                axis.plot([cycle, cycle + 1], [base + 0.35] * 2, color="#c9d0da", linewidth=0.8)
                continue
            x = cycle + np.array([0, 0.1, 0.9, 1, 0.9, 0.1, 0])
            y = base + np.array([0.35, 0.7, 0.7, 0.35, 0, 0, 0.35])
            axis.fill(x, y, facecolor="#dbe7f5" if own else "#f4f7fb", edgecolor=colour, linewidth=1)
            size = 5 if "\n" in text else 7 if len(text) <= 4 else 5.5
            axis.text(cycle + 0.5, base + 0.33, text, fontsize=size, ha="center", va="center", linespacing=0.95,
                      color="#1f2733" if own else "#6b7280")  # fmt: skip
    axis.set_xlim(0, count)
    axis.set_xticks(edges)
    axis.set_xticklabels([str(edge - at) for edge in edges], fontsize=7)
    axis.grid(axis="y", visible=False)
    axis.set_xlabel("clock cycles; 0: the word stands at stage E")
    axis.set_title(case["title"], fontsize=8.5)
    axis.tick_params(axis="y", length=0)
