"""The command line inside the test's process, and the small network as a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click.testing
import pytest
import yaml

from scripts.cli import main

Run = Callable[..., click.testing.Result]


@pytest.fixture
def tiny(tmp_path: Path, tiny_data: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> str:
    """The small network's config file; the test runs in an empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny_data))
    return "../tiny.yaml"


@pytest.fixture
def run() -> Run:
    """Runs `eqspike` with these arguments; exceptions that the command line lets through fail the test."""

    def call(*arguments: object) -> click.testing.Result:
        result = click.testing.CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=True)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


@pytest.fixture
def fails(run: Run) -> Callable[..., str]:
    """Runs `eqspike`, which must fail with that status and one line; returns the line."""

    def call(status: int, *arguments: object) -> str:
        result = run(*arguments)
        assert result.exit_code == status, result.output
        lines = result.stderr.splitlines()
        assert len(lines) == 1, result.stderr
        assert lines[0].startswith("eqspike: ")
        return lines[0].removeprefix("eqspike: ")

    return call
