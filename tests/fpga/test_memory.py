"""Block RAMs of the crossbar: counted as the circuit has them; what cannot hold measured devices says so at once."""

from __future__ import annotations

import json
import re
from functools import reduce
from operator import and_, or_
from pathlib import Path

import pytest
from amaranth.hdl import Const
from click.testing import CliRunner

from eqspike.base.errors import UsageProblem
from eqspike.base.places import checkout
from eqspike.fpga.boards import BOARDS
from eqspike.fpga.build import run_build, run_synthesis
from eqspike.fpga.memory import blocks, certain_memories, crossbar_memories, memory_problem
from eqspike.golden.config import hardware_for
from eqspike.golden.configfile import load_config, resolve_preset
from eqspike.lab.configs import read_config
from eqspike.lab.memristor import PRESET, write_measured
from eqspike.rtl.core import Core
from eqspike.scripts.cli import main

BOARD = BOARDS["ulx3s-85f"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Measured devices of the preset."""
    write_measured(tmp_path / "chip.csv")
    return tmp_path / "chip.csv"


@pytest.mark.parametrize(
    ("family", "words", "bits", "expected"),
    [("ecp5", 76, 384, 11), ("ecp5", 512, 36, 1), ("ecp5", 513, 36, 2), ("ecp5", 1100, 9, 1), ("ecp5", 16384, 1, 1),
     ("ice40", 76, 384, 24), ("ice40", 302, 96, 12), ("ice40", 2048, 2, 1), ("ice40", 257, 16, 2), ("ecp5", 76, 0, 0)],
)  # fmt: skip
def test_blocks(family: str, words: int, bits: int, expected: int) -> None:
    assert blocks(family, words, bits) == expected


def test_one_word_for_each_word_of_weights(table: Path) -> None:
    """Devices that are drawn have no memory; measured ones the memories that the circuit makes."""
    faults = ["device.slope_spread=0.05", "device.threshold_spread=0.01", "device.write_noise=1e-4"]
    drawn = crossbar_memories(load_config(resolve_preset(PRESET), faults), BOARD)
    assert drawn == {"weights": (64 + 1 + 10 + 1, 12 * 32)}
    config = load_config(resolve_preset(PRESET), [f"device.file={table}"])
    found = crossbar_memories(config, BOARD)
    assert {words for words, _ in found.values()} == {76}
    module = Core(config).crossbar.devices.elaborate(None)
    for name in ("measured", "measured_stuck"):
        memory = getattr(module.submodules, name)
        content = [Const.cast(memory.shape.const(row)).value if name == "measured" else row for row in memory.init]
        assert len(content) == memory.depth == 76
        varying = reduce(or_, content) & ~reduce(and_, content)
        assert found[name] == (76, varying.bit_count())


def test_refusal(table: Path, tmp_path: Path) -> None:
    changes = [f"device.file={table}", "hardware.lanes=8"]
    need = r"measured devices need \d+ block RAMs of icebreaker beside 12 of the weights, and it has 30"
    words = f"{need}; enough is there on: ulx3s-12f"
    for run in (run_build, run_synthesis):
        with pytest.raises(UsageProblem, match=f"device.file: {table}: {words}"):
            run(read_config(PRESET, changes), "icebreaker", tmp_path / "out")
    options = [text for change in changes for text in ("--set", change)]
    arguments = ["build", PRESET, "--board", "icebreaker", *options, "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("eqspike: device.file: ")
    assert "ulx3s-85f, orangecrab, icesugar-pro, colorlight-i5" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("preset", "board", "enough"),
    [
        ("mnist", "icebreaker", "ulx3s-45f, ulx3s-85f"),
        ("mnist", "ulx3s-12f", "ulx3s-45f, ulx3s-85f"),
        ("mnist300", "ulx3s-45f", "ulx3s-85f"),
    ],
)
def test_a_network_that_cannot_fit_is_refused_at_once(
    preset: str, board: str, enough: str, tmp_path: Path, fails, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any circuit is made, with the bits that are needed and those that are there."""
    for name in ("SelfTest", "SerialLink"):
        monkeypatch.setattr(f"eqspike.fpga.build.{name}", lambda *_: pytest.fail("a circuit was made"))
    core = Core(load_config(resolve_preset(preset)), hardware_for(load_config(resolve_preset(preset)), board))
    least = core.layout.words * core.layout.lanes * core.crossbar.weight_bits
    for options in ((), ("--synthesis",), ("--top", "link")):
        line = fails(2, "build", preset, "--board", board, "--out", tmp_path / "out", *options)
        pattern = r"need at least ([\d,]+) bits, in ([\d,]+) block RAMs; it has (\d+) block RAMs with ([\d,]+) bits"
        found = re.search(pattern, line)
        bits, need, has, there = (int(text.replace(",", "")) for text in found.groups())
        assert bits >= least
        assert need > has == BOARDS[board].totals["bram"]
        assert there == has * {"ice40": 4096, "ecp5": 18432, "gowin": 18432}[BOARDS[board].family]
        assert line.endswith(f"enough is there on: {enough}")
        assert not (tmp_path / "out").exists()


def test_no_network_that_was_built_is_refused() -> None:
    """What the boards' measurements fitted: the bound is below nextpnr's count, on an iCE40 by 3 blocks at most."""
    seen = 0
    for path in sorted((checkout() / "results").glob("build*.json")):
        result = json.loads(path.read_text())["result"]
        board, brams = BOARDS[result["board"]], result["resources"]["bram"]["used"]
        preset = resolve_preset(result["config"])
        lanes = [f"boards.{board.name}.lanes={result['lanes']}"] if board.name in load_config(preset).boards else []
        config = load_config(preset, lanes)
        core = Core(config, hardware_for(config, board.name))
        least = sum(blocks(board.family, *size) for size in certain_memories(core, board.family).values())
        assert memory_problem(config, board) is None
        assert least <= brams
        assert board.family != "ice40" or brams - least <= 3
        seen += 1
    assert seen > 10
