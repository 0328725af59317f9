"""A network and its training: accuracy, spikes, membranes, weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

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
    picture.imshow(square(shown.image), cmap="gray_r")
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


def square(vector: np.ndarray) -> np.ndarray:
    """A vector as a square picture where its length allows, else as a row."""
    side = round(len(vector) ** 0.5)
    return vector.reshape(side, side) if side * side == len(vector) else vector[None, :]


def receptive_fields(before: np.ndarray, after: np.ndarray, limit: int = 40) -> Figure:
    """The weights into each hidden neuron (bias left out) as a picture, before and after training."""
    bound, sheets = field_sheets(before, after, limit)
    figure, axes = new_figure(1, 2, (11, 0.5 + 5.4 * sheets[0].shape[0] / sheets[0].shape[1]))
    for axis, sheet, title in zip(axes[0], sheets, ("before", "after"), strict=True):
        axis.axis("off")
        axis.imshow(sheet, cmap="RdBu_r", vmin=-bound, vmax=bound, interpolation="nearest")
        axis.set_title(f"Weights into hidden neurons {title} training (red +{bound:.2g}, blue -{bound:.2g})")
    return figure


def field_sheets(before: np.ndarray, after: np.ndarray, limit: int = 40) -> tuple[float, list[np.ndarray]]:
    """The largest weight, and a sheet of the first hidden neurons' pictures before and after training; NaN between."""
    count = min(before.shape[1], limit)
    bound = max(float(np.abs(before).max()), float(np.abs(after).max()), 1e-9)
    pictures = ([square(w[:-1, n]) for n in range(count)] for w in (before, after))
    return bound, [_contact_sheet(each, min(count, 8)) for each in pictures]


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


def draw_weights(axis: Any, layer: int, before: np.ndarray, after: np.ndarray, bound: float) -> None:
    """Weights of one layer of synapses before and after training, over the layer's range."""
    bins = np.linspace(-bound, bound, 81)
    axis.hist(before.ravel(), bins, color="#b9c2cf", label="before")
    axis.hist(after.ravel(), bins, color=COLOURS[0], histtype="step", linewidth=1.3, label="after")
    axis.set_title(f"Synapse layer {layer}: {before.shape[0]} x {before.shape[1]}")
    axis.set_xlabel("weight")
    axis.set_ylabel("synapses")
    axis.legend()
