"""The first hours of docs/: every command of each page, in its order, with few epochs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripts.pages import Page, quickly

HARDWARE, DEVICE, ALGORITHM = (Page(f"tutorial-{name}.md") for name in ("hardware", "device", "algorithm"))


@pytest.fixture
def follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run):
    """Gives the commands of a page in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def all_of(page: Page) -> None:
        for command in page.commands:
            result = run(*quickly(command, 1))
            assert result.exit_code == 0, f"{command}: {result.output}"

    return all_of


def test_devices(follow) -> None:
    Path("noise.yaml").write_text(DEVICE.block_of("yaml"))
    follow(DEVICE)
    assert Path("runs/mine-fit/fit.png").exists()
    assert Path("runs/noise/sweep.png").exists()


def test_learning(follow) -> None:
    follow(ALGORITHM)
    assert Path("runs/digits-seed0/report.html").exists()


@pytest.mark.soak
def test_hardware(follow) -> None:
    """A simulator, a synthesis and a simulated board, which other tests have each."""
    follow(HARDWARE)
    assert "module eqspike" in Path("toy.v").read_text()
