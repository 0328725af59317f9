"""Names of data sets that are none, and what may have been meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspike.golden.configfile import config_from_dict
from eqspike.golden.validation import ConfigError


def said(name: str) -> str:
    with pytest.raises(ConfigError) as caught:
        config_from_dict({"dataset": {"name": name}})
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("irs", "iris"), ("breast_cancer", "breast-cancer"), ("Digits", "digits"), ("fashion", "fashion-mnist"),
        ("image:x/y", "images:x/y"), ("CSV:a.csv", "csv:a.csv"), ("idx:", "idx:PATH"),
    ],
)  # fmt: skip
def test_near_names(name: str, meant: str) -> None:
    assert f"did you mean {meant}? allowed: iris, wine," in said(name)


def test_far_names() -> None:
    assert "is not valid; allowed: iris, wine," in said("something-else-altogether")
    assert "\n" not in said("a\nb")


def test_paths(tmp_path: Path) -> None:
    for name in (
        "a.csv",
        "b.TSV",
        "c.npz",
        "d.bin",
        "idx/train-images-idx3-ubyte.gz",
        "pictures/cat/1.png",
        "no/x.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    for name, kind in (
        ("a.csv", "csv:"),
        ("b.TSV", "csv:"),
        ("c.npz", "npz:"),
        ("idx", "idx:"),
        ("pictures", "images:"),
    ):
        assert f"did you mean {kind}{tmp_path / name}?" in said(str(tmp_path / name))
    for name in ("d.bin", "no"):
        assert "did you mean" not in said(str(tmp_path / name))
