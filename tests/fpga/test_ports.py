"""Ports: one host at a time, names that stay, and how long a lost board is waited for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from eqspike.base.errors import UsageProblem
from eqspike.fpga import engine
from eqspike.fpga.line import BoardLost, open_port
from eqspike.fpga.simulated import linked


@pytest.fixture
def terminal() -> Iterator[str]:
    """The name of a pseudo-terminal."""
    ends = os.openpty()
    yield os.ttyname(ends[1])
    for end in ends:
        os.close(end)


def test_a_second_host_is_refused(terminal: str, tmp_path: Path) -> None:
    """By whatever name it asks; it comes in when the first is gone."""
    link = tmp_path / "board"
    link.symlink_to(terminal)
    with open_port(terminal, 115200):
        for name in (terminal, str(link)):
            with pytest.raises(BoardLost) as caught:
                open_port(name, 115200)
            assert str(caught.value) == f"{name}: another program has this port open"
    open_port(str(link), 115200).close()


def test_a_port_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are there are named."""
    for ports, said in (([], "none"), (["/dev/ttyUSB0", "/dev/ttyUSB1"], "/dev/ttyUSB0, /dev/ttyUSB1")):
        monkeypatch.setattr(
            "eqspike.fpga.line.comports", lambda ports=ports: [SimpleNamespace(device=p) for p in ports]
        )
        with pytest.raises(BoardLost) as caught:
            open_port("/dev/nowhere", 115200)
        assert str(caught.value) == f"/dev/nowhere: No such file or directory; serial ports here: {said}"


def test_links(tmp_path: Path) -> None:
    """Made for the board's time; one that leads nowhere is replaced, anything else is left alone."""
    link, port = tmp_path / "board", tmp_path / "pts"
    port.touch()
    link.symlink_to(tmp_path / "gone")
    with linked(link, str(port)):
        assert link.readlink() == port
        with pytest.raises(UsageProblem, match=r"board: is a link to .*pts; another board's, or remove it"):
            with linked(link, str(port)):
                pass
    assert not link.is_symlink()
    link.touch()
    with pytest.raises(UsageProblem, match="is there already"), linked(link, str(port)):
        pass
    assert link.is_file()
    link.unlink()
    with linked(link, str(port)):  # what has taken its place meanwhile stays
        link.unlink()
        link.touch()
    assert link.is_file()


def test_a_board_that_stays_away(make_config, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted down, and given up with words of its own, not with the error that was told when it was lost."""
    now = [100.0]
    monkeypatch.setattr(engine.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(engine.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    lost, told = engine.BoardEngine(make_config(), "/dev/nowhere"), []
    with pytest.raises(BoardLost) as caught:
        lost.reconnect(told.append, patience=3)
    assert str(caught.value) == "the board did not come back within 3 s"
    assert told == [3.0, 2.5, 2.0, 1.5, 1.0, 0.5, 0.0, 0.0]
