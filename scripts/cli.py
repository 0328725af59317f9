"""The command line `eqspike`: finds the commands, and turns every known failure into one line and an exit status.

Exit status: 0 success; 1 a failure such as a full disk, or a comparison that does not match; 2 bad usage, config, data
set or weights; 130 Ctrl-C, or SIGTERM. A command's module is imported when that command is asked for, so that `--help`
is fast; the module holds it as `command`, which may return an exit status.
"""

from __future__ import annotations

import importlib
import importlib.util
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from eqspike.base import errors
from eqspike.base.errors import Interrupted
from eqspike.base.printable import cut, printable
from eqspike.base.suggest import did_you_mean

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("eqspike.scripts.demo", "Train, compare, build and report: the whole project in one go."),
    "train": ("eqspike.scripts.train", "Train a network, on the golden model, the RTL or a board."),
    "baseline": ("eqspike.scripts.baseline", "Train a network without spikes to compare with: BPTT, Eq-Prop, BP."),
    "reproduce": (
        "eqspike.scripts.reproduce",
        "Reproduce the thesis's tables and figures, each with its verdict.",
    ),
    "sweep": ("eqspike.scripts.sweep", "Train rows of changes with several seeds: what each fault costs."),
    "search": ("eqspike.scripts.search", "Search settings that learn better, on the validation part (Optuna)."),
    "heal": ("eqspike.scripts.heal", "Let a trained network's devices get stuck, and learn on: does it heal itself?"),
    "upset": ("eqspike.scripts.upset", "Flip bits of a trained network's weights or state, and learn on."),
    "infer": ("eqspike.scripts.infer", "Classify images with trained weights: accuracy and confusion matrix."),
    "export": ("eqspike.scripts.export", "Write trained weights as a NIR graph, as npz, or as hex for $readmemh."),
    "import": ("eqspike.scripts.nir_import", "Read a NIR graph as a network of the chip."),
    "compare": ("eqspike.scripts.compare", "Compare the RTL with the golden model, bit by bit, step by step."),
    "law": ("eqspike.scripts.law", "Check the learning law with two neurons and one synapse."),
    "device": ("eqspike.scripts.device", "Show a preset's memristor: curves, deviations, pulses, one write."),
    "report": ("eqspike.scripts.report", "Make one self-contained HTML page from the results of runs."),
    "build": ("eqspike.scripts.build", "Build a bitstream for a board; resource use and timing."),
    "board": ("eqspike.scripts.board", "Talk to a board, or to a simulated one: train, infer, weights, counters."),
    "asic": ("eqspike.scripts.asic", "Map the core to standard cells, and check that its gates learn."),
    "verilog": ("eqspike.scripts.verilog", "Write the core as one Verilog file."),
    "live": ("eqspike.scripts.live", "Serve that page for golden, the circuit or a board, and train on it."),
    "page": ("eqspike.scripts.page", "Write the circuit as one page for a browser: draw, and see it learn."),
    "presets": ("eqspike.scripts.presets", "List the presets, with one line each."),
    "boards": ("eqspike.scripts.boards", "List the boards, and the presets that each is set up for."),
    "results": ("eqspike.scripts.results", "Measure what the README claims, and write its tables."),
    "throughput": ("eqspike.scripts.throughput", "Measure cycles an image, and images a second on a board."),
    "bench": ("eqspike.scripts.bench", "Measure the golden model's speed."),
}
"""Name -> module, and what it does. A module that does not exist yet is not listed."""

EPILOG = """\b
Examples:
  eqspike demo                            everything at once, a few minutes
  eqspike presets                         the networks that come with it
  eqspike train digits                    a preset by name, or the path of a YAML file
  eqspike train digits --set number.format=real --out runs/real
  eqspike train digits --seeds 10 --workers 4
  eqspike baseline bp-adam digits --seeds 5
  eqspike reproduce --quick --workers 2   the thesis's tables and figures, at reduced size
  eqspike sweep nonidealities --workers 2
  eqspike device digits-rram              what one pulse does to its memristors
  eqspike infer digits --weights runs/digits-seed0/weights.npz
  eqspike report runs/digits-seed0
  eqspike COMMAND --help                  what a command takes, with examples
"""


class CommandLine(click.Group):
    """A group that imports its commands when they are asked for, and reports failures in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Commands whose module exists, in the order of the table."""
        return [name for name, (module, _) in COMMANDS.items() if importlib.util.find_spec(module) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Import the command's module. Raises `UsageError` where there is no such command."""
        if cmd_name not in (known := self.list_commands(ctx)):
            ctx.fail(f"no command {cmd_name!r}{did_you_mean(cmd_name, known)}")
        return importlib.import_module(COMMANDS[cmd_name][0]).command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without importing any."""
        if rows := [(name, COMMANDS[name][1]) for name in self.list_commands(ctx)]:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; Ctrl-C that it did not explain becomes `Interrupted`."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted("interrupted") from None

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run and exit; every known failure becomes one line on stderr."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            with _terminated_as_interrupted():
                status = super().main(args, prog_name or "eqspike", complete_var, standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:  # `eqspike` alone: the help, and status 2
            click.echo(error.ctx.get_help(), err=True)
            sys.exit(2)
        except Exception as error:
            known = explain(error)
            if known is None:
                raise
            _stop(*known)
        sys.exit(status if isinstance(status, int) else 0)


def explain(error: Exception) -> tuple[str, int] | None:
    """`base.errors.explain`, and what click raises for bad usage."""
    if isinstance(error, click.Abort):
        return "interrupted", 130
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "eqspike"
        return f"{error.format_message().rstrip('.')} (see '{path} --help')", 2
    if isinstance(error, click.ClickException):
        return error.format_message(), error.exit_code
    return errors.explain(error)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM, as from `kill` or a batch system, does what Ctrl-C does: scratch folders go, tools end, checkpoints are
    whole, and the command says how to go on."""

    def hear(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # the only one that may listen
        yield
        return
    before = signal.signal(signal.SIGTERM, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(message: str, status: int) -> NoReturn:
    click.echo(f"eqspike: {printable(cut(' '.join(message.split()), 1000))}", err=True)
    sys.exit(status)


@click.group("eqspike", cls=CommandLine, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="eqspike", prog_name="eqspike")
def main() -> None:
    """EqSpike: spiking neurons that learn by equilibrium propagation, as a golden model and as open hardware.

    Results go to runs/, one folder a run; every table has a JSON file beside it.
    """


if __name__ == "__main__":
    main()
