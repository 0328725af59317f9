"""What the report's page shows of a trained network: what it takes for what, an image that it reads beside one that it
misreads, its weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from eqspike.base.errors import UsageProblem
from eqspike.golden.config import Config
from eqspike.golden.data import Split, load_split
from eqspike.golden.idx import DataError
from eqspike.golden.modes import INFER
from eqspike.golden.network import Network
from eqspike.lab.activity import IMAGES, LayerActivity
from eqspike.lab.configs import read_config
from eqspike.lab.figures.charts import Band, Layer, Line, Mark, line_chart, raster_chart
from eqspike.lab.figures.device import draw_conductances
from eqspike.lab.figures.network import Presentation, draw_weights, field_sheets, present_one, square
from eqspike.lab.infer import confusion_matrix
from eqspike.lab.plots import panel_svg, pixels_uri
from eqspike.lab.published import Trained, beside
from eqspike.lab.report_runs import Named, counters_table, writes_table
from eqspike.lab.resume import ENGINES
from eqspike.lab.text import LAST_MEAN
from eqspike.lab.weights import Checkpoint, load_weights

CELLS = 20
"""Classes up to which a confusion matrix is a table of numbers; above, it is a picture."""
TRIES = 10
"""Images that are presented to find one that is still misread with the skip rule off."""


def run_details(run: Named) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what the page shows of a run, the figures included; what report.json holds of it)."""
    folder, metrics = run.folder, run.metrics
    counters = counters_table(metrics)
    plain: dict[str, Any] = {"folder": str(folder), "counters": counters}
    shown: dict[str, Any] = {
        "folder": str(folder), "name": run.name, "counters": counters, "problem": None, "network": None, "writes": [],
        "command": metrics.get("command"), "versions": metrics.get("versions", {}), "published": None,
        "looked_at": IMAGES,
    }  # fmt: skip
    activity = [LayerActivity.from_dict(entry) for entry in metrics.get("layers", ())]
    shown["layers"] = plain["layers"] = [layer.to_dict() | {"warning": layer.warning} for layer in activity]
    path = folder / "config.yaml"
    shown["config_text"] = path.read_text(encoding="utf-8") if path.exists() else "no config.yaml here"
    try:
        config = read_config(str(path))
        saved = load_weights(folder / "weights.npz", config)
        weights, split = saved.weights, load_split(config, saved.encoding)
    except (UsageProblem, DataError) as error:
        shown["problem"] = plain["problem"] = f"No pictures of the network: {error}"
        return shown, plain
    shown["published"] = plain["published"] = _published(metrics, config, split)
    shown["writes"] = plain["writes"] = writes_table(metrics, config)
    if not len(split.test_labels):
        shown["problem"] = plain["problem"] = "No pictures of the network: the data set's test part is empty"
        return shown, plain
    part = Part(config, weights, split.test_images, split.test_labels)
    judged = _judge(part)
    plain |= {name: judged[name] for name in ("accuracy", "images", "part", "confusion")}
    shown["network"] = judged | {
        "confusion": _matrix(judged["confusion"], _titles(config, saved)),
        "presented": [_presented(found, judged["part"]) for found in chosen(part, judged["predictions"])],
        "signal": "The sum of the tails" if config.pulses else "rho-bar",
        **_weights(Network(config), weights),
    }
    return shown, plain


def _published(metrics: dict[str, Any], config: Config, split: Split) -> str | None:
    """What is published of the run's preset beside it; nothing of a baseline, which is another network."""
    if metrics["engine"] not in ENGINES or not metrics["epochs"]:
        return None
    own = {LAST_MEAN: metrics[LAST_MEAN], "last_test_accuracy": metrics["last_test_accuracy"]}
    epochs, limit = len(metrics["epochs"]), metrics["limit"]
    images = {"train": len(split.train_labels[:limit]), "test": len(split.test_labels)}
    return beside(
        Trained(
            config=config,
            limit=limit,
            epochs=epochs,
            accuracies={metrics["seed"]: own},
            other_images=metrics["images"] != images,
        )
    )


def _judge(part: Part) -> dict[str, Any]:
    """How the trained network judges all images."""
    config, labels = part.config, part.labels
    trained = Network(config)
    trained.load_weights(part.weights)
    predictions = trained.present_all(part.images, labels, INFER)[:, 0]
    return {
        "accuracy": float((predictions == labels).mean()),
        "images": len(labels),
        "part": config.dataset.scored_part,
        "confusion": confusion_matrix(labels, predictions, config.network.layers[-1]),
        "predictions": predictions,
    }


def _titles(config: Config, saved: Checkpoint) -> list[str]:
    """What the outputs stand for: the classes' names as far as there are any, else numbers."""
    names = saved.encoding.classes if saved.encoding else ()
    return [*names, *map(str, range(len(names), config.network.layers[-1]))]


def _matrix(matrix: np.ndarray, titles: Sequence[str]) -> dict[str, Any]:
    """The confusion matrix as cells (count, share of its row), or as a picture where there are many classes."""
    silent = bool(matrix[:, -1].any())
    shown = matrix if silent else matrix[:, :-1]
    share = shown / np.maximum(shown.sum(axis=1, keepdims=True), 1)
    head = [*titles, *(["none"] if silent else [])]
    if len(matrix) > CELLS:
        return {"picture": pixels_uri(share**0.5, "Blues", 0, 1), "head": head, "rows": []}
    rows = [
        [(int(count), round(float(part), 3)) for count, part in zip(counts, parts, strict=True)]
        for counts, parts in zip(shown, share, strict=True)
    ]
    return {"picture": None, "head": head, "rows": rows}


# ---------------------------------------------------------------------------------------------------------------------
# One image through both phases


@dataclass(frozen=True)
class Part:
    """Trained weights, and the images that they are judged on."""

    config: Config
    weights: Sequence[np.ndarray]
    images: np.ndarray
    labels: np.ndarray

    def present(self, order: np.ndarray, right: bool) -> Iterator[Presentation]:
        """Of the first images in this order, those that are read right, or misread, as they are presented here."""
        for index in order[:TRIES]:
            shown = present_one(self.config, self.weights, self.images, self.labels, int(index))
            if (shown.result.prediction == shown.label) == right:
                yield shown


def chosen(part: Part, predictions: np.ndarray) -> list[Presentation]:
    """An image that is read right, and one that is misread, of the same label if there is one; only one of both where
    there is no other."""
    wrong = next(part.present(np.flatnonzero(predictions != part.labels), False), None)
    order = np.flatnonzero(predictions == part.labels)
    if wrong is not None:
        order = order[np.argsort(part.labels[order] != wrong.label, kind="stable")]
    right = next(part.present(order, True), None)
    return [found for found in (right, wrong) if found is not None]


def _presented(shown: Presentation, part: str) -> dict[str, Any]:
    """Caption and charts of one image."""
    said = shown.result.prediction
    right = said == shown.label
    answer = "no answer" if said < 0 else f"prediction {said}"
    image = square(shown.image)
    return {
        "right": right,
        "title": "Classified correctly" if right else "Misclassified",
        "caption": f"label {shown.label}, {answer}; image {shown.index} of the {part} part",
        "picture": pixels_uri(image, "gray_r", 0, max(int(image.max()), 1)),
        "raster": _raster(shown),
        "traces": _traces(shown),
    }


def _bands(shown: Presentation) -> list[Band]:
    learning = shown.config.learning
    return [Band(start=learning.free_steps, end=learning.free_steps + learning.nudge_steps, name="nudge phase")]


def _raster(shown: Presentation) -> dict[str, Any]:
    sizes = shown.config.network.layers
    trains = np.concatenate([shown.trace.input_spikes, shown.trace.spikes], axis=1)
    edges = np.cumsum([0, *sizes])
    names = ["inputs", *(f"hidden {i}" if len(sizes) > 3 else "hidden" for i in range(1, len(sizes) - 1)), "outputs"]
    said = shown.result.prediction
    notes = [(shown.label, f"label {shown.label}" + (" \N{CHECK MARK}" if said == shown.label else ""))]
    if said >= 0 and said != shown.label:
        notes.append((said, f"said {said}"))
    layers = [
        Layer(name=name, spikes=trains[:, low:high], notes=notes if name == "outputs" else ())
        for name, low, high in zip(names, edges, edges[1:], strict=False)
    ]
    return raster_chart(layers, _bands(shown), height=110 * len(layers))


def _traces(shown: Presentation) -> list[tuple[str, dict[str, Any]]]:
    """Membrane and rho-bar of the label's output, the prediction's or the busiest other, and the busiest hidden
    neuron."""
    sizes = shown.config.network.layers
    neurons = sum(sizes[1:])
    outputs = np.arange(neurons - sizes[-1], neurons)
    busy = np.argsort(-shown.trace.spikes[:, : sizes[1]].sum(axis=0), kind="stable")[:1]
    said, label = shown.result.prediction, shown.label
    busiest = np.argsort(-shown.trace.spikes[:, outputs].sum(axis=0), kind="stable")
    rivals = [said] if said not in (-1, label) else [int(k) for k in busiest if k != label][:1]
    picked = [(outputs[label], f"output {label} (label)")]
    picked += [(outputs[k], f"output {k}" + (" (prediction)" if k == said else "")) for k in rivals]
    picked += [(n, f"hidden {n}") for n in busy]
    x = list(range(len(shown.trace.spikes)))

    def lines(values: np.ndarray, unit: float) -> list[Line]:
        return [
            Line(name=name, values=[float(v) for v in values[:, neuron] * unit], colour=colour)
            for colour, (neuron, name) in enumerate(picked)
        ]

    bands, threshold = _bands(shown), Mark(at=shown.config.neuron.threshold, name="threshold", across=True)
    membranes, signals = (
        lines(shown.trace.membrane, shown.membrane_unit),
        lines(shown.trace.integrator, shown.integrator_unit),
    )
    return [
        (
            "Membranes, after the reset of a spike",
            line_chart(x, membranes, xname="step", bands=bands, marks=[threshold]),
        ),
        ("Sum of the tails" if shown.config.pulses else "rho-bar", line_chart(x, signals, xname="step", bands=bands)),
    ]


# ---------------------------------------------------------------------------------------------------------------------
# Weights


def _weights(network: Network, trained: Sequence[np.ndarray]) -> dict[str, Any]:
    """Pictures of the weights into hidden neurons, and how the weights of each layer lie, before and after."""
    config = network.config
    before = network.real_weights()
    network.load_weights(trained)
    after = network.real_weights()
    bound, sheets = field_sheets(before[0], after[0])
    ranges = [synapse.range for synapse in config.synapses]
    pairs = list(zip(before, after, ranges, strict=True))
    found = {
        "fields": [pixels_uri(sheet, "RdBu_r", -bound, bound) for sheet in sheets],
        "field_bound": bound,
        "hidden_shown": min(before[0].shape[1], 40),
        "histograms": [
            panel_svg(partial(draw_weights, layer=s, before=b, after=a, bound=r)) for s, (b, a, r) in enumerate(pairs)
        ],
        "conductances": [],
    }
    if not config.device.ideal:  # else they say what the weights say
        stuck = [state != 0 for state in network.views(network.devices.stuck)]
        found["conductances"] = [
            panel_svg(partial(draw_conductances, layer=s, before=b / (2 * r) + 0.5, after=a / (2 * r) + 0.5, stuck=k))
            for s, ((b, a, r), k) in enumerate(zip(pairs, stuck, strict=True))
        ]
    return found
