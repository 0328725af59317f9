"""A small network for every test that needs one, as a config and as a file, and the command line in its process."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click.testing
import pytest
import yaml

from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.scripts.cli import main

FOLDER = Path(__file__).resolve().parent

TINY: dict[str, Any] = {
    "name": "tiny",
    "dataset": {"name": "random"},
    "network": {"layers": [9, 5, 3]},
    "neuron": {"leak": "2^-6"},
    "rate": {"leak": "2^-3", "delay": 12, "filter": 2},
    "learning": {"free_steps": 30, "nudge_steps": 20, "window": 16, "skip_tolerance": 0.13},
    "synapses": [{"bits": 10, "range": 0.5, "learning_rate": "2^-10", "halve_at": [1], "init": 1.0}],
    "training": {"epochs": 3, "seed": 7},
}
"""Learns in a blink, and meets the skip rule and both kinds of saturation."""

SLOW = {
    "test_package.py", "test_site.py",  # build a wheel, environments, the documentation
    "fpga/test_link_fuzz.py", "fpga/test_memory.py",  # many frames; synthesis
    "lab/test_cluster.py", "scripts/test_board.py",  # a cluster's processes; a simulated board
    "scripts/test_tutorials.py",
    "lab/test_report_browser.py",  # a browser
    "golden/test_network.py::test_compiled_is_plain_python", "golden/fast/test_engine.py",
}  # fmt: skip
"""Files, or tests, that take more than a few seconds."""
SOAK = {
    "golden/test_label_button.py::test_one_drawing",
    "golden/test_label_button.py::test_forty_drawings_in_a_row",
    "lab/live/test_browser.py::test_draw_teach_train_break",
    "lab/live/test_browser.py::test_a_session_done_again",
    "lab/live/test_browser.py::test_a_training_is_watched",
    "lab/live/test_simulated.py::test_the_circuit_shows_what_golden_shows",
    "lab/live/test_simulated.py::test_the_simulated_board",
    "lab/live/test_simulated.py::test_the_command_on_a_board_that_is_plugged_in_again",
    "lab/live/test_simulated.py::test_a_page_that_never_reads_costs_little_in_a_minute",
    "lab/live/test_simulated.py::test_recorded_and_done_again",
    "lab/live/test_simulated.py::test_board_train_watch",
    "fpga/test_build.py::test_every_board_has_its_pins[selftest-icebreaker]",
    "golden/fast/test_engine.py::test_variants[real, few states]",
    "golden/test_network.py::test_32_and_64_bits_agree[neuron draws]",
}
"""Tests that take more than ten seconds and whose like is in the default run."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            file = item.path.relative_to(FOLDER).as_posix()
            if not SLOW.isdisjoint({file, f"{file}::{item.name.partition('[')[0]}"}):
                item.add_marker(pytest.mark.slow)
            if f"{file}::{item.name}" in SOAK:
                item.add_marker(pytest.mark.soak)


MakeConfig = Callable[..., Config]


@pytest.fixture
def tiny_data() -> dict[str, Any]:
    """The plain data of the small network, free to be changed."""
    return copy.deepcopy(TINY)


@pytest.fixture
def make_config(tiny_data: dict[str, Any]) -> MakeConfig:
    """Makes the small network's config; keywords change it: `make_config(learning={"beta": 1})`."""

    def make(**sections: Any) -> Config:
        data = copy.deepcopy(tiny_data)
        for name, value in sections.items():
            if isinstance(value, dict):
                data[name] = data.get(name, {}) | value
            else:
                data[name] = value
        return config_from_dict(data)

    return make


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
