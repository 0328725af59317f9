"""What a run is known by: the config that was asked for, and the sources that made it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from eqspike import golden
from eqspike.lab import runs
from eqspike.lab.runs import config_key, sources_state


def test_a_changed_file_of_devices_is_another_run(tiny: str, make_config) -> None:
    config = make_config(device={"file": "chip.csv"}, synapses=[{"bits": 10, "draw": "synapse"}])
    keys = [config_key(config)]
    for text in ("a", "b"):
        Path("chip.csv").write_text(text)
        keys.append(config_key(config))
    assert len(set(keys)) == 3
    assert config_key(make_config(hardware={"lanes": 3}, name="x")) == config_key(make_config())
    told = make_config(device={"slope_spread": 0.0}, programming={"every": 1})
    assert config_key(told) == config_key(make_config())
    assert config_key(make_config(training={"seed": 8})) != config_key(make_config())


def state_of(folder: Path) -> str:
    return sources_state(folder.rglob("*.py"))


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the golden model's sources that `golden_state` reads in place of them."""
    folder = tmp_path / "golden"
    shutil.copytree(Path(golden.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(golden, "__file__", str(folder / "__init__.py"))
    return folder


def test_the_state_knows_every_source_of_the_model(sources: Path) -> None:
    """Baselines too: a changed learning rule of theirs makes their stored runs old."""
    before = runs.golden_state.__wrapped__()
    for name in ("network.py", "baselines/backprop.py"):
        path = sources / name
        text = path.read_text(encoding="utf-8")
        path.write_text(text + "\nCHANGED = 1\n", encoding="utf-8")
        assert runs.golden_state.__wrapped__() != before, name
        path.write_text(text, encoding="utf-8")
    assert runs.golden_state.__wrapped__() == before


def test_what_makes_a_result_old(tmp_path: Path) -> None:
    """What is computed, not where it stands or what is said about it."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    body = 'def f(x):\n    """Twice."""\n    from a import c\n    return c * x  # twice\n'
    Path(one, "a.py").write_text(f'"""Some."""\nimport numpy\nN = 2\n"""Two."""\n\n\n{body}')
    Path(two, "b.py").write_text("import numpy as np\n" + body.replace("Twice", "Double").replace("from a", "from z"))
    Path(two, "c.py").write_text('"""Other words."""\nN = 2\n')
    assert state_of(one) == state_of(two)
    Path(two, "c.py").write_text("N = 3\n")
    assert state_of(one) != state_of(two)
    Path(two, "c.py").write_text("N = 2\n")
    Path(two, "b.py").write_text(body.replace("* x", "+ x"))
    assert state_of(one) != state_of(two)


def test_other_files_count_byte_by_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    states = set()
    for text in ("a: 1", "a: 1 # one"):
        path.write_text(text)
        states.add(sources_state([path]))
    assert len(states) == 2
