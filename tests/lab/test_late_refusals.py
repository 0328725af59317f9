"""Configs that cannot be made are refused when they are read, by every command, with what would be right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from eqspike.golden.configfile import config_from_dict
from eqspike.golden.validation import ConfigError
from eqspike.rtl.core import Core

CASES = sorted((Path(__file__).parents[1] / "cases" / "compare").glob("late-refusal-*.yaml"), key=lambda p: p.name)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_refused_when_read(path: Path, fails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, so nothing of "building ..."; a config with the least value that the line names can be made."""
    monkeypatch.chdir(tmp_path)
    line = fails(2, "compare", path, "--images", 1, "--simulator", "icarus")
    assert line.startswith(f"{path}: synapses[")
    assert list(tmp_path.iterdir()) == []
    assert fails(2, "train", path) == line
    data = yaml.safe_load(path.read_text())
    for _ in data["synapses"]:
        layer, least = re.search(r"synapses\[(\d)\]\.learning_rate: .*; at least (\S+)$", line).groups()
        synapse = data["synapses"][int(layer)]
        synapse["learning_rate"] = float(least) / 2
        with pytest.raises(ConfigError, match="is too small for devices"):
            config_from_dict(data)
        synapse["learning_rate"] = float(least)
        try:
            config = config_from_dict(data)
        except ConfigError as error:  # another layer's
            line = str(error)
        else:
            Core(config)
            return
    raise AssertionError(line)


def test_cases_are_there() -> None:
    assert len(CASES) == 6
