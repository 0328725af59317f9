"""Devices of a trained chip get stuck: what that costs, and what learning on wins back.

A chip is trained with whole devices. Then each of several parts of them stays at Gmax or Gmin, whatever is written, and
the chip learns on for some epochs of the same images, in its own arithmetic and through the same devices. One run of
the laboratory is one chip: a number format and a seed.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eqspike.base.errors import UsageProblem
from eqspike.lab.runs import Job, function_job

if TYPE_CHECKING:
    from eqspike.golden.config import Config
    from eqspike.golden.network import Network

STUCK = (0.0, 0.02, 0.05, 0.1, 0.2)
"""Parts of the devices; 0 says what learning on does by itself."""
RATES = ("go on", "restart")
"""Learning rates after the fault: those that the schedule had come to, or its first ones."""
NUMBERS = ("fixed", "real")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to a chip after its training."""

    stuck: tuple[float, ...] = STUCK
    on_share: float = 0.5
    """Of the stuck devices, the part at Gmax; the others are at Gmin."""
    epochs: int = 8
    """Epochs learned with stuck devices."""
    rates: tuple[str, ...] = RATES

    def validate(self) -> None:
        """Raise `UsageProblem` for what cannot be."""
        for part in self.stuck:
            if not 0 <= part <= 1:
                raise UsageProblem(f"--stuck {part:g}: a part of the devices, 0 to 1")
        if not 0 <= self.on_share <= 1:
            raise UsageProblem(f"--on-share {self.on_share:g}: a part of the stuck devices, 0 to 1")
        if unknown := [name for name in self.rates if name not in RATES]:
            raise UsageProblem(f"--rates {unknown[0]}: allowed: {', '.join(RATES)}")


def whole_config(config: Config) -> Config:
    """The config of the chip before the fault: synapses draw one by one and weights stand in one bank, as devices that
    can be stuck need it. Raises `UsageProblem` where devices are stuck from the start, or measured."""
    if config.device.stuck_on or config.device.stuck_off or config.device.file:
        raise UsageProblem(
            f"{config.name}: device.stuck_on, stuck_off and file must be 0, 0 and null: the chip is whole at first"
        )
    synapses = tuple(
        dataclasses.replace(s, draw="synapse") if s.rounding == "stochastic" else s for s in config.synapses
    )
    return config.replace(
        synapses=synapses,
        hardware=dataclasses.replace(config.hardware, banks=1, prefetch=False, eager=False),
        boards={},
    )


def heal_job(config: Config, fault: Fault) -> Job:
    """The run of one chip. Raises `UsageProblem` as `whole_config`."""
    job = function_job(f"{__name__}:run", whole_config(config), fault)
    return dataclasses.replace(job, label=f"{config.number.format}, seed {config.training.seed}")


def run(key: str, folder: Path, config: Config, fault: Fault) -> dict[str, Any]:
    """The rows of one chip, and its test accuracy after each epoch of training."""
    scratch = folder / "partial" / key
    rows = heal(config, fault, scratch)
    metrics = json.loads((scratch / "metrics.json").read_text(encoding="utf-8"))
    return {"rows": rows, "trained": [entry["test_accuracy"] for entry in metrics["epochs"]]}


def heal(config: Config, fault: Fault, scratch: Path) -> list[dict[str, Any]]:
    """Train one chip of `config` (its seed, number format and epochs) in folder `scratch`, or go on there, then try
    each part of stuck devices and each learning rate, all from the trained weights.

    One row each: test accuracy `before` the fault, right `after` it, and in `accuracies` after each epoch of learning
    on, the last of which is `healed`; what share of the devices `stuck_share` really are; counters of the epochs.
    """
    from eqspike.golden.data import load_split
    from eqspike.golden.network import Network
    from eqspike.lab.checkpoint import train_run
    from eqspike.lab.weights import load_weights

    fault.validate()
    config = whole_config(config)
    train_run(config, scratch, resume=True)
    saved = load_weights(scratch / "weights.npz", config)
    part = load_split(config)
    whole = Network(config)
    whole.load_weights(saved.weights)
    before = whole.accuracy(part.test_images, part.test_labels)
    rows = []
    for stuck in fault.stuck:
        on = stuck * fault.on_share
        device = dataclasses.replace(config.device, stuck_on=on, stuck_off=stuck - on)
        for rates in fault.rates:
            network = Network(config.replace(device=device))
            network.load_weights(saved.weights)  # the stuck devices take weights of their own
            network.key = saved.about["key"]
            place = {
                "config": config.name, "number_format": config.number.format, "seed": config.training.seed,
                "stuck": stuck, "stuck_share": _stuck_share(network), "rates": rates, "before": before,
            }  # fmt: skip
            rows.append(place | _learn_on(network, part, fault.epochs, restart=rates == "restart"))
    return rows


def _stuck_share(network: Network) -> float:
    import numpy as np

    from eqspike.golden.device_section import FREE

    held = sum(np.count_nonzero(layer != FREE) for layer in network.views(network.devices.stuck))
    return int(held) / sum(weights.size for weights in network.weights)


def _learn_on(network: Network, part: Any, epochs: int, restart: bool) -> dict[str, Any]:
    """Accuracy now and after each epoch that the network learns on, and what it counted."""
    from eqspike.golden.data import epoch_moves, epoch_order, move
    from eqspike.lab.train import add_counters

    config = network.config
    count, trained = len(part.train_labels), config.training.epochs
    after, accuracies, counters = network.accuracy(part.test_images, part.test_labels), [], {}
    for epoch in range(trained, trained + epochs):
        network.set_epoch(0 if restart else epoch)
        order, moves = epoch_order(config, epoch, count), epoch_moves(config, epoch, count)
        network.clear_counters()
        network.learn(move(part.train_images[order], moves[order]), part.train_labels[order])
        counters = add_counters(counters, network.counter_values())
        accuracies.append(network.accuracy(part.test_images, part.test_labels))
    return {
        "after": after, "healed": accuracies[-1] if accuracies else after, "accuracies": accuracies,
        "counters": counters,
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# What comes of several chips


def summarise(configs: Sequence[Config], fault: Fault, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over the seeds for each number format, part stuck and learning rate; accuracies are shares, what is lost
    are points."""
    from eqspike.lab.seeds import spread

    summary = []
    for number in dict.fromkeys(config.number.format for config in configs):
        for stuck in fault.stuck:
            for rates in fault.rates:
                place = (number, stuck, rates)
                found = [row for row in rows if (row["number_format"], row["stuck"], row["rates"]) == place]
                summary.append(
                    {
                        "number_format": number,
                        "stuck": stuck,
                        "rates": rates,
                        "seeds": [row["seed"] for row in found],
                        **{name: spread([row[name] for row in found]) for name in ("before", "after", "healed")},
                        "lost": spread([100 * (row["before"] - row["after"]) for row in found]),
                        "lost_for_good": spread([100 * (row["before"] - row["healed"]) for row in found]),
                    }
                )
    return summary


COLUMNS = ("config", "number_format", "seed", "stuck", "stuck_share", "rates", "before", "after", "healed")


def as_csv(rows: Sequence[dict[str, Any]], epochs: int) -> str:
    """The rows as CSV: `COLUMNS`, then the accuracy after each epoch of learning on."""
    from eqspike.lab.text import csv_text

    head = [*COLUMNS, *(f"epoch_{n + 1}" for n in range(epochs))]
    return csv_text([head, *([*(row[name] for name in COLUMNS), *row["accuracies"]] for row in rows)])


HEAD = ("numbers", "stuck", "rates", "seeds", "before %", "right after %", "healed %", "points lost for good")


def table_rows(result: dict[str, Any]) -> list[list[str]]:
    """The summary as texts, under `HEAD`."""
    from eqspike.lab.text import points, share

    return [
        [
            line["number_format"], f"{100 * line['stuck']:g} %", line["rates"], str(len(line["seeds"])),
            *(share(line[name]) for name in ("before", "after", "healed")), points(line["lost_for_good"]["mean"]),
        ]
        for line in result["summary"]
    ]  # fmt: skip
