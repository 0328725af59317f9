"""`eqspike board`: a board with the host link, on a serial port or simulated."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scripts.errors import CommandError, Interrupted, UsageProblem
from scripts.options import board_option, config_options, read_config

if TYPE_CHECKING:
    from fpga.engine import BoardEngine
    from golden.config import Config


def port_options(function: Callable) -> Callable:
    """Which board."""
    baud = click.option("--baud", type=click.IntRange(1), help="The link's baud rate [default: 2,000,000].")
    port = click.option("--port", help="Serial port of the board [default: a simulated board].")
    return port(baud(function))


@contextlib.contextmanager
def connected(config: Config, port: str | None, baud: int | None) -> Iterator[BoardEngine]:
    """The board, once it has answered."""
    from scripts.train import Connection, board_engine

    if port is None:
        click.echo("simulated board (the first one of a config is compiled, about a minute)", err=True)
    with board_engine(config, Connection(port, baud)) as engine:
        yield engine


@click.group(
    "board",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  eqspike board ping digits                        start a simulated board, and ask who it is
  eqspike board train digits --limit 100 --epochs 1
  eqspike build digits --board ulx3s-85f --top link
  eqspike board program digits --board ulx3s-85f
  eqspike board train digits --port /dev/ttyUSB0
  eqspike board sim digits                         a simulated board that stays, for other terminals
""",
)
def command() -> None:
    """Talk to a board that was built with 'eqspike build --top link', or to a simulated one.

    Without --port, the same design runs in a program behind a pseudo-terminal, UART and all; it lasts as long as the
    command. How host and board talk to each other stands in docs/host-link.md.
    """


@command.command("sim", epilog="\b\nExamples:\n  eqspike board sim digits")
@click.argument("config", metavar="CONFIG")
@config_options
def sim(config: str, seed: int | None, dataset: str | None, overrides: Sequence[str]) -> None:
    """Run a simulated board of CONFIG until Ctrl-C; its pseudo-terminal is printed, for --port of other commands."""
    from fpga.simulated import SimulatedBoard
    from scripts.options import for_simulator

    resolved = _fixed(read_config(config, overrides, seed, None, dataset))
    with SimulatedBoard(for_simulator(resolved)) as board:
        click.echo(board.port)
        try:
            status = board.process.wait()
        except KeyboardInterrupt:
            raise Interrupted("interrupted: the simulated board is gone") from None
    raise CommandError(f"the simulated board ended with status {status}")


@command.command("ping", epilog="\b\nExamples:\n  eqspike board ping digits --port /dev/ttyUSB0")
@click.argument("config", metavar="CONFIG")
@click.option("--count", type=click.IntRange(1), default=100, show_default=True, help="Echoes.")
@port_options
@config_options
def ping(
    config: str,
    count: int,
    port: str | None,
    baud: int | None,
    seed: int | None,
    dataset: str | None,
    overrides: Sequence[str],
) -> int:
    """Ask the board who it is, and test the link with echoes of random bytes."""
    import secrets

    resolved = _fixed(read_config(config, overrides, seed, None, dataset))
    with connected(resolved, port, baud) as engine:
        board = engine.board
        for name, value in board.identity.items():
            click.echo(f"{name:12} {value:016x}" if name == "config" else f"{name:12} {value}")
        sent = [secrets.token_bytes(secrets.randbelow(board.sizes.reply + 1)) for _ in range(count)]
        began = time.perf_counter()
        wrong = sum(
            reply != payload
            for reply, payload in zip(board.line.stream([("echo", p) for p in sent]), sent, strict=True)
        )
        seconds = time.perf_counter() - began
        statistics = board.line.statistics
    click.echo(
        f"{count} echoes, {wrong} wrong, {1000 * seconds / count:.2f} ms each; {statistics.repeated} repeated, "
        f"{statistics.timeouts} timeouts"
    )
    return int(wrong > 0)


@command.command(
    "train",
    epilog="\b\nExamples:\n  eqspike board train digits --port /dev/ttyUSB0\n"
    "  eqspike board train digits --limit 100 --epochs 1",
)
@click.argument("config", metavar="[CONFIG]", required=False)
@click.option("--epochs", type=click.IntRange(0), help="In place of the config's number of epochs.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N images of the training part.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run [default: runs/<config>-seed<S>].")
@click.option("--resume", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Continue the run there.")
@click.option("--force", is_flag=True, help="Overwrite a run that is in the way.")
@port_options
@config_options
@click.pass_context
def train(context: click.Context, **options: Any) -> None:
    """Train CONFIG on the board: 'eqspike train --engine board'.

    Weights are read and written to the run's folder after every epoch. A board that is unplugged is waited for, and the
    epoch begins anew from the weights before it.
    """
    from scripts import train as whole

    context.invoke(whole.command, engine="board", seeds=None, workers=1, **options)


@command.command(
    "infer",
    epilog="\b\nExamples:\n  eqspike board infer digits --weights runs/digits-seed0/weights.npz --port /dev/ttyUSB0",
)
@click.argument("config", metavar="CONFIG")
@click.option("--weights", type=click.Path(path_type=Path), help="weights.npz of a run [default: those on the board].")
@click.option("--first-spike", is_flag=True, help="The first output to spike decides, and ends the image.")
@click.option("--part", type=click.Choice(["test", "train"]), default="test", show_default=True, help="Which images.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N images.")
@click.option("--out", type=click.Path(path_type=Path), help="A JSON file of the results.")
@port_options
@config_options
def infer(
    config: str,
    weights: Path | None,
    first_spike: bool,
    part: str,
    limit: int | None,
    out: Path | None,
    port: str | None,
    baud: int | None,
    seed: int | None,
    dataset: str | None,
    overrides: tuple[str, ...],
) -> None:
    """Classify images on the board: accuracy and confusion matrix, as 'eqspike infer' does on the golden model."""
    import numpy as np
    from tqdm import tqdm

    from golden.data import load_split
    from golden.network import INFER, INFER_FIRST_SPIKE
    from scripts.files import write_json
    from scripts.infer import confusion_matrix, print_confusion
    from scripts.weights import load_weights

    resolved = _fixed(read_config(config, overrides, seed, None, dataset))
    saved = load_weights(weights, resolved) if weights else None
    if saved and seed is None and not any(text.startswith("training.seed=") for text in overrides):
        resolved = read_config(config, overrides, saved.about.get("seed"), None, dataset)
    split = load_split(resolved)
    images, labels = (
        (split.test_images, split.test_labels) if part == "test" else (split.train_images, split.train_labels)
    )
    images, labels = images[:limit], labels[:limit]
    modes = [INFER_FIRST_SPIKE if first_spike else INFER] * len(labels)
    with connected(resolved, port, baud) as engine:
        if saved:
            engine.load(saved.weights)
        engine.board.clear_counters()
        began = time.perf_counter()
        with tqdm(total=len(labels), unit="img", leave=False, disable=None, dynamic_ncols=True) as bar:
            results = np.array(list(engine.results(images, labels, modes, bar.update)), np.int64).reshape(-1, 4)
        seconds = time.perf_counter() - began
        counters = engine.board.counters()
    predictions = results[:, 1 if first_spike else 0]
    matrix = confusion_matrix(labels, predictions, resolved.network.layers[-1])
    print_confusion(matrix)
    right = int((predictions == labels).sum())
    click.echo(
        f"{part} accuracy {100 * right / max(1, len(labels)):.2f} % of {len(labels)} images (seed "
        f"{resolved.training.seed}, by {'first spike' if first_spike else 'rate'}), "
        f"{len(labels) / seconds:.4g} images/s, {counters['cycles'] / max(1, len(labels)):.0f} cycles each"
    )
    if out:
        write_json(
            out,
            {
                "config": resolved.name, "weights": str(weights) if weights else None, "part": part,
                "mode": "first spike" if first_spike else "rate", "images": len(labels),
                "accuracy": right / len(labels) if len(labels) else None, "confusion": matrix, "counters": counters,
                "seconds": seconds,
            },
        )  # fmt: skip
        click.echo(f"wrote {out}")


@command.command(
    "weights",
    epilog="\b\nExamples:\n  eqspike board weights digits --port /dev/ttyUSB0 --save chip.npz\n"
    "  eqspike board weights digits --port /dev/ttyUSB0 --load runs/digits-seed0/weights.npz",
)
@click.argument("config", metavar="CONFIG")
@click.option("--load", "source", type=click.Path(path_type=Path), help="Write this file's weights to the board.")
@click.option("--save", "target", type=click.Path(path_type=Path), help="Read the board's weights into this file.")
@port_options
@config_options
def weights(
    config: str,
    source: Path | None,
    target: Path | None,
    port: str | None,
    baud: int | None,
    seed: int | None,
    dataset: str | None,
    overrides: Sequence[str],
) -> None:
    """Write the board's weights from a file, read them into one, or (with neither) say what they are like."""
    from scripts.weights import load_weights, save_weights

    resolved = _fixed(read_config(config, overrides, seed, None, dataset))
    saved = load_weights(source, resolved) if source else None
    with connected(resolved, port, baud) as engine:
        if saved:
            engine.load(saved.weights)
        found = engine.board.read_weights()
        key = engine.board.read_registers(["key"])["key"]
    for layer, matrix in enumerate(found):
        click.echo(
            f"layer {layer}: {matrix.shape[0]} x {matrix.shape[1]}, {matrix.min()} to {matrix.max()} LSB, "
            f"mean of the magnitude {abs(matrix).mean():.1f}"
        )
    if saved and any((a != b).any() for a, b in zip(saved.weights, found, strict=True)):
        # Stuck devices keep their own.
        click.echo("the board holds other weights than were written: those of stuck devices")
    if target:
        save_weights(target, resolved, found, key=key)
        click.echo(f"wrote {target}")


@command.command("counters", epilog="\b\nExamples:\n  eqspike board counters digits --port /dev/ttyUSB0 --clear")
@click.argument("config", metavar="CONFIG")
@click.option("--clear", is_flag=True, help="Zero them afterwards.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@port_options
@config_options
def counters(
    config: str,
    clear: bool,
    as_json: bool,
    port: str | None,
    baud: int | None,
    seed: int | None,
    dataset: str | None,
    overrides: Sequence[str],
) -> None:
    """Print the board's counters."""
    resolved = _fixed(read_config(config, overrides, seed, None, dataset))
    with connected(resolved, port, baud) as engine:
        found = engine.board.counters()
        if clear:
            engine.board.clear_counters()
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    for name, value in found.items():
        shown = "  ".join(f"{v:,}" for v in value) if isinstance(value, list) else f"{value:,}"
        click.echo(f"{name:22} {shown:>16}")


@command.command("program", epilog="\b\nExamples:\n  eqspike board program digits --board ulx3s-85f")
@click.argument("config", metavar="CONFIG")
@board_option
@click.option("--file", type=click.Path(path_type=Path), help="The bitstream [default: runs/<config>-<board>-link/].")
def program(config: str, board: str, file: Path | None) -> None:
    """Load the bitstream that 'eqspike build CONFIG --top link' made, with openFPGALoader."""
    from fpga.boards import BOARDS

    if board not in BOARDS:
        raise UsageProblem(f"board {board!r} is not known; allowed: {', '.join(BOARDS)}")
    target = BOARDS[board]
    name = read_config(config).name
    file = file or Path("runs") / f"{name}-{board}-link" / f"{name}-{board}-link.{target.bitstream}"
    if not file.exists():
        raise UsageProblem(f"{file}: is not there; 'eqspike build {config} --board {board} --top link' makes it")
    tool = shutil.which("openFPGALoader")
    if tool is None:
        raise CommandError("openFPGALoader not found: apt-get install openfpgaloader")
    done = subprocess.run([tool, "-b", target.loader, str(file)], stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise CommandError(f"openFPGALoader failed with status {done.returncode}")
    click.echo(f"programmed {target.title} with {file}")


def _fixed(config: Config) -> Config:
    """The config, if hardware can be it."""
    from golden.config import fail

    if config.number.format != "fixed":
        fail("number.format", config.number.format, "hardware needs fixed")
    return config


__all__ = ["command"]
