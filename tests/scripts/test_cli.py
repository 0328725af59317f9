"""The command line's face: help, lazy commands, and one line for each known failure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from eqspike.base.errors import CommandError, Interrupted
from eqspike.base.tools import ToolMissing
from eqspike.fpga.line import BoardLost
from eqspike.golden.idx import DataError
from eqspike.golden.validation import ConfigError
from eqspike.scripts import cli
from eqspike.sim.harness import SimulationError


def test_help_teaches(run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for command in ("train", "sweep", "device", "infer", "law", "report", "demo", "bench", "board"):
        assert f"\n  {command} " in result.stdout
    assert "eqspike train digits" in result.stdout


@pytest.mark.parametrize("command", ["train", "sweep", "device", "infer", "law", "report", "demo", "bench", "board"])
def test_help_of_commands_has_examples(command: str, run) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.stdout
    assert f"eqspike {command}" in result.stdout


def test_the_page_names_every_command() -> None:
    page = (Path(__file__).parents[2] / "docs/command-line.md").read_text(encoding="utf-8")
    table = "".join(line for line in page.splitlines() if line.startswith("| `"))
    assert [name for name in cli.COMMANDS if f"`{name}`" not in table] == []


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from eqspike.scripts.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = ('numpy', 'numba', 'eqspike.golden', 'matplotlib', 'eqspike.scripts.train')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_module_that_does_not_exist_is_not_listed(run, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.COMMANDS, "nothing", ("eqspike.scripts.nothing", "Does nothing."))
    assert "nothing" not in run("--help").stdout
    assert "no command 'nothing'" in fails(2, "nothing")


def test_bad_usage(fails) -> None:
    assert fails(2, "trian") == "no command 'trian'; did you mean train? (see 'eqspike --help')"
    assert fails(2, "train", "--epochs", "many", "digits").endswith("(see 'eqspike train --help')")
    assert "Missing argument 'CONFIG'" in fails(2, "train")
    assert "No such option" in fails(2, "train", "--nope", "digits")
    assert "Missing option '--weights'" in fails(2, "infer", "digits")
    assert "allowed are golden and rtl" in fails(2, "law", "digits", "--engine", "board")


def test_alone_it_helps(run) -> None:
    result = run()
    assert result.exit_code == 2
    assert "Examples:" in result.stderr


def test_explain() -> None:
    for error, expected in (
        (CommandError("a"), ("a", 1)),
        (Interrupted("b"), ("b", 130)),
        (ConfigError("c"), ("c", 2)),
        (DataError("d"), ("d", 2)),
        (ToolMissing("e"), ("e", 2)),
        (SimulationError("f"), ("f", 1)),
        (BoardLost("g"), ("g", 1)),
        (click.Abort(), ("interrupted", 130)),
        (OSError(28, "No space left on device", "runs/x"), ("runs/x: No space left on device", 1)),
        (OSError("odd"), ("odd", 1)),
        (MemoryError(), ("not enough memory", 1)),
        (ValueError("a bug"), None),
        (ZeroDivisionError(), None),
    ):
        assert cli.explain(error) == expected


def test_config_errors(tiny: str, fails) -> None:
    for change, words in (
        ("neuron.leek=1", "neuron.leek: unknown key"),
        ("synapses.0.bits=-8", "synapses[0].bits: -8 is not valid; allowed: 2 to 24"),
        ("network.layers=[9, 0, 3]", "network.layers: [9, 0, 3] is not valid; each layer needs 1 to 4096"),
        ("network.layers=[9, -5, 3]", "network.layers"),
        ("neuron.leak=0.01", "a power of two"),
    ):
        for command in (("train",), ("law",), ("bench",), ("infer", "--weights", "w.npz")):
            assert fails(2, *command, tiny, "--set", change).startswith(f"--set {change}: "), command
            assert words in fails(2, *command, tiny, "--set", change)
    assert "nowhere.yaml: cannot be read" in fails(2, "train", "nowhere.yaml")
    assert "dataset.name: 'mnist'" in fails(2, "train", tiny, "--dataset", "mnist")
    assert "not in the range" in fails(2, "train", tiny, "--seed", -1)


def test_help_names_every_board() -> None:
    from eqspike.fpga.boards import BOARDS
    from eqspike.scripts.build import command

    (option,) = (p for p in command.params if p.name == "board")
    assert all(name in option.help for name in BOARDS)
