"""A network and its training: accuracy, spikes, membranes, weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from eqspike.base.printable import cut
from eqspike.golden.config import Config
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network, Result
from eqspike.golden.state import Trace
from eqspike.lab.plots import COLOURS, new_figure


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


def confusion(matrix: np.ndarray, names: Sequence[str] = ()) -> Figure:
    """The matrix as a map: rows labels, columns predictions; the last column is no answer. Outputs without a name among
    `names`, or with letters that the font may not have, have their number."""
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
    titles = [cut(names[k], 12).replace("$", r"\$") if k < len(names) and names[k].isascii() else str(k) for k in ticks]
    axis.set_xticks([*ticks, classes] if silent else ticks, [*titles, "none"] if silent else titles)
    axis.set_yticks(ticks, titles)
    if max(map(len, titles)) > 4:
        axis.tick_params(axis="x", rotation=45)
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
