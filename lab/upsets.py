"""Upsets in a trained chip: what a flipped bit of weights or of state costs, by bit and place, and what learning on
brings back.

A chip is trained; then bits of one cell (`golden.upset.Cell`) flip, so many at a time, and all begins again from the
trained weights with the next cell. Weights flip between two images, so many in all. State is forgotten with the image,
so it flips so many times in each of some images, at drawn steps: those are presented once, which tells how many are
misread, and learned once, which tells what their flips leave in the weights.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eqspike.base.errors import UsageProblem
from eqspike.lab.runs import WEIGHTS, Job, Store, function_job, train_job

if TYPE_CHECKING:
    from eqspike.golden.config import Config
    from eqspike.golden.data import Split
    from eqspike.golden.network import Network
    from eqspike.golden.upset import Cell

FLIPS = (1, 10, 100, 1000)
"""Bits that flip at a time."""
LOOKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""When the accuracy is looked at again, as parts of the images learned on."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Strikes:
    """What happens to a chip after its training."""

    place: str = "weights"
    """One of `golden.upset.PLACES`."""
    flips: tuple[int, ...] = FLIPS
    images: int = 50
    """Images that state flips in."""
    learn: int = 1000
    """Images learned on, at most; each image of the training part at most once."""
    tolerance: float = 0.01
    """The accuracy is back when it is at most this much under that before."""

    def validate(self) -> None:
        """Raise `UsageProblem` for what cannot be."""
        from eqspike.golden.upset import PLACES

        if self.place not in PLACES:
            raise UsageProblem(f"--place {self.place}: allowed: {', '.join(PLACES)}")
        for count in self.flips:
            if count < 1:
                raise UsageProblem(f"--flips {count}: at least 1")
        if not 0 <= self.tolerance < 1:
            raise UsageProblem(f"--tolerance {self.tolerance:g}: a part of the images, 0 or more and less than 1")


def struck_config(config: Config) -> Config:
    """The config of the chip: on one bank, which changes no result. Raises `UsageProblem` for real numbers, which have
    no bits."""
    if config.number.format != "fixed":
        raise UsageProblem(f"{config.name}: number.format must be fixed: real numbers are no chip's bits")
    return config.replace(
        hardware=dataclasses.replace(config.hardware, banks=1, prefetch=False, eager=False), boards={}
    )


def upset_job(config: Config, strikes: Strikes) -> Job:
    """The run of one chip and one place. Its training must be stored in the same folder."""
    job = function_job(f"{__name__}:run", config, strikes)
    return dataclasses.replace(job, label=f"{strikes.place}, seed {config.training.seed}")


def run(key: str, folder: Path, config: Config, strikes: Strikes) -> dict[str, Any]:
    """The rows of one chip and place."""
    from eqspike.lab.weights import load_weights

    path = Store(folder).weights(train_job(config, WEIGHTS))
    saved = load_weights(path, config)
    return {"rows": Chip(config, strikes, saved.weights, saved.about["key"]).rows()}


class Chip:
    """A trained chip, and what it is compared with."""

    def __init__(self, config: Config, strikes: Strikes, weights: Sequence[Any], key: int) -> None:
        from eqspike.golden.data import epoch_moves, epoch_order, load_split, move
        from eqspike.golden.network import Network

        self.config, self.strikes, self.weights, self.key = config, strikes, weights, key
        self.part: Split = load_split(config)
        self.network: Network = Network(config)
        count, epoch = len(self.part.train_labels), config.training.epochs
        order = epoch_order(config, epoch, count)
        self.images = move(self.part.train_images[order], epoch_moves(config, epoch, count)[order])
        self.labels = self.part.train_labels[order]
        self._whole()
        self.before = self._accuracy()

    def rows(self) -> list[dict[str, Any]]:
        """One row for each cell and number of flips: see `row`. The seed of the flips is the chip's."""
        from eqspike.golden.upset import cells

        self.twin = None if self.strikes.place == "weights" else self._twin()
        here = [cell for cell in cells(self.config) if cell.place == self.strikes.place]
        return [self.row(cell, flips) for cell in here for flips in self.strikes.flips if flips <= self._room(cell)]

    def _room(self, cell: Cell) -> int:
        """Flips that fall at most: one a synapse, one a step of an image, one between two images."""
        from eqspike.golden.upset import BETWEEN_IMAGES, owners

        if cell.place == "weights":
            return owners(self.config, cell)
        learning = self.config.learning
        return 1 if cell.place in BETWEEN_IMAGES else learning.free_steps + learning.nudge_steps - 1

    def row(self, cell: Cell, flips: int) -> dict[str, Any]:
        """What so many flips of a cell do.

        Test accuracy `before` and `after` (of state: of the chip that learned the struck images; before is then the
        accuracy of its twin that learned them without flips), `lost` in points; `images_back`: how many images of
        further learning bring it back, 0 where it never left, None where they do not; `misread`, of state: the share of
        struck images whose prediction changed; `fallen`: flips that fell on something.
        """
        import numpy as np

        from eqspike.golden.upset import PLACES

        config = self.config
        number = list(PLACES).index(cell.place)
        generator = np.random.default_rng([config.training.seed, number, cell.layer, cell.bit, flips])
        self._whole()
        if cell.place == "weights":
            before, misread, fallen = self.before, None, self._strike_weights(cell, flips, generator)
            learned = 0
        else:
            before = self.twin["after"]
            misread, fallen = self._strike_state(cell, flips, generator)
            learned = min(self.strikes.images, len(self.labels))
        after = self._accuracy()
        back, accuracies = self._learn_on(before, after, learned)
        return {
            "config": config.name, "seed": config.training.seed, "place": cell.place, "layer": cell.layer,
            "bit": cell.bit, "flips": flips, "fallen": fallen, "before": before, "after": after,
            "lost": 100 * (before - after), "misread": misread, "images_back": back, "accuracies": accuracies,
        }  # fmt: skip

    # -----------------------------------------------------------------------------------------------------------------

    def _whole(self) -> None:
        """As trained, at the learning rates that the schedule had come to."""
        self.network.load_weights(self.weights)
        self.network.key = self.key
        self.network.set_epoch(self.config.training.epochs)
        self.network.clear_counters()

    def _accuracy(self) -> float:
        return self.network.accuracy(self.part.test_images, self.part.test_labels)

    def _twin(self) -> dict[str, Any]:
        """The chip that no bit flips in: predictions of the test images, and test accuracy after the learned ones."""
        from eqspike.golden.modes import INFER, LEARN

        count = self.strikes.images
        predictions = self.network.present_all(self.part.test_images[:count], self.part.test_labels[:count], INFER)
        self.network.present_all(self.images[:count], self.labels[:count], LEARN)
        return {"predictions": predictions[:, 0], "after": self._accuracy()}

    def _strike_weights(self, cell: Cell, flips: int, generator: Any) -> int:
        """Flip a bit of so many synapses."""
        from eqspike.golden.upset import Upset, owners, strike_between

        for index in generator.choice(owners(self.config, cell), flips, replace=False):
            strike_between(self.network, Upset(cell, 0, 0, int(index), 0))
        return flips

    def _strike_state(self, cell: Cell, flips: int, generator: Any) -> tuple[float | None, int]:
        """Present the struck images, then learn others: (the share of the first whose prediction changed, flips)."""
        from eqspike.golden.modes import INFER, LEARN
        from eqspike.golden.upset import BETWEEN_IMAGES, draw, present_struck

        config, network, count = self.config, self.network, self.strikes.images
        changed = fallen = 0
        test = zip(self.part.test_images[:count], self.part.test_labels[:count], self.twin["predictions"], strict=False)
        for image, label, prediction in test if cell.place not in BETWEEN_IMAGES else ():
            upsets = [draw(config, generator, cell) for _ in range(flips)]
            changed += present_struck(network, image, int(label), INFER, upsets).result.prediction != prediction
        for image, label in zip(self.images[:count], self.labels[:count], strict=False):
            upsets = [draw(config, generator, cell) for _ in range(flips)]
            fallen += len(present_struck(network, image, int(label), LEARN, upsets).done)
        shown = len(self.twin["predictions"])
        return (changed / shown if shown and cell.place not in BETWEEN_IMAGES else None), fallen

    def _learn_on(self, before: float, after: float, learned: int) -> tuple[int | None, list[tuple[int, float]]]:
        """Images learned on until the accuracy is back (None: it is not), and (images, accuracy) at each look."""
        if self._back(before, after):
            return 0, []
        end = min(learned + self.strikes.learn, len(self.labels))
        looks: list[tuple[int, float]] = []
        for part in LOOKS:
            until = learned + round(part * (end - learned))
            done = learned + (looks[-1][0] if looks else 0)
            self.network.learn(self.images[done:until], self.labels[done:until])
            looks.append((until - learned, self._accuracy()))
            if self._back(before, looks[-1][1]):
                return until - learned, looks
        return None, looks

    def _back(self, before: float, now: float) -> bool:
        return now >= before - self.strikes.tolerance - 1e-9


# ---------------------------------------------------------------------------------------------------------------------
# What comes of several chips


def summarise(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line for each cell and number of flips: means over the seeds of what is lost (points) and misread (share);
    `images_back` of the slowest chip, None where one did not come back."""
    from eqspike.lab.seeds import spread

    summary = []
    for place, found in _grouped(rows, ("place", "layer", "bit", "flips")):
        back = [row["images_back"] for row in found]
        misread = [row["misread"] for row in found if row["misread"] is not None]
        summary.append(
            dict(zip(("place", "layer", "bit", "flips"), place, strict=True))
            | {
                "seeds": [row["seed"] for row in found],
                "lost": spread([row["lost"] for row in found]),
                "misread": sum(misread) / len(misread) if misread else None,
                "images_back": None if None in back else max(back),
            }
        )
    return summary


def _grouped(
    rows: Sequence[dict[str, Any]], names: Sequence[str]
) -> Iterator[tuple[tuple[Any, ...], list[dict[str, Any]]]]:
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    yield from groups.items()


COLUMNS = (
    "config", "seed", "place", "layer", "bit", "flips", "fallen", "before", "after", "lost", "misread", "images_back",
)  # fmt: skip


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as CSV, under `COLUMNS`."""
    from eqspike.lab.text import csv_text

    return csv_text([COLUMNS, *([row[name] for name in COLUMNS] for row in rows)])


HEAD = ("place", "layer", "flips", "bits", "points lost, mean", "worst bit", "points lost there", "misread %", "images")


def table_rows(result: dict[str, Any]) -> list[list[str]]:
    """One line for each place, layer and number of flips, as texts under `HEAD`: the mean over the bits, the worst of
    them, the share of struck images that were misread, and how many images bring the slowest bit of them back. For the
    terminal and for docs/trust.md."""
    from eqspike.lab.text import points

    lines = []
    for (place, layer, flips), found in _grouped(result["summary"], ("place", "layer", "flips")):
        losses = [line["lost"]["mean"] for line in found]
        worst = max(found, key=lambda line: line["lost"]["mean"])
        misread = [line["misread"] for line in found if line["misread"] is not None]
        back = [line["images_back"] for line in found]
        lines.append(
            [
                place, str(layer), str(flips), str(len(found)), points(sum(losses) / len(losses)), str(worst["bit"]),
                points(worst["lost"]["mean"]), f"{100 * sum(misread) / len(misread):.1f}" if misread else "-",
                "not back" if None in back else str(max(back)),
            ]
        )  # fmt: skip
    return lines
