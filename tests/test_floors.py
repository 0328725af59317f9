"""The floors hold: each package of `eqspike` imports only from those below it, and no modules import each other in a
circle. The imports are read from the sources, those inside functions too."""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FLOORS = ("scripts", "eqspike", "lab", "asic", "fpga", "sim", "rtl", "golden", "base", "configs", "experiments")
"""Top down. `eqspike` is the public API, `import eqspike`; the last two are data."""
TESTS = ("cocotb_tests", "formal", "tests")
CIRCUIT_READS = (
    "config", "sections", "device_section", "configfile", "validation",  # what is asked for
    "modes", "counters",  # names that both use
    "number", "derived", "draw",  # formats, constants that follow from a config, seeds and keys
    "cells",  # what a place of the weight memory holds
    "device_numbers", "deviations", "measured",  # devices: their constants and what tells one from another
)  # fmt: skip
"""Modules of the golden model that the circuit may import: one number stands in one place. What the model computes step
by step, the circuit computes itself."""
NAMED = re.compile(r"eqspike(\.\w+)+(:\w+)?")
"""A text that names a module, or a function in it: such names are imported when they are used."""


@dataclass(frozen=True)
class Import:
    """A module that a file imports, or names in a text of its own; `top` when it is imported as the file is."""

    module: str
    line: int
    top: bool


def module_of(path: Path, root: Path) -> str:
    """The name under which a file is imported."""
    parts = path.relative_to(root).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(parts if parts[0] in ("eqspike", *TESTS) else ("eqspike", *parts))


def sources(root: Path) -> dict[str, Path]:
    """All modules of the project, by name."""
    paths = (path for folder in (*FLOORS, *TESTS) for path in sorted((root / folder).rglob("*.py")))
    return {module_of(path, root): path for path in paths}


def imports(module: str, path: Path, known: dict[str, Path]) -> Iterator[Import]:
    """What a module imports: of `from package import name`, the module `name` where there is one."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    late = {id(child) for node in ast.walk(tree) if _is_late(node) for child in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            whole = [f"{base}.{alias.name}" for alias in node.names]
            names = [name if name in known else base for name in whole]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and NAMED.fullmatch(node.value):
            yield Import(node.value.partition(":")[0], node.lineno, False)
            continue
        else:
            continue
        for name in dict.fromkeys(names):
            yield Import(name, node.lineno, id(node) not in late)


def _is_late(node: ast.AST) -> bool:
    """Whether what stands in it does not run as the file is imported."""
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def floor_of(module: str) -> str:
    """The floor, or the outermost package of what is none."""
    first, _, rest = module.partition(".")
    second = rest.partition(".")[0]
    return second if first == "eqspike" and second in FLOORS else first


def objection(module: str, imported: str) -> str | None:
    """Why a module may not import another; None when it may."""
    floor, other = floor_of(module), floor_of(imported)
    if imported.partition(".")[0] in FLOORS and not imported.startswith("eqspike"):
        return f"is eqspike.{imported}"
    if floor in TESTS:
        return None
    if other in (*TESTS, "conftest"):
        return "is for tests only"
    if other not in FLOORS:
        return None
    if FLOORS.index(other) < FLOORS.index(floor):
        return f"stands above {floor}"
    if floor == "rtl" and other == "golden" and imported.split(".")[2:3] not in [[name] for name in CIRCUIT_READS]:
        return "is not among the constants that the circuit takes from the golden model"
    return None


def violations(root: Path) -> list[str]:
    """One line for each import that a floor may not make, and one for a circle."""
    known = sources(root)
    found, graph = [], {}
    for module, path in known.items():
        graph[module] = set()
        for entry in imports(module, path, known):
            if why := objection(module, entry.module):
                found.append(f"{path.relative_to(root)}:{entry.line}: {entry.module} {why}")
            if entry.top and entry.module in known:
                graph[module].add(entry.module)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle = error.args[1][::-1]
        path = known[circle[0]]
        lines = [i.line for i in imports(circle[0], path, known) if i.top and i.module == circle[1]]
        found.append(f"{path.relative_to(root)}:{lines[0]}: a circle: {' imports '.join(circle)}")
    return found


def test_each_floor_imports_from_below() -> None:
    assert violations(ROOT) == []


def test_the_project_is_read() -> None:
    known = sources(ROOT)
    assert {floor_of(module) for module in known} == {*FLOORS, *TESTS}
    assert len(known) > 200
    assert "eqspike.rtl.core" in {i.module for i in imports("eqspike.sim.driver", ROOT / "sim/driver.py", known)}


PLANTED = [
    ("sim/run.py", "def f():\n    from eqspike.fpga import host\n", "sim/run.py:2: eqspike.fpga.host stands above sim"),
    ("sim/run.py", "from eqspike import fpga\n", "sim/run.py:1: eqspike.fpga stands above sim"),
    ("sim/run.py", "JOB = 'eqspike.lab.runs:go'\n", "sim/run.py:1: eqspike.lab.runs stands above sim"),
    ("golden/net.py", "import eqspike.rtl.core\n", "golden/net.py:1: eqspike.rtl.core stands above golden"),
    ("rtl/link/uart.py", "from ...sim import run\n", "rtl/link/uart.py:1: eqspike.sim.run stands above rtl"),
    ("lab/train.py", "import eqspike\n", "lab/train.py:1: eqspike stands above lab"),
    (
        "eqspike/__init__.py",
        "from .scripts import cli\n",
        "eqspike/__init__.py:1: eqspike.scripts.cli stands above eqspike",
    ),
    ("scripts/cli.py", "import tests.chip\n", "scripts/cli.py:1: tests.chip is for tests only"),
    ("tests/chip.py", "import os, golden.net\n", "tests/chip.py:1: golden.net is eqspike.golden.net"),
    ("lab/train.py", "try:\n    from rtl import core\nexcept E: pass\n", "lab/train.py:2: rtl is eqspike.rtl"),
    (
        "rtl/core.py",
        "from eqspike.golden.config import Config\nfrom eqspike.golden import net\n",
        "rtl/core.py:2: eqspike.golden.net is not among the constants that the circuit takes from the golden model",
    ),
    (
        "fpga/host.py",
        "from . import boards\n",
        "fpga/boards.py:2: a circle: eqspike.fpga.boards imports eqspike.fpga.host imports eqspike.fpga.boards",
    ),
]


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


GOOD = {
    "base/__init__.py": "",
    "golden/__init__.py": "",
    "golden/config.py": "import numpy\nfrom eqspike.base import errors\n",
    "golden/net.py": "from .config import Config\n",
    "rtl/__init__.py": "",
    "rtl/core.py": "from eqspike.golden.config import Config\n",
    "rtl/link/uart.py": "from ..core import Core\n",
    "sim/run.py": "from eqspike.rtl import core\n",
    "fpga/__init__.py": "",
    "fpga/host.py": "def f():\n    from eqspike.fpga import boards\n",
    "fpga/boards.py": "import sys\nfrom eqspike.fpga.host import f\n",
    "lab/train.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from eqspike.lab import runs\n",
    "lab/runs.py": "from eqspike.lab import train\n",
    "eqspike/__init__.py": "from eqspike.lab.train import train\n",
    "scripts/cli.py": "import eqspike\nimport eqspike.lab.runs\n",
    "tests/chip.py": "import eqspike.scripts.cli\nimport cocotb_tests\n",
}


def test_what_is_allowed(tmp_path: Path) -> None:
    _write(tmp_path, GOOD)
    assert violations(tmp_path) == []


@pytest.mark.parametrize(("file", "text", "expected"), PLANTED, ids=[row[2] for row in PLANTED])
def test_what_is_not(tmp_path: Path, file: str, text: str, expected: str) -> None:
    _write(tmp_path, GOOD | {file: text})
    assert violations(tmp_path)[0] == expected  # It may close a circle too.
