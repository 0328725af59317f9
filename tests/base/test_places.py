"""Where the package finds its own files, and where it writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspike.base import places
from eqspike.base.errors import UsageProblem

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As when it was installed from a wheel: the package stands where no project is. The user's cache folder."""
    monkeypatch.setattr(places, "package_folder", lambda name: tmp_path / "site" / "eqspike" / name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("EQSPIKE_BUILD", raising=False)
    return tmp_path / "cache"


def test_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EQSPIKE_BUILD", raising=False)
    assert places.checkout() == ROOT
    assert places.require_checkout("results") == ROOT
    assert places.build_root() == ROOT / "build"
    assert (places.package_folder("configs") / "digits.yaml").is_file()


def test_an_installed_package_builds_in_the_cache(installed: Path) -> None:
    assert places.checkout() is None
    assert places.build_root() == installed / "eqspike" / "build"


def test_what_needs_the_project_says_so(installed: Path) -> None:
    with pytest.raises(UsageProblem, match=r"^eqspike results works in the project's own folder"):
        places.require_checkout("eqspike results")


def test_builds_go_where_the_user_says(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EQSPIKE_BUILD", str(tmp_path / "mine"))
    assert places.build_root() == tmp_path / "mine"
