"""`eqspike board`: a board with the host link, on a serial port or simulated.

The laboratory and the host's software are imported by the command that uses them: `--help` needs neither.
"""

from __future__ import annotations

import contextlib
import functools
import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eqspike.base.errors import CommandError, Interrupted, UsageProblem
from eqspike.lab.configs import Changes, for_simulator, in_fixed_point, read_config
from eqspike.scripts import train as whole
from eqspike.scripts.infer import print_confusion, shown_part, warn_of_learned
from eqspike.scripts.options import board_option, config_options, part_option, validation_option, watch_option
from eqspike.scripts.stages import stages

if TYPE_CHECKING:
    from eqspike.fpga.engine import BoardEngine
    from eqspike.golden.config import Config


@dataclass(frozen=True)
class Target:
    """The board that a command talks to, and the config that it was built of."""

    name: str
    seed: int | None
    dataset: str | None
    overrides: Sequence[str]
    port: str | None
    baud: int | None

    def config(self) -> Config:
        """The config. Raises `ConfigError` for one that hardware cannot be."""
        return in_fixed_point(read_config(self.name, self.overrides, self.seed, None, self.dataset))

    def require_port(self, command: str) -> None:
        """Raise `UsageProblem` without a port: a simulated board that has just begun has nothing to tell."""
        if self.port is None:
            raise UsageProblem(
                f"board {command}: --port is missing: which board? 'eqspike board sim {self.name}' starts a simulated "
                "one that stays, and prints its port"
            )

    @contextlib.contextmanager
    def connected(self, config: Config) -> Iterator[BoardEngine]:
        """The board, once it has answered."""
        from eqspike.lab.engines import Connection, board_engine

        with contextlib.ExitStack() as opened:
            with stages("board") as say:
                if self.port is None:
                    say("simulated board (the first one of a config is compiled, about a minute)")
                engine = opened.enter_context(board_engine(config, Connection(self.port, self.baud)))
            yield engine


def port_options(function: Callable) -> Callable:
    """Which board."""
    baud = click.option("--baud", type=click.IntRange(1), help="The link's baud rate [default: 2,000,000].")
    port = click.option("--port", help="Serial port of the board [default: a simulated board].")
    return port(baud(function))


def on_board(function: Callable) -> Callable:
    """CONFIG and the options of config and port, which the function gets as one `Target`."""

    @click.argument("config", metavar="CONFIG")
    @port_options
    @config_options
    @functools.wraps(function)
    def wrapped(config: str, seed: Any, dataset: Any, overrides: Any, port: Any, baud: Any, **options: Any) -> Any:
        return function(Target(config, seed, dataset, overrides, port, baud), **options)

    return wrapped


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


@command.command("sim", epilog="\b\nExamples:\n  eqspike board sim digits\n  eqspike board sim digits --link ./board")
@click.argument("config", metavar="CONFIG")
@click.option(
    "--link",
    type=click.Path(path_type=Path),
    help="A symbolic link to the pseudo-terminal: a name that stays the same.",
)
@config_options
def sim(config: str, link: Path | None, seed: int | None, dataset: str | None, overrides: Sequence[str]) -> None:
    """Run a simulated board of CONFIG until Ctrl-C; its pseudo-terminal is printed, for --port of other commands.

    With --link, the board can be "unplugged" and "plugged in again" under one name: end this command and start it anew.
    """
    from eqspike.fpga.simulated import SimulatedBoard, linked

    resolved = in_fixed_point(read_config(config, overrides, seed, None, dataset))
    with contextlib.ExitStack() as opened:
        with stages("board") as say:
            say(f"simulated board of {resolved.name}: its RTL is compiled on the first start, about a minute")
            board = opened.enter_context(SimulatedBoard(for_simulator(resolved)))
        if link is not None:
            opened.enter_context(linked(link, board.port))
        click.echo(board.port if link is None else f"{board.port}\n{link}")
        changes = [word for text in overrides for word in ("--set", text)]
        follow = ["eqspike", "board", "train", config, *changes, "--port", str(link or board.port), "--limit", "100"]
        click.echo(f"in another terminal: {shlex.join(follow)}", err=True)
        try:
            status = board.process.wait()
        except KeyboardInterrupt:
            raise Interrupted("interrupted: the simulated board is gone") from None
    raise CommandError(f"the simulated board ended with status {status}")


@command.command("ping", epilog="\b\nExamples:\n  eqspike board ping digits --port /dev/ttyUSB0")
@click.option("--count", type=click.IntRange(1), default=100, show_default=True, help="Echoes.")
@on_board
def ping(target: Target, count: int) -> int:
    """Ask the board who it is, and test the link with echoes of random bytes."""
    from eqspike.lab.link import send_echoes

    with target.connected(target.config()) as engine:
        for name, value in engine.board.identity.items():
            click.echo(f"{name:12} {value:016x}" if name == "config" else f"{name:12} {value}")
        echoes = send_echoes(engine.board, count)
    click.echo(
        f"{count} echoes, {echoes.wrong} wrong, {1000 * echoes.seconds / count:.2f} ms each; "
        f"{echoes.repeated} repeated, {echoes.timeouts} timeouts"
    )
    return int(echoes.wrong > 0)


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
@validation_option
@watch_option
@click.pass_context
def train(context: click.Context, **options: Any) -> None:
    """Train CONFIG on the board: 'eqspike train --engine board'.

    Weights are read and written to the run's folder after every epoch. A board that is unplugged is waited for, and the
    epoch begins anew from the weights before it.
    """
    context.invoke(whole.command, engine="board", seeds=None, workers=1, **options)


@command.command(
    "infer",
    epilog="\b\nExamples:\n  eqspike board infer digits --weights runs/digits-seed0/weights.npz --port /dev/ttyUSB0",
)
@click.option("--weights", type=click.Path(path_type=Path), help="weights.npz of a run [default: those on the board].")
@click.option("--first-spike", is_flag=True, help="The first output to spike decides, and ends the image.")
@part_option
@click.option("--limit", type=click.IntRange(1), help="Only the first N images.")
@click.option("--out", type=click.Path(path_type=Path), help="A JSON file of the results.")
@validation_option
@on_board
def infer(
    target: Target,
    weights: Path | None,
    first_spike: bool,
    part: str,
    limit: int | None,
    out: Path | None,
    validation: bool,
) -> None:
    """Classify images on the board: accuracy and confusion matrix, as 'eqspike infer' does on the golden model."""
    from tqdm import tqdm

    from eqspike.base.files import write_json
    from eqspike.lab.infer import Question, images_learned, infer_on_board, trained_config
    from eqspike.lab.weights import load_weights

    target.config()
    changes = Changes(overrides=target.overrides, seed=target.seed, dataset=target.dataset, validation=validation)
    config = trained_config(changes, target.name, weights)
    question = Question(first_spike=first_spike, part=part, limit=limit)
    saved = load_weights(weights, config) if weights else None
    _, labels = question.images(config, saved.encoding if saved else None)
    with target.connected(config) as engine, tqdm(
        total=len(labels), unit="img", leave=False, disable=None, dynamic_ncols=True
    ) as bar:  # fmt: skip
        result = infer_on_board(config, engine, saved, question, bar.update)
    print_confusion(result["confusion"], result["classes"])
    count, counters = max(1, len(labels)), result["counters"]
    click.echo(
        f"{shown_part(part, config)} accuracy {100 * (result['accuracy'] or 0):.2f} % of {len(labels)} images (seed "
        f"{config.training.seed}, by {result['mode']}), "
        f"{len(labels) / result['seconds']:.4g} images/s, {counters['cycles'] / count:.0f} cycles each"
    )
    if weights:
        warn_of_learned(part, images_learned(config, weights, question), len(labels))
    if out:
        write_json(out, {"weights": str(weights) if weights else None, **result})
        click.echo(f"wrote {out}")


@command.command(
    "weights",
    epilog="\b\nExamples:\n  eqspike board weights digits --port /dev/ttyUSB0 --save chip.npz\n"
    "  eqspike board weights digits --port /dev/ttyUSB0 --load runs/digits-seed0/weights.npz",
)
@click.option("--load", "source", type=click.Path(path_type=Path), help="Write this file's weights to the board.")
@click.option("--save", "path", type=click.Path(path_type=Path), help="Read the board's weights into this file.")
@on_board
def weights(target: Target, source: Path | None, path: Path | None) -> None:
    """Write the board's weights from a file, read them into one, or (with neither) say what they are like."""
    from eqspike.lab.weights import load_weights, save_weights

    config = target.config()
    if source is None:
        target.require_port("weights")
    saved = load_weights(source, config) if source else None
    with target.connected(config) as engine:
        if saved:
            engine.load(saved.contents)
        found = engine.board.read_weights()
        key = engine.board.read_registers(["key"])["key"]
    for layer, matrix in enumerate(found[: len(config.synapses)]):
        click.echo(
            f"layer {layer}: {matrix.shape[0]} x {matrix.shape[1]}, {matrix.min()} to {matrix.max()} LSB, "
            f"mean of the magnitude {abs(matrix).mean():.1f}"
        )
    if saved and any((a != b).any() for a, b in zip(saved.weights, found, strict=False)):
        # Stuck devices keep their own.
        click.echo("the board holds other weights than were written: those of stuck devices")
    if path:
        save_weights(path, config, found, key=key)
        click.echo(f"wrote {path}")


@command.command("counters", epilog="\b\nExamples:\n  eqspike board counters digits --port /dev/ttyUSB0 --clear")
@click.option("--clear", is_flag=True, help="Zero them afterwards.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@on_board
def counters(target: Target, clear: bool, as_json: bool) -> None:
    """Print the board's counters."""
    config = target.config()
    target.require_port("counters")
    with target.connected(config) as engine:
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
    """Load the bitstream that 'eqspike build CONFIG --top link' made, with the program that the board takes."""
    from eqspike.fpga.boards import known_board
    from eqspike.fpga.loader import load_bitstream

    target = known_board(board)
    name = read_config(config).name
    file = file or Path("runs") / f"{name}-{board}-link" / f"{name}-{board}-link.{target.bitstream}"
    if not file.exists():
        raise UsageProblem(f"{file}: is not there; 'eqspike build {config} --board {board} --top link' makes it")
    load_bitstream(target, file)
    click.echo(f"programmed {target.title} with {file}")
