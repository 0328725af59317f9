"""Block RAMs of the crossbar: counted as the circuit has them; what cannot hold measured devices says so at once."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from pathlib import Path

import pytest
from amaranth.hdl import Const
from click.testing import CliRunner

from fpga.boards import BOARDS
from fpga.memory import blocks, crossbar_memories
from golden.config import load_config, resolve_preset
from rtl.core import Core
from scripts.build import run_build, run_synthesis
from scripts.cli import main
from scripts.errors import UsageProblem
from scripts.memristor import PRESET, write_measured

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
            run(PRESET, "icebreaker", tmp_path / "out", overrides=changes)
    options = [text for change in changes for text in ("--set", change)]
    arguments = ["build", PRESET, "--board", "icebreaker", *options, "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("eqspike: device.file: ")
    assert line.endswith("ulx3s-85f, orangecrab")
    assert not (tmp_path / "out").exists()
