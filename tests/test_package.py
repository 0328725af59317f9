"""What a wheel of this project holds, and that it works where nothing else of the project is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = tuple(SETTINGS["tool"]["setuptools"]["package-dir"].values())
USED = {".py", ".yaml", ".c", ".h", ".cpp", ".j2", ".js", ".css", ".html", ".typed"}
"""Kinds of files that are needed when it runs."""


def used_files() -> set[Path]:
    """Paths from `ROOT` of all files that a wheel must hold."""
    files = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    return {path.relative_to(ROOT) for path in files if path.suffix in USED and "sim_build" not in path.parts}


def under_one_name(path: Path) -> Path:
    """Where a file of the project stands in the wheel."""
    return path if path.parts[0] == "eqspike" else Path("eqspike") / path


def test_every_folder_is_a_package_of_the_list() -> None:
    """The list in pyproject.toml is that of the tree: a new sub-package must enter it."""
    folders = {under_one_name(path).parent for path in used_files()}
    listed = SETTINGS["tool"]["setuptools"]["packages"]
    assert len(listed) == len(set(listed))
    assert set(listed) == {".".join(folder.parts) for folder in folders}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from a copy by the build backend alone, so that nothing is fetched and nothing left behind."""
    copy = tmp_path_factory.mktemp("wheel")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "sim_build"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    script = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    done = subprocess.run([sys.executable, "-c", script], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (made,) = (copy / "dist").glob("*.whl")
    return made


def test_every_file_is_in_the_wheel(wheel: Path) -> None:
    """And nothing beside the package: no folder of tests, no second name to import."""
    expected = {str(under_one_name(path)) for path in used_files()}
    assert {
        "eqspike/py.typed",
        "eqspike/fpga/simulated.cpp",
        "eqspike/golden/fast/phases.c",
        "eqspike/configs/digits.yaml",
    } < expected
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if ".dist-info/" not in name} == expected


def test_the_wheel_works(wheel: Path, tmp_path: Path) -> None:
    """Presets by name and the simulated board's program are found where nothing else of the project is."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    script = (
        "from eqspike.fpga.simulated import MAIN; from eqspike.golden.configfile import load_config, resolve_preset\n"
        "path = resolve_preset('digits'); print(MAIN.read_text()[:2], path, load_config(path).network.layers)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["//", f"{tmp_path}/site/eqspike/configs/digits.yaml", "(64,", "32,", "10)"]


def files_with_times(folder: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of the last change of each file."""
    return {path: ((s := path.stat()).st_size, s.st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def interpreter(version: str) -> str | None:
    """A Python of that version, None when there is none: on PATH, the tests' own, or pyenv's. A version manager's shim
    may stand on PATH without a version behind it."""
    ask = "import sys; print(*sys.version_info[:2], sep='.')"
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = (shutil.which(f"python{version}"), sys.executable, *sorted(kept.glob(f"{version}.*/bin/python")))
    for candidate in filter(None, candidates):
        if subprocess.run([candidate, "-c", ask], capture_output=True, text=True).stdout.strip() == version:
            return str(candidate)
    return None


COMMANDS = (
    ("train", "toy"),
    ("compare", "toy"),
    ("reproduce", "--list"),
    ("build", "toy", "--board", "icebreaker", "--synthesis"),
)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("version", ["3.11", "3.13"])
def test_installed_in_an_empty_environment(version: str, wheel: Path, tmp_path: Path) -> None:
    """The commands run in an empty folder, and write nothing beside the package, which nobody may change."""
    found = interpreter(version)
    if found is None:
        pytest.skip(f"python{version} is not here")
    place, home, work = tmp_path / "venv", tmp_path / "home", tmp_path / "work"
    subprocess.run([found, "-m", "venv", place], check=True)
    pip = [place / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "install", "-U", "pip", "setuptools"], check=True)
    subprocess.run([*pip, "install", wheel], check=True)
    site = next((place / "lib").glob("python*")) / "site-packages"
    own = {path.parts[0] for path in map(under_one_name, used_files())}
    assert own == {"eqspike"}
    assert not [
        folder for folder in (*FOLDERS, "tests", "cocotb_tests") if folder != "eqspike" and (site / folder).exists()
    ]

    for path in (home, work):
        path.mkdir()
    before = files_with_times(place)
    subprocess.run(["chmod", "-R", "a-w", place], check=True)
    try:
        # The PATH of a system: compilers, and no other environment's tools.
        variables = {"HOME": str(home), "PATH": f"{place}/bin:/usr/bin:/bin"}
        for command in COMMANDS:
            done = subprocess.run(
                [place / "bin" / "eqspike", *command], cwd=work, env=variables, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
        code = re.search(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)[1]
        done = subprocess.run(
            [place / "bin" / "python", "-c", code], cwd=work, env=variables, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert float(done.stdout) > 0.94
        done = subprocess.run(
            [place / "bin" / "eqspike", "results"], cwd=work, env=variables, capture_output=True, text=True
        )
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert "works in the project's own folder" in done.stderr
    finally:
        subprocess.run(["chmod", "-R", "u+w", place], check=True)
    assert files_with_times(place) == before
    assert {path.name for path in work.iterdir()} <= {"runs"}


def test_every_pinned_package_takes_the_oldest_python() -> None:
    """Debian 12's Python is 3.11.2: a pin that asks for 3.11.5 stopped both of the README's commands there."""
    oldest = SETTINGS["project"]["requires-python"].removeprefix(">=") + ".0"
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.M)
    # A package may have put its own reader in place of the library's, which has no None for what is missing.
    asked = {name: metadata(name).get("Requires-Python") or "" for name in pinned}
    assert not {name: versions for name, versions in asked.items() if not SpecifierSet(versions).contains(oldest)}
    assert any(asked.values())
