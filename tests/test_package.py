"""What a wheel of this project holds: everything that the installed command needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("golden", "rtl", "fpga", "cocotb_tests", "scripts", "configs", "experiments")
USED = {".py", ".yaml", ".cpp", ".j2"}
"""Kinds of files that are needed when it runs."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from a copy by the build backend alone, so that nothing is fetched and nothing left behind."""
    copy = tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "sim_build"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    script = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    done = subprocess.run([sys.executable, "-c", script], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (made,) = (copy / "dist").glob("*.whl")
    return made


def test_every_file_is_in_the_wheel(wheel: Path) -> None:
    files = (path.relative_to(ROOT) for name in PACKAGES for path in (ROOT / name).rglob("*"))
    expected = {str(path) for path in files if path.suffix in USED and "sim_build" not in path.parts}
    assert {"fpga/simulated.cpp", "scripts/templates/report.html.j2", "configs/digits.yaml"} < expected
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if ".dist-info/" not in name} == expected


def test_the_wheel_works(wheel: Path, tmp_path: Path) -> None:
    """Presets by name and the simulated board's program are found where nothing else of the project is."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    script = (
        "from fpga.simulated import MAIN; from golden.config import load_config, resolve_preset\n"
        "path = resolve_preset('digits'); print(MAIN.read_text()[:2], path, load_config(path).network.layers)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["//", f"{tmp_path}/site/configs/digits.yaml", "(64,", "32,", "10)"]
