"""The reader of YAML takes plain data, and refuses in one line what would mean something else than was written."""

from __future__ import annotations

import itertools
import os
import random
import time
from pathlib import Path

import pytest
import yaml

from eqspike.base.errors import UsageProblem
from eqspike.base.strict_yaml import DEEPEST, MOST_BYTES, YamlError, parse_yaml, read_yaml

CONFIGS = sorted((Path(__file__).parents[2] / "configs").rglob("*.yaml"))
EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").rglob("*.yaml"))


@pytest.mark.parametrize("path", [*CONFIGS, *EXPERIMENTS], ids=lambda path: path.stem)
def test_files_of_the_project_mean_what_pyyaml_says(path: Path) -> None:
    assert read_yaml(path) == yaml.safe_load(path.read_text())


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", None),
        ("a: [1, -2, 0x1f, +0]", {"a": [1, -2, 31, 0]}),
        ("[1.5, -.5, 2., 1.0e-3, 2^-7, 1e5]", [1.5, "-.5", 2.0, 0.001, "2^-7", "1e5"]),
        ("[null, ~, true, no, 'no', 2026-11-30]", [None, None, True, False, "no", "2026-11-30"]),
        ("text: |\n  two\n  lines\n", {"text": "two\nlines\n"}),
        ("\ufeffa: é", {"a": "é"}),
        ("one: &x {a: 1, b: 2}\ntwo: {<<: *x, b: 3}\nthree: *x", {
            "one": {"a": 1, "b": 2}, "two": {"a": 1, "b": 3}, "three": {"a": 1, "b": 2},
        }),
        ("'012': '1:30'", {"012": "1:30"}),
    ],
)  # fmt: skip
def test_taken(text: str, data: object) -> None:
    assert parse_yaml(text) == data


def test_aliases_are_copies() -> None:
    """A change of one (`--set`) does not change the other."""
    data = parse_yaml("a: &x [1]\nb: *x")
    data["a"].append(2)
    assert data["b"] == [1]


PAIRS = tuple(itertools.pairwise("abcdefgh"))
BOMB = "a: &a [x]\n" + "".join(f"{n}: &{n} [{', '.join([f'*{m}'] * 9)}]\n" for m, n in PAIRS)
MERGED = "a: &a {x: 1}\n" + "".join(f"{n}: &{n} {{<<: [{', '.join([f'*{m}'] * 9)}]}}\n" for m, n in PAIRS)
"""Documents of a few lines that stand for millions of values."""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3", "line 3: the key 'a' is given twice, first in line 1"),
        ("x: {a: 1, 'a': 1}", "line 1: the key 'a' is given twice, first in line 1"),
        ("x:\n- {k: {a: 1,\n    a: 1}}", "line 3: the key 'a' is given twice, first in line 2"),
        ("n: 012", "line 1: 012 can be read in two ways"),
        ("n: -007", "line 1: -007 can be read in two ways"),
        ("n: 1:30", "line 1: 1:30 can be read in two ways"),
        ("n: 1:30.5", "line 1: 1:30.5 can be read in two ways"),
        ("n: 1_000", "line 1: 1_000 can be read in two ways"),
        ("n: 1_0.5", "line 1: 1_0.5 can be read in two ways"),
        ("n: 0b11", "line 1: 0b11 can be read in two ways"),
        ("n: " + "9" * 400, "line 1: a whole number of 400 digits; at most 18"),
        ("n: " + "9" * 5000, "line 1: a whole number of 5,000 digits; at most 18"),
        ("n: 0x" + "f" * 500, "line 1: a whole number of 502 digits"),
        ("n: 1.0e+999", "line 1: 1.0e+999 is too large for a number"),
        ("n: 1.0e-999", "line 1: 1.0e-999 is too small for a number"),
        ("[" * 3000 + "]" * 3000, f"line 1: is nested more than {DEEPEST} levels deep"),
        ("\n".join(" " * n + "a:" for n in range(40)), "levels deep"),
        ("a: &x [*x]", "line 1: the alias *x stands in what it repeats"),
        (BOMB, "values"),
        (MERGED, "values"),
        ('a: "b\\0c"', "line 1: the character U+0000 cannot be shown"),
        ('"\\e[31m": 1', "line 1: the character U+001B cannot be shown"),
        ("a: \u202edx", "line 1: the character U+202E cannot be shown"),
        ('a: "\\ud800"', "line 1: the character U+D800 cannot be shown"),
        ('a: "\\U99999999"', "is not valid YAML"),
        ('a: "\\U0011ffff"', "is not valid YAML"),
        ("a: 1\nb: \0", "line 2 is not valid YAML: the character U+0000 is not allowed"),
        ("a: !!int x", "line 1: tags such as tag:yaml.org,2002:int are not taken"),
        ("!!python/object/apply:os.system [x]", "line 1: tags"),
        ("!x {a: 1}", "line 1: tags such as !x are not taken"),
        ("1: a", "line 1: the key 1 is not a word"),
        ("on: a", "line 1: the key True is not a word"),
        ("? [a]\n: b", "line 1: the key there is not a word"),
        ("a: [", "line 1 is not valid YAML"),
        ("a: b: c", "line 1 is not valid YAML: mapping values are not allowed here"),
        ("a: 1\n---\nb: 2", "is not valid YAML"),
        ("*x", "is not valid YAML: found undefined alias"),
        ("%YAML 9.9\n---\na", "is not valid YAML"),
        ("a: " + "x" * MOST_BYTES, "at most 1,048,576"),
    ],
)  # fmt: skip
def test_refused(text: str, said: str) -> None:
    start = time.process_time()
    with pytest.raises(YamlError) as caught:
        parse_yaml(text)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250
    assert time.process_time() - start < 60  # the bombs would take years


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    for make, said in (
        (lambda: path.write_text("a: 1\na: 2"), ": line 2: the key 'a' is given twice, first in line 1"),
        (lambda: path.write_bytes(b"\xff\xfe"), ": is not a text file (UTF-8)"),
        (lambda: path.write_bytes(b"#" * (MOST_BYTES + 1)), ": cannot be read: 1,048,577 bytes; at most 1,048,576"),
        (path.unlink, ": cannot be read: No such file or directory"),
        (lambda: os.mkfifo(path), ": cannot be read: is not a regular file"),
    ):
        make()
        with pytest.raises(UsageProblem) as caught:
            read_yaml(path)
        assert str(caught.value).startswith(f"{path}{said}")


WORDS = ("{", "}", "[", "]", ":", ",", "- ", "&a ", "*a", "<<: *a", "!!int ", '"', "'", "\\", "|", ">", "#", "? ",
         "%YAML 1.2", "---", "...", "\t", "012", "1:30", ".inf", "2^-9", "~", "null", "\x1b", "\ufeff", '"\\ud800"',
         "\n", '"\\U99999999"', "é", "@", "=", "1.e3", "name: x", "seed: 1", "- - -", "9" * 5000)  # fmt: skip


def test_damaged_files_are_read_or_refused() -> None:
    """Whatever is put into a file: plain data, or one line."""
    draw = random.Random(7)
    whole = (Path(__file__).parents[2] / "configs" / "toy.yaml").read_text()
    taken, refused = 0, []
    for _ in range(300):
        text = whole if draw.random() < 0.8 else "".join(draw.choices(WORDS, k=12))
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(text))
            text = text[:at] + draw.choice(WORDS) + text[at + draw.choice((0, 0, 1, 5)) :]
        try:
            data = parse_yaml(text)
        except YamlError as error:
            refused.append(str(error))
        else:
            taken += data is not None
    assert 10 < taken < 250
    assert all(said.isprintable() and len(said) < 250 for said in refused)
