"""The lists of presets and boards."""

from __future__ import annotations

import pytest

from eqspike.fpga.boards import BOARDS
from eqspike.lab.presets import read_boards, read_presets


def test_every_preset_says_what_it_is(run) -> None:
    presets = read_presets()
    assert {"digits", "mnist", "toy"} <= {preset.name for preset in presets}
    lines = run("presets").output.splitlines()
    for preset, line in zip(presets, lines, strict=False):
        assert len(preset.says) > 10
        assert line.split()[:2] == [preset.name, "-".join(map(str, preset.config.network.layers))]
        assert line.endswith(preset.says)


def test_every_board_and_its_presets(run) -> None:
    boards = read_boards()
    assert [board.name for board in boards] == list(BOARDS)
    assert "digits" in next(board for board in boards if board.name == "icebreaker").presets
    presets = {board.name: board.presets for board in boards}
    assert presets["icesugar"] == presets["icebreaker"], "the same chip"
    assert presets["orangecrab"] == []
    assert "digits" in presets["tang-nano-9k"]
    output = run("boards").output
    for board in boards:
        assert board.title in output


@pytest.mark.parametrize("command", ["presets", "boards"])
def test_help(command: str, run) -> None:
    assert "Examples:" in run(command, "--help").output
