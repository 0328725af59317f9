"""The compiled program: whole or absent, one for each state of what it is made of, and no need where there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eqspike.golden.fast import engine, library
from eqspike.golden.fast.shape import header, shape_of
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network
from tests.golden.variants import pictures, variant

pytestmark = pytest.mark.skipif(library.compiler() is None, reason="there is no C compiler")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setattr(library, "user_cache", lambda: tmp_path)
    library.load.cache_clear()
    yield tmp_path
    library.load.cache_clear()


def text(name: str = "neuron draws", epoch: int = 0) -> str:
    network = Network(variant(name))
    network.set_epoch(epoch)
    return header(shape_of(network.chip(), np.dtype(np.int32)))


def files(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "fast").iterdir())


def test_one_for_each_shape(cache: Path) -> None:
    assert text() == text(epoch=1), "learning rates are handed over"
    first = library.load(text())
    assert first is library.load(text())
    assert library.load(text("two hidden layers")) is not first
    made = files(cache)
    assert len(made) == 2
    assert all(name.endswith(".so") for name in made)


def test_found_again(cache: Path) -> None:
    library.load(text())
    before = {path: path.stat().st_mtime_ns for path in (cache / "fast").iterdir()}
    library.load.cache_clear()
    library.load(text())
    assert {path: path.stat().st_mtime_ns for path in (cache / "fast").iterdir()} == before


def test_several_processes_at_once(cache: Path) -> None:
    """They all get a whole one, and leave nothing else."""
    script = (
        "import sys; from pathlib import Path; from eqspike.golden.fast import library\n"
        "library.user_cache = lambda: Path(sys.argv[1])\n"
        "print(library.load(sys.stdin.read()) is not None)"
    )
    command = [sys.executable, "-W", "error", "-c", script, str(cache)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in processes:
        process.stdin.write(text())
        process.stdin.close()
    for process in processes:
        assert process.stdout.read() == "True\n"
        process.stdout.close()
        assert process.wait() == 0
    assert len(files(cache)) == 1


def learned(config_name: str = "neuron draws") -> bytes:
    network = Network(variant(config_name))
    network.present_all(*pictures(network.config, 5), LEARN)
    return network.array.tobytes()


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = learned()
    monkeypatch.setattr(library, "compiler", lambda: None)
    library.load.cache_clear()
    network = Network(variant("neuron draws"))
    assert engine.library_for(network.chip(), np.dtype(np.int32)) is None
    assert learned() == expected


def test_a_compiler_that_fails(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """It is said once, and golden's kernels compute."""
    expected = learned()
    monkeypatch.setattr(library, "FLAGS", (*library.FLAGS, "--no-such-flag"))
    library.load.cache_clear()
    with pytest.warns(UserWarning, match="no-such-flag"):
        assert learned() == expected
    assert learned() == expected
    assert len(files(cache)) == 1, "that of the first call alone"


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Then the program stands in a folder of the process's own, which goes with it."""
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(library, "user_cache", lambda: tmp_path / "file")
    assert library.load(text()) is not None
    assert [path.suffix for path in Path(library._scratch().name).iterdir()] == [".so"]
    library._scratch().cleanup()
    library._scratch.cache_clear()


def test_flags_that_the_compiler_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those for speed are left out."""
    monkeypatch.setattr(library, "TUNING", ("--no-such-flag",))
    assert library.load(text()) is not None


def test_the_compiler_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    library.compiler.cache_clear()
    monkeypatch.setenv("CC", "no-such-compiler")
    assert library.compiler() is None
    monkeypatch.delenv("CC")
    library.compiler.cache_clear()
    assert Path(library.compiler()).exists()
    library.compiler.cache_clear()
