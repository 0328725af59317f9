"""Which library a core has: found again without elaborating it, unless something that shapes it is another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cocotb_tests import faults
from eqspike.golden.config import Config
from eqspike.sim import harness, library


@pytest.fixture
def elaborated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with each core that is elaborated; nothing is compiled."""
    seen: list[str] = []

    def elaborate(core: object, name: str) -> str:
        seen.append(name)
        return f"core of {core.config.network.layers}"

    def compiled(text: str) -> Path:
        made = tmp_path / "sim" / f"recorder-{abs(hash(text))}" / "recorder.so"
        made.parent.mkdir(parents=True, exist_ok=True)
        made.touch()
        return made

    monkeypatch.setenv("EQSPIKE_BUILD", str(tmp_path))
    monkeypatch.setattr(harness, "to_verilog", elaborate)
    monkeypatch.setattr(library, "library", compiled)
    return seen


def test_a_core_is_elaborated_once(make_config: Callable[..., Config], elaborated: list[str]) -> None:
    config = make_config()
    first = library.core_library(config)
    assert library.core_library(config) == first
    assert elaborated == ["core"]
    library.core_library(make_config(hardware={"lanes": 1}))
    assert elaborated == ["core"] * 2


def test_a_library_that_was_removed_is_made_again(make_config: Callable[..., Config], elaborated: list[str]) -> None:
    first = library.core_library(make_config())
    first.unlink()
    assert library.core_library(make_config()).exists()
    assert elaborated == ["core"] * 2


def test_sources_and_tools_are_part_of_the_key(
    make_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config()
    keys = {library.core_key(config)}
    monkeypatch.setattr(library, "_sources", lambda: "others")
    keys.add(library.core_key(config))
    monkeypatch.setattr(library.tools, "versions", lambda: {"verilator": "another"})
    keys.add(library.core_key(config))
    assert len(keys) == 3


def test_every_source_of_the_circuit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("rtl/link/uart.py", "golden/number.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one")
    monkeypatch.setattr(library, "package_folder", lambda name: tmp_path / name)
    hashes = {library._sources.__wrapped__()}
    for name in ("rtl/link/uart.py", "golden/number.py"):
        (tmp_path / name).write_text("two")
        hashes.add(library._sources.__wrapped__())
    assert len(hashes) == 3


def test_measured_devices_are_part_of_the_key() -> None:
    config = faults.config_of(faults.job("measured"))
    first = library.core_key(config)
    with Path(config.device.file).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert library.core_key(config) != first
