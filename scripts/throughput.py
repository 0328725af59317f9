"""`eqspike throughput`: images a second on a board, from cycles measured in Verilator on real images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scripts.errors import UsageProblem
from scripts.options import config_options, for_simulator, read_config

if TYPE_CHECKING:
    import numpy as np

    from golden.config import Config


def _measure(
    engine: Any, images: np.ndarray, labels: np.ndarray, mode: int, weights: Any, key: int, epoch: int
) -> dict[str, Any]:
    """Cycles an image, where they go, and rows a cycle."""
    count = len(labels)
    import numpy as np

    report = engine.present(images, labels, [mode] * count, weights, key, epoch)
    measured, total = report["measured"], report["elapsed_cycles"]
    rows = sum(measured["rows"])
    nudged = report["results"][:, 3] == 1
    cycles = np.array(report["image_cycles"])
    by_nudge = {
        name: float(cycles[chosen].mean())
        for name, chosen in (("nudged", nudged), ("skipped", ~nudged))
        if chosen.any()
    }
    return {
        "images": count,
        "cycles_of_images": by_nudge,
        "nudged_fraction": report["counters"]["nudged"] / count,
        "cycles_per_image": total / count,
        "steps_per_image": report["counters"]["steps"] / count,
        "stage_shares": {name: cycles / total for name, cycles in measured["stages"].items()},
        "rows_per_image": rows / count,
        "rows_of_banks": [bank / count for bank in measured["rows"]],
        "rows_per_cycle": rows / total,
        "row_cycle_share": measured["row_cycles"] / total,
        # Were every bank to move a row in every cycle.
        "limit_cycles_per_image": rows / len(measured["rows"]) / count,
        "limit_share": rows / len(measured["rows"]) / total,
    }


def run_throughput(
    config: Config, board: str | None = None, epochs: int = 5, images: int = 40, built: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Train `epochs` epochs on the golden model, then measure the RTL: the next images of the next epoch in mode LEARN
    (the skip rule as the config has it), test images in mode INFER, each as fast as the core takes them.

    `built` is a build.json of the same hardware, whose clock turns cycles into images a second, and, where all epochs
    of the schedule were trained, into the seconds that they would have taken on the board.
    """
    from cocotb_tests.engine import RtlEngine
    from golden.config import hardware_for
    from golden.data import epoch_order, load_split
    from golden.network import INFER, LEARN, Network
    from scripts.train import compile_kernels

    config = config.replace(hardware=hardware_for(config, board), boards={})
    part = load_split(config)
    network = Network(config)
    compile_kernels(network)
    nudged = []
    for epoch in range(epochs):
        network.set_epoch(epoch)
        network.clear_counters()
        order = epoch_order(config, epoch, len(part.train_labels))
        network.present_all(part.train_images[order], part.train_labels[order], LEARN)
        nudged.append(network.counter_values()["nudged"] / len(order))
    order = epoch_order(config, epochs, len(part.train_labels))[:images]
    with RtlEngine(for_simulator(config)) as engine:
        common = (network.weights, network.key, epochs)
        training = _measure(engine, part.train_images[order], part.train_labels[order], LEARN, *common)
        inference = _measure(engine, part.test_images[:images], part.test_labels[:images], INFER, *common)
    result = {
        "config": config.name,
        "layers": list(config.network.layers),
        **engine.sizes,
        "trained_epochs": epochs,
        "nudged_fraction_of_epochs": nudged,
        "training": training,
        "inference": inference,
    }
    if built is not None:
        result["board"] = built["board"]
        clock = min(built["clocks"].values(), key=lambda c: c["achieved_mhz"] / c["required_mhz"])
        for name in ("required", "achieved"):
            result[f"{name}_mhz"] = mhz = clock[f"{name}_mhz"]
            for what in (training, inference):
                what[f"images_per_second_at_{name}"] = 1e6 * mhz / what["cycles_per_image"]
            cost = training["cycles_of_images"]
            if epochs >= config.training.epochs and len(cost) == 2:
                # Every epoch by its own share of nudged images.
                total = sum(share * cost["nudged"] + (1 - share) * cost["skipped"] for share in nudged)
                result[f"seconds_of_training_at_{name}"] = len(part.train_labels) * total / (1e6 * mhz)
    return result


def print_result(result: dict[str, Any]) -> None:
    """The result as a table."""
    sizes = "-".join(map(str, result["layers"]))
    click.echo(
        f"{result['config']} ({sizes}, {result['lanes']} lanes, {result['banks']} banks), after "
        f"{result['trained_epochs']} epochs"
    )
    for name in ("training", "inference"):
        what = result[name]
        click.echo(f"  {name}: {what['cycles_per_image']:,.0f} cycles an image, {what['steps_per_image']:.0f} steps, "
                   f"{100 * what['nudged_fraction']:.0f} % nudged")  # fmt: skip
        click.echo(f"    rows an image {what['rows_per_image']:,.0f}, a cycle {what['rows_per_cycle']:.2f}; "
                   f"{100 * what['row_cycle_share']:.1f} % of cycles move a row")  # fmt: skip
        shares = ", ".join(f"{stage} {100 * share:.1f}" for stage, share in what["stage_shares"].items())
        click.echo(f"    % of cycles: {shares}")
        for clock in ("required", "achieved"):
            if f"images_per_second_at_{clock}" in what:
                click.echo(
                    f"    {what[f'images_per_second_at_{clock}']:,.0f} images/s at {result[f'{clock}_mhz']:g} MHz "
                    f"({'the clock it runs at' if clock == 'required' else 'achieved'})"
                )
    for clock in ("required", "achieved"):
        if f"seconds_of_training_at_{clock}" in result:
            epochs, seconds = len(result["nudged_fraction_of_epochs"]), result[f"seconds_of_training_at_{clock}"]
            click.echo(f"  {epochs} epochs of training: {seconds:.1f} s at {result[f'{clock}_mhz']:g} MHz")


@click.command(
    "throughput",
    epilog="""\b
Examples:
  eqspike throughput mnist --board ulx3s-85f --build runs/mnist-ulx3s-85f/build.json
  eqspike throughput digits --epochs 30 --images 100 --build runs/digits-icebreaker/build.json
""",
)
@click.argument("config", metavar="CONFIG")
@click.option("--board", help="Take that board's hardware settings of the config.")
@click.option("--epochs", type=click.IntRange(0), default=5, show_default=True, help="Epochs trained before.")
@click.option("--images", type=click.IntRange(1), default=40, show_default=True, help="Images of each measurement.")
@click.option("--build", "built", type=click.Path(path_type=Path), help="A build.json, for images a second.")
@config_options
@click.option("--out", type=click.Path(path_type=Path), help="The JSON file [default: runs/<config>-throughput.json].")
def command(
    config: str,
    board: str | None,
    epochs: int,
    images: int,
    built: Path | None,
    seed: int | None,
    dataset: str | None,
    overrides: tuple[str, ...],
    out: Path | None,
) -> None:
    """Measure cycles an image and where they go, in Verilator, on a network that has learned for some epochs.

    With --build, also images a second at that build's clock, which goes into its build.json as well.
    """
    from scripts.files import write_json

    resolved = read_config(config, overrides, seed, None, dataset)
    found = None
    if built is not None:
        try:
            found = json.loads(built.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageProblem(f"--build {built}: not a build.json: {error}") from None
        board = board or found["board"]
        _check_build(resolved, board, built, found)
    result = run_throughput(resolved, board, epochs, images, found)
    print_result(result)
    path = out or Path("runs") / f"{resolved.name}-throughput.json"
    write_json(path, result)
    if found is not None:
        write_json(built, {**found, "throughput": result})
    click.echo(f"wrote {path}")


def _check_build(config: Config, board: str, path: Path, built: dict[str, Any]) -> None:
    """Refuse a build of other hardware."""
    from golden.config import hardware_for

    if "clocks" not in built:
        raise UsageProblem(f"--build {path}: {built.get('config')} does not fit {built.get('board')}: it has no clock")
    hardware = hardware_for(config, board)
    lanes = min(hardware.lanes, max(config.network.layers[1:]))
    sizes = {"board": board, "layers": list(config.network.layers), "lanes": lanes, "banks": hardware.banks}
    for name, wanted in sizes.items():
        if built.get(name) != wanted:
            raise UsageProblem(
                f"--build {path}: {name} is {built.get(name)}, but {config.name} on {board} has {wanted}"
            )
