"""A memristor: its curves, its chip's deviations, its pulses; a trained layer's conductances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from eqspike.lab.plots import COLOURS, new_figure


def device_parts(view: dict[str, Any]) -> list[Callable[[Any], None]]:
    """What draws each panel of a device.json on a pair of axes: dG(V), dG(G), drawn slopes and thresholds, the
    pulses of fig 3.3 and what their halves do."""

    def deviations(axis: Any, kind: str, unit: str) -> None:
        _device_histogram(axis, view["deviations"], kind)
        axis.set_title(f"{kind.capitalize()}s of the chip's devices")
        axis.set_xlabel(unit)
        axis.set_ylabel("devices")

    return [
        lambda axis: _device_voltage(axis, view["voltage"]),
        lambda axis: _device_conductance(axis, view["conductance"]),
        lambda axis: deviations(axis, "slope", "slope over the nominal one"),
        lambda axis: deviations(axis, "threshold", "volts"),
        lambda axis: _device_pulses(axis, view["pulses"]),
        lambda axis: _device_halves(axis, view["pulses"]),
    ]


def device_panels(view: dict[str, Any]) -> Figure:
    """A figure of all panels of a device.json."""
    figure, axes = new_figure(3, 2, (11, 10.5))
    for axis, draw in zip(axes.flat, device_parts(view), strict=True):
        draw(axis)
    return figure


def _device_voltage(axis: Any, curves: Sequence[dict[str, Any]]) -> None:
    for colour, curve in zip(COLOURS * 2, curves, strict=False):
        axis.plot(curve["volts"], curve["real"], color=colour, linewidth=1, label=f"layer {curve['layer']}, eq 3.2")
        fixed = curve["fixed"]
        if fixed:
            axis.plot(
                fixed["volts"], fixed["mean"], ".", color=colour, markersize=4,
                label=f"layer {curve['layer']}, fixed point, mean",
            )  # fmt: skip
            axis.vlines(fixed["volts"], fixed["least"], fixed["most"], color=colour, alpha=0.25, linewidth=2)
    axis.set_title("Change by one half-pulse at mid-range, up to a rho-bar of 1")
    axis.set_xlabel("V at the device")
    axis.set_ylabel("dG, part of Gmax - Gmin")
    axis.legend(loc="upper left")


def _device_conductance(axis: Any, curve: dict[str, Any]) -> None:
    for colour, name in zip(COLOURS, ("up", "down"), strict=False):
        axis.plot(curve["g"], curve[name], color=colour, linewidth=1, label=f"step {name}, eq 3.2")
        if curve["fixed"]:
            axis.step(curve["fixed"]["g"], curve["fixed"][name], where="mid", color=colour, linewidth=0.8, alpha=0.6,
                      label=f"step {name}, table (within {100 * curve['error_bound']:.1f} %)")  # fmt: skip
    axis.set_ylim(bottom=0)
    axis.set_title("Change against the conductance")
    axis.set_xlabel("(G - Gmin) / (Gmax - Gmin)")
    axis.set_ylabel("factor")
    axis.legend()


def _device_histogram(axis: Any, layers: Sequence[dict[str, Any]], kind: str) -> None:
    for colour, half in zip(COLOURS, ("up", "down"), strict=False):
        for entry, style in zip(layers, ("-", "--", ":", "-.") * 4, strict=False):
            found = entry["histograms"][f"{kind}_{half}"]
            edges = np.asarray(found["edges"])
            if len(edges) == 2:  # all alike
                axis.axvline(found["mean"], color=colour, linestyle=style, linewidth=1,
                             label=f"{half}, layer {entry['layer']}: {found['mean']:.4g} of all")  # fmt: skip
                continue
            label = f"{half}, layer {entry['layer']}: {found['mean']:.3g} ± {found['deviation']:.2g}"
            axis.stairs(found["counts"], edges, color=colour, linestyle=style, label=label)
    axis.legend()


def _device_pulses(axis: Any, pulses: dict[str, Any]) -> None:
    trace = {name: np.asarray(values) for name, values in pulses["trace"].items()}
    rows = (
        ("vi", "Vi: spike, then programming"),
        ("vj", "Vj: rho-bar, its sign turned"),
        ("v", "Vi - Vj at the device"),
    )
    height = 2.4 * max(float(np.abs(values).max()) for name, values in trace.items() if name != "time")
    for number, (colour, (name, label)) in enumerate(zip(COLOURS, rows, strict=False)):
        base = -number * height
        axis.axhline(base, color="#c9d0da", linewidth=0.6)
        axis.plot(trace["time"], base + trace[name], color=colour, linewidth=1.3)
        axis.text(trace["time"][0], base + 0.08 * height, label, fontsize="small", color=colour)
    for phase in pulses["phases"]:
        if phase["phase"] in ("up", "down"):
            axis.axvspan(phase["from"], phase["to"], color="#fdf1dc" if phase["phase"] == "up" else "#e9f1fb", zorder=0)
    axis.set_yticks([-number * height for number in range(len(rows))], ["0 V"] * len(rows))
    axis.set_ylim(-(len(rows) - 0.4) * height, 0.6 * height)
    axis.grid(False)
    axis.set_xlabel("ns")
    volts = max(trace["vi"])
    axis.set_title(
        f"The pulses (fig 3.3): Vth {volts:.3g} V, rho-bar {pulses['rhobar']:g} = {pulses['rhobar_volts']:.3g} V"
    )


def _device_halves(axis: Any, pulses: dict[str, Any]) -> None:
    names = [change["device"] for change in pulses["changes"]]
    bars = [(change["up"], change["down"]) for change in pulses["changes"]]
    if pulses["fixed"]:
        names.append("no deviation, fixed point (mean)")
        bars.append((pulses["fixed"]["up"], pulses["fixed"]["down"]))
    places = np.arange(len(names))
    for half, (name, colour) in enumerate((("first half, +Vth", "#d9a441"), ("second half, -Vth", COLOURS[0]))):
        axis.barh(places + 0.2 - 0.4 * half, [bar[half] for bar in bars], 0.36, color=colour, label=name)
    axis.axvline(0, color="#8a93a0", linewidth=0.8)
    axis.set_yticks(places, names, fontsize="small")
    axis.set_xlabel("dG, part of Gmax - Gmin")
    axis.ticklabel_format(axis="x", style="sci", scilimits=(-3, 3))
    axis.set_title("What the halves of that pulse do at mid-range, layer 0")
    axis.set_ylim(-0.6, len(names) + 0.3)
    axis.legend(loc="upper right", ncols=2)


def draw_conductances(axis: Any, layer: int, before: np.ndarray, after: np.ndarray, stuck: np.ndarray) -> None:
    """Conductances of a layer's devices before and after training, as parts of Gmax - Gmin; stuck ones apart."""
    bins = np.linspace(0, 1, 65)
    axis.hist(before[~stuck], bins, color="#b9c2cf", label="before")
    axis.hist(after[~stuck], bins, color=COLOURS[2], histtype="step", linewidth=1.3, label="after")
    if stuck.any():
        axis.hist(after[stuck], bins, color=COLOURS[4], label=f"stuck: {stuck.sum()}")
    axis.set_title(f"Devices of synapse layer {layer}: {before.size}")
    axis.set_xlabel("(G - Gmin) / (Gmax - Gmin)")
    axis.set_ylabel("devices")
    axis.legend()
