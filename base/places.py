"""Places on the disk: what the package brings, and where it may write.

In a checkout, builds stand in `build/` of the project. Installed from a wheel, nothing is written beside the package:
builds and compiled kernels go to the user's cache folder.
"""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import platformdirs

from eqspike.base.errors import UsageProblem


def package_folder(name: str) -> Path:
    """Folder of a sub-package of `eqspike` that holds data: `configs`, `experiments`."""
    return Path(str(resources.files(f"eqspike.{name}")))


def checkout() -> Path | None:
    """Root of the project when it runs from its sources; None when it was installed from a wheel."""
    root = package_folder("base").parent
    return root if (root / "pyproject.toml").is_file() else None


def require_checkout(what: str) -> Path:
    """Root of the project, whose results and pages `what` reads or writes. Raises `UsageProblem` without one."""
    root = checkout()
    if root is None:
        raise UsageProblem(f"{what} works in the project's own folder: this eqspike was installed without it")
    return root


def user_cache() -> Path:
    """The user's cache folder of this program; XDG_CACHE_HOME moves it on Linux. It may not exist yet."""
    return platformdirs.user_cache_path("eqspike", appauthor=False)


def build_root() -> Path:
    """Folder of all simulator builds: EQSPIKE_BUILD, else `build/` of the checkout, else the user's cache folder."""
    if chosen := os.environ.get("EQSPIKE_BUILD"):
        return Path(chosen)
    root = checkout()
    return root / "build" if root else user_cache() / "build"
