"""Mistakes that people make: each is one line that says what is wrong and names the cure."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from eqspike.base.places import package_folder
from eqspike.base.suggest import did_you_mean

MISTAKES = [
    ("trian digits", "no command 'trian'; did you mean train?"),
    ("reports runs", "did you mean report?"),
    ("train digitz", "'digitz' is no file, nor a preset; did you mean digits?"),
    ("train DIGITS", "did you mean digits?"),
    ("train qqq", "'qqq' is no file, nor a preset; eqspike presets lists them"),
    ("train configs/digits.yaml", "no such file; the preset digits is named without a folder"),
    ("train elsewhere/own.yaml", "elsewhere/own.yaml: cannot be read: no such file"),
    ("compare digits-ram --simulator icarus", "did you mean digits-rram?"),
    ("heal digits_rram", "did you mean digits-rram?"),
    ("law digits64-8bits", "did you mean digits64-8bit?"),
    ("train digits --set lerning.beta=1", "--set lerning.beta=1: lerning: unknown key", "did you mean learning?"),
    ("train digits --set learning.betta=1", "did you mean beta?"),
    ("train digits --set learning.beta", "--set learning.beta: write key=value"),
    ("train digits --set learning.beta=abc", "--set learning.beta=abc", "a number such as 0.5 or 2^-15"),
    ("train digits --set number.format=reel", "--set number.format=reel", "did you mean real?"),
    ("train digits --set number.format=float", "allowed: fixed, real"),
    ("train digits --set network.layers=64,32,10", "--set network.layers=64,32,10", "a list"),
    ("train digits --set network.layers=[64,10]", "at least three sizes: inputs, hidden, outputs"),
    ("train digits --set synapses.3.bits=8", "--set synapses.3.bits=8: synapses has items 0 to 1"),
    ("train digits --set programming.when=imageend", "did you mean image_end?"),
    ("train digits --set synapses.0.rounding=stochastik", "did you mean stochastic?"),
    (
        "train digits --set device.slope_spread=0.1",
        "--set device.slope_spread=0.1",
        "--set synapses.0.draw=synapse --set synapses.1.draw=synapse",
    ),
    ("train digits --set programming.when=image_end", "with programming.when", "--set synapses.1.draw=synapse"),
    ("train digits --epochs -1", "--epochs", "-1 is not in the range x>=0"),
    ("train digits --engine rlt", "'rlt' is not one of 'golden', 'golden-plain', 'rtl', 'board'"),
    ("train digits --seed -1", "--seed"),
    ("train digits --sed 1", "--sed", "--seed"),
    ("build digits --board icebraker", "board 'icebraker' is not known", "did you mean icebreaker?"),
    ("build digits --board ulx3s", "ulx3s-12f, ulx3s-25f, ulx3s-45f, ulx3s-85f"),
    ("build digits --baud 115200", "--baud belongs to --top link"),
    ("build digits --board colorlight", "did you mean colorlight-i5?"),
    ("build digits-fast --board icesugar --set boards.icebreaker.clock=29", "digits-fast: boards.icebreaker.clock: "),
    ("verilog digits --board icebreakr", "digits has no such board", "did you mean icebreaker?"),
    ("verilog digits --board icesuga", "digits has no such board", "did you mean icesugar?"),
    ("verilog toy --module module", "--module module: is a word of Verilog"),
    ("verilog toy --module logic", "--module logic: is a word of Verilog"),
    ("verilog toy --module 2core", "--module 2core: not a Verilog identifier"),
    ("sweep nonidealitys", "sweep 'nonidealitys' is not known", "did you mean nonidealities?"),
    ("reproduce fig-3-99", "fig-3-99: no such experiment", "--list shows them"),
    ("results --run bord", "--run bord: no such measurement", "did you mean boards?", "--list shows them"),
    ("infer digits --weights nothere.npz", "nothere.npz: cannot be read"),
    ("export digits --weights w.npz --format onnx -o x", "'onnx' is not one of 'nir', 'npz', 'hex'"),
    ("baseline bppt digits", "'bppt' is not valid; allowed: bptt, continual-eqprop, bp-sgd, bp-adam"),
    ("report nothing", "nothing: is not a folder"),
    ("board counters toy", "board counters: --port is missing", "'eqspike board sim toy'"),
    ("board weights toy --save w.npz", "board weights: --port is missing"),
    ("board program digits --board ulx3s-85", "did you mean ulx3s-85f?"),
    ("import x.nir -o y --dt 0", "--dt", "x>0"),
    ("import x.nir -o y", "x.nir: cannot be read: no such file"),
    ("device digits-rram --set device.file=nothere.csv", "nothere.csv"),
]
"""Command line, and what the line must say."""


@pytest.mark.parametrize(("command", "said"), [(row[0], row[1:]) for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_the_line_names_the_cure(command: str, said: tuple[str, ...], tiny: str, fails: Callable[..., str]) -> None:
    line = fails(2, *command.split())
    for words in said:
        assert words in line


def test_a_port_that_is_not_there(tiny: str, fails: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    class Found:
        device = "/dev/ttyUSB7"

    monkeypatch.setattr("eqspike.fpga.line.comports", lambda: [Found])
    line = fails(1, "board", "ping", tiny, "--port", "/dev/nothere")
    assert "/dev/nothere: No such file or directory; serial ports here: /dev/ttyUSB7" in line


def test_a_copy_of_a_preset_asks_for_a_name(tiny: str, run, fails: Callable[..., str]) -> None:
    """Once it was changed; its runs would pass for the preset's."""
    text = (package_folder("configs") / "toy.yaml").read_text(encoding="utf-8")
    Path("mine.yaml").write_text(text)
    assert run("train", "mine.yaml", "--epochs", 0).exit_code == 0
    Path("mine.yaml").write_text(text.replace("seed: 0", "seed: 5"))
    assert "mine.yaml: name: toy is that of a preset" in (line := fails(2, "train", "mine.yaml", "--epochs", 0))
    assert "--set name=mine" in line
    assert run("train", "mine.yaml", "--epochs", 0, "--set", "name=mine").exit_code == 0
    assert Path("runs/mine-seed5").is_dir()
    assert run("train", "mine.yaml", "--epochs", 0, "--out", "elsewhere").exit_code == 0


def test_a_copy_of_a_preset_under_its_own_name_is_that_copy(tiny: str, run) -> None:
    """A file that is there goes before the preset of its name."""
    shutil.copyfile(package_folder("configs") / "toy.yaml", "digits")
    assert "16-9-4" in run("train", "digits", "--epochs", 0).output or Path("runs/toy-seed0").exists()


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("beta", ["alpha"], ""),
        ("Beta", ["beta"], "; did you mean beta?"),
        ("bta", ["beta", "gamma"], "; did you mean beta?"),
        ("", ["beta"], ""),
        (None, ["beta"], ""),
        (7, ["7"], ""),
        ("x" * 100_000, ["y"], ""),
    ],
)
def test_did_you_mean(name: object, known: list[str], said: str) -> None:
    assert did_you_mean(name, known) == said
