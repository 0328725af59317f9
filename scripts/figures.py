"""The figures of the report, each from data alone; `scripts.report` gathers the data."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from golden.config import Config
from golden.network import LEARN, Network, Result, Trace
from scripts.plots import COLOURS, new_figure


class Presentation(NamedTuple):
    """One image through both phases, with the state after every step."""

    config: Config
    index: int
    image: np.ndarray
    label: int
    result: Result
    trace: Trace
    membrane_unit: float
    integrator_unit: float


def present_one(
    config: Config, weights: Sequence[np.ndarray], images: np.ndarray, labels: np.ndarray, index: int
) -> Presentation:
    """Present image `index` to a network with `weights`; the skip rule is off, so that the nudge phase can be seen."""
    import dataclasses

    config = config.replace(learning=dataclasses.replace(config.learning, skip_tolerance=None))
    network = Network(config)
    network.load_weights(weights)
    trace = network.empty_trace(config.learning.free_steps + config.learning.nudge_steps)
    result = network.present(images[index], int(labels[index]), LEARN, trace)
    units = (1.0, 1.0) if network.real else (network.numbers.membrane.lsb, network.numbers.rate.lsb)
    return Presentation(config, index, images[index], int(labels[index]), result, trace, *units)


def learning_curves(runs: Sequence[tuple[str, dict[str, Any]]]) -> Figure:
    """Accuracy against epochs of (name, metrics): test and train, one colour a run; several seeds share a colour."""
    figure, axes = new_figure(1, 2, (10, 3.6))
    colours: dict[str, str] = {}
    for name, metrics in runs:
        entries = metrics["epochs"]
        if not entries:
            continue
        new = name not in colours
        colour = colours.setdefault(name, COLOURS[len(colours) % len(COLOURS)])
        epochs = [entry["epoch"] for entry in entries]
        style: dict[str, Any] = {"color": colour, "linewidth": 1.3, "marker": "o" if len(epochs) == 1 else None}
        axes[0, 0].plot(
            epochs,
            _percent(entries, "test_accuracy"),
            label=f"{name}, {metrics['test_part']}" if new else None,
            **style,
        )
        axes[0, 0].plot(
            epochs, _percent(entries, "train_accuracy"), ":", label=f"{name}, train" if new else None, **style
        )
        axes[0, 1].plot(
            epochs, _percent(entries, "first_spike_test_accuracy"),
            label=f"{name}, first spike" if new else None, **style,
        )  # fmt: skip
        axes[0, 1].plot(
            epochs, _percent(entries, "nudged_fraction"), "--", label=f"{name}, nudged" if new else None, **style
        )
    axes[0, 0].set_title("Accuracy by rate")
    axes[0, 1].set_title("First-spike accuracy, images that needed the nudge phase")
    for axis in axes[0]:
        axis.set_xlabel("epoch")
        axis.set_ylabel("%")
        if axis.has_data():
            axis.legend()
    return figure


def _percent(entries: Sequence[dict[str, Any]], key: str) -> list[float]:
    return [np.nan if entry.get(key) is None else 100 * entry[key] for entry in entries]


def confusion(matrix: np.ndarray) -> Figure:
    """The matrix as a map: rows labels, columns predictions; the last column is no answer."""
    silent = bool(matrix[:, -1].any())
    shown = matrix if silent else matrix[:, :-1]
    classes = len(matrix)
    figure, axes = new_figure(1, 1, (4.6, 4.2))
    axis = axes[0, 0]
    axis.grid(False)
    strength = shown / np.maximum(shown.sum(axis=1, keepdims=True), 1)
    axis.imshow(strength**0.5, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    if classes <= 20:
        for (row, column), count in np.ndenumerate(shown):
            if count:
                colour = "white" if strength[row, column] > 0.3 else "#333b47"
                axis.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    ticks = [*range(classes)]
    axis.set_xticks([*ticks, classes] if silent else ticks, [*map(str, ticks), "none"] if silent else None)
    axis.set_yticks(ticks)
    axis.set_xlabel("prediction")
    axis.set_ylabel("label")
    axis.set_title("Confusion matrix")
    return figure


def raster(shown: Presentation) -> Figure:
    """Every spike of the image, inputs at the bottom, outputs at the top; beside it the image."""
    layers = shown.config.network.layers
    trains = np.concatenate([shown.trace.input_spikes, shown.trace.spikes], axis=1)
    figure, axes = new_figure(1, 2, (11, 5.2), gridspec_kw={"width_ratios": [5, 1]})
    axis, picture = axes[0]
    edges = np.cumsum([0, *layers])
    centres = []
    for number, (low, high) in enumerate(pairwise(edges)):
        steps, neurons = np.nonzero(trains[:, low:high])
        # every layer gets the same height, or a layer of 10 outputs would be a line beside 784 inputs
        axis.plot(
            steps, number + (neurons + 0.5) / (high - low) * 0.92, "|", color=COLOURS[number % len(COLOURS)],
            markersize=max(1.2, min(7.0, 120 / (high - low))), markeredgewidth=0.7,
        )  # fmt: skip
        centres.append(number + 0.46)
    names = ["inputs", *(f"hidden {i}" if len(layers) > 3 else "hidden" for i in range(1, len(layers) - 1)), "outputs"]
    axis.set_yticks(centres, [f"{name}\n({size})" for name, size in zip(names, layers, strict=True)])
    axis.grid(False)
    _phases(axis, shown)
    axis.set_xlim(0, len(trains))
    axis.set_xlabel("step")
    axis.set_title(f"Spikes of one image (label {shown.label}, prediction {shown.result.prediction})")
    picture.grid(False)
    picture.imshow(_square(shown.image), cmap="gray_r")
    picture.set_xticks([])
    picture.set_yticks([])
    picture.set_title(f"image {shown.index}")
    return figure


def _phases(axis: Any, shown: Presentation) -> None:
    start = shown.config.learning.free_steps
    axis.axvspan(start, start + shown.config.learning.nudge_steps, color="#fdf1dc", zorder=0)
    axis.axvline(start, color="#d9a441", linewidth=0.8)
    axis.annotate("nudge phase", (start, 1), xytext=(4, -10), textcoords="offset points",
                  xycoords=("data", "axes fraction"), fontsize=8, color="#a8741a")  # fmt: skip


def traces(shown: Presentation) -> Figure:
    """Membrane and rho-bar of the label's output, another output and the two busiest hidden neurons."""
    layers = shown.config.network.layers
    neurons = sum(layers[1:])
    outputs = np.arange(neurons - layers[-1], neurons)
    busy = np.argsort(-shown.trace.spikes[:, : layers[1]].sum(axis=0), kind="stable")[: min(2, layers[1])]
    rivals = [k for k in np.argsort(-shown.trace.spikes[:, outputs].sum(axis=0), kind="stable") if k != shown.label]
    chosen = [(outputs[shown.label], f"output {shown.label} (label)")]
    chosen += [(outputs[k], f"output {k}") for k in rivals[:1]]
    chosen += [(n, f"hidden {n}") for n in busy]
    figure, axes = new_figure(2, 1, (10, 5.4), sharex=True)
    for colour, (neuron, name) in zip(COLOURS, chosen, strict=False):
        membrane = shown.trace.membrane[:, neuron] * shown.membrane_unit
        axes[0, 0].plot(membrane, color=colour, linewidth=0.9, label=name)
        axes[1, 0].plot(
            shown.trace.integrator[:, neuron] * shown.integrator_unit, color=colour, linewidth=1.1, label=name
        )
    axes[0, 0].axhline(shown.config.neuron.threshold, color="#8a93a0", linewidth=0.8, linestyle=":")
    axes[0, 0].set_title("Membrane (after the reset of a spike)")
    axes[1, 0].set_title("rho-bar: what the other side's spikes add to the weight, times the learning rate")
    axes[1, 0].set_xlabel("step")
    for axis in axes[:, 0]:
        _phases(axis, shown)
        axis.margins(x=0)
    axes[0, 0].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _square(vector: np.ndarray) -> np.ndarray:
    """A vector as a square picture where its length allows, else as a row."""
    side = round(len(vector) ** 0.5)
    return vector.reshape(side, side) if side * side == len(vector) else vector[None, :]


def receptive_fields(before: np.ndarray, after: np.ndarray, limit: int = 40) -> Figure:
    """The weights into each hidden neuron (bias left out) as a picture, before and after training."""
    count = min(before.shape[1], limit)
    columns = min(count, 8)
    bound = max(float(np.abs(before).max()), float(np.abs(after).max()), 1e-9)
    sheets = [_contact_sheet([_square(w[:-1, n]) for n in range(count)], columns) for w in (before, after)]
    figure, axes = new_figure(1, 2, (11, 0.5 + 5.4 * sheets[0].shape[0] / sheets[0].shape[1]))
    for axis, sheet, title in zip(axes[0], sheets, ("before", "after"), strict=True):
        axis.axis("off")
        axis.imshow(sheet, cmap="RdBu_r", vmin=-bound, vmax=bound, interpolation="nearest")
        axis.set_title(f"Weights into hidden neurons {title} training (red +{bound:.2g}, blue -{bound:.2g})")
    return figure


def _contact_sheet(pictures: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Pictures of one size in rows, blank lines between them."""
    height, width = (size + 1 for size in pictures[0].shape)
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * height - 1, columns * width - 1), np.nan)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        top, left = row * height, column * width
        sheet[top : top + height - 1, left : left + width - 1] = picture
    return sheet


def histograms(before: Sequence[np.ndarray], after: Sequence[np.ndarray], ranges: Sequence[float]) -> Figure:
    """Weights of each layer of synapses before and after training, over the layer's range."""
    figure, axes = new_figure(1, len(before), (5 * len(before), 2.9))
    for index, axis in enumerate(axes[0]):
        bins = np.linspace(-ranges[index], ranges[index], 81)
        axis.hist(before[index].ravel(), bins, color="#b9c2cf", label="before")
        axis.hist(after[index].ravel(), bins, color=COLOURS[0], histtype="step", linewidth=1.3, label="after")
        axis.set_title(f"Synapse layer {index}: {before[index].shape[0]} x {before[index].shape[1]}")
        axis.set_xlabel("weight")
        axis.set_ylabel("synapses")
        axis.legend()
    return figure


def sweep_panels(summary: dict[str, Any], columns: int = 3) -> Figure:
    """Accuracy of a sweep's rows, one panel a group: points with the seeds' deviation, open diamonds the thesis's."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in summary["rows"]:
        groups.setdefault(row["group"], []).append(row)
    columns = min(columns, len(groups))
    lines = -(-len(groups) // columns)
    figure, axes = new_figure(lines, columns, (4.3 * columns, 3.3 * lines))
    means = {row["name"]: row["accuracy"]["mean"] for row in summary["rows"]}
    for axis, (group, rows) in zip(axes.ravel(), groups.items(), strict=False):
        _sweep_panel(axis, rows, means)
        axis.set_title(group or summary["title"])
        axis.set_ylabel(f"{summary['test_part']} accuracy, %")
        if group in summary["xlabels"]:
            axis.set_xlabel(summary["xlabels"][group])
    for axis in axes.ravel()[len(groups) :]:
        axis.axis("off")
    return figure


def _sweep_panel(axis: Any, rows: Sequence[dict[str, Any]], means: dict[str, float | None]) -> None:
    series: dict[str, list[tuple[float, dict[str, Any]]]] = {}
    placed = all(row["x"] is not None for row in rows)
    for at, row in enumerate(rows):
        series.setdefault(row["series"], []).append((row["x"] if placed else at, row))
    for colour, (name, points) in zip(COLOURS * 2, series.items(), strict=False):
        done = sorted(((x, row) for x, row in points if row["accuracy"]["mean"] is not None), key=lambda p: p[0])
        axis.errorbar(
            [x for x, _ in done],
            [100 * row["accuracy"]["mean"] for _, row in done],
            [100 * (row["accuracy"]["standard_deviation"] or 0) for _, row in done],
            fmt="o-" if placed and len(done) > 1 else "o", color=colour, markersize=4, linewidth=1.1, capsize=2,
            label=name or None,
        )  # fmt: skip
        told = [(x, value) for x, row in points if (value := _thesis_accuracy(row, means)) is not None]
        axis.plot(*zip(*told, strict=True) if told else ([], []), "D", color=colour, markersize=6, fillstyle="none")
    places = sorted({x for points in series.values() for x, _ in points})
    if placed and places[0] > 0 and places[-1] / places[0] > 20:
        axis.set_xscale("log")
    if not placed:
        axis.set_xticks(range(len(rows)), [row["name"] for row in rows], rotation=40, ha="right", fontsize=7)
    if any(series):
        axis.legend(loc="lower left")


def _thesis_accuracy(row: dict[str, Any], means: dict[str, float | None]) -> float | None:
    """The thesis's value as an accuracy in percent, a loss being counted from this sweep's reference row."""
    thesis = row["thesis"] or {}
    if thesis.get("kind") == "accuracy":
        return thesis["value"]
    base = means.get(row["reference"])
    return 100 * base - thesis["value"] if thesis.get("kind") == "loss" and base is not None else None


def device_panels(view: dict[str, Any]) -> Figure:
    """A device.json: dG(V), dG(G), drawn slopes and thresholds, the pulses of fig 3.3 and what their halves do."""
    figure, axes = new_figure(3, 2, (11, 10.5))
    _device_voltage(axes[0, 0], view["voltage"])
    _device_conductance(axes[0, 1], view["conductance"])
    for axis, kind, unit in ((axes[1, 0], "slope", "slope over the nominal one"), (axes[1, 1], "threshold", "volts")):
        _device_histogram(axis, view["deviations"], kind)
        axis.set_title(f"{kind.capitalize()}s of the chip's devices")
        axis.set_xlabel(unit)
        axis.set_ylabel("devices")
    _device_pulses(axes[2, 0], view["pulses"])
    _device_halves(axes[2, 1], view["pulses"])
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
        axis.text(trace["time"][0], base + 0.08 * height, label, fontsize=8, color=colour)
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
    axis.set_yticks(places, names, fontsize=8)
    axis.set_xlabel("dG at mid-range, layer 0, part of Gmax - Gmin")
    axis.ticklabel_format(axis="x", style="sci", scilimits=(-3, 3))
    axis.set_title("What the halves of that pulse do")
    axis.set_ylim(-0.6, len(names) + 0.3)
    axis.legend(loc="upper right", ncols=2)


def conductances(before: Sequence[np.ndarray], after: Sequence[np.ndarray], stuck: Sequence[np.ndarray]) -> Figure:
    """Conductances of each layer's devices before and after training, as parts of Gmax - Gmin; stuck ones apart."""
    figure, axes = new_figure(1, len(before), (5 * len(before), 2.9))
    bins = np.linspace(0, 1, 65)
    for index, axis in enumerate(axes[0]):
        free = ~stuck[index]
        axis.hist(before[index][free], bins, color="#b9c2cf", label="before")
        axis.hist(after[index][free], bins, color=COLOURS[2], histtype="step", linewidth=1.3, label="after")
        if stuck[index].any():
            axis.hist(after[index][stuck[index]], bins, color=COLOURS[4], label=f"stuck: {stuck[index].sum()}")
        axis.set_title(f"Devices of synapse layer {index}: {before[index].size}")
        axis.set_xlabel("(G - Gmin) / (Gmax - Gmin)")
        axis.set_ylabel("devices")
        axis.legend()
    return figure


# ---------------------------------------------------------------------------------------------------------------------
# Timing of the crossbar


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
