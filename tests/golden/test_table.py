"""csv:FILE: tables as people have them, and what is wrong with one that is none."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from eqspike.golden import table
from eqspike.golden.idx import DataError
from eqspike.golden.table import read_table


@pytest.fixture
def write(tmp_path: Path):
    """Writes a file, text or bytes, and returns its path."""

    def to(text: str | bytes, name: str = "own.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return to


def test_a_table(write) -> None:
    found = read_table(write("a,Species,b\n1.5,rose,-2e3\n2,daisy,0\n3,rose,.5\n"))
    assert found.values.tolist() == [[1.5, -2000], [2, 0], [3, 0.5]]
    assert (found.labels.tolist(), found.classes) == ([1, 0, 1], ("daisy", "rose"))
    assert found.columns == ("a", "b")


@pytest.mark.parametrize(
    "text",
    [
        "a;b;class\n1,5;2;x\n2,5;3;y\n",
        "a\tb\tclass\n1,5\t2\tx\n2.5\t3\ty\n",
        "\ufeffa,b,class\r\n1.5,2,x\r\n2.5,3,y\r\n",
        ",a,b,class\n0,1.5,2,x\n1,2.5,3,y\n",
        '"a","b","class"\n" 1.5","2"," x "\n\n"2.5","3","y"\n,,\n',
    ],
)
def test_how_spreadsheets_write_it(text: str, write) -> None:
    found = read_table(write(text))
    assert found.values.tolist() == [[1.5, 2], [2.5, 3]]
    assert (found.labels.tolist(), found.classes, found.columns) == ([0, 1], ("x", "y"), ("a", "b"))


@pytest.mark.parametrize(
    ("header", "label", "place"),
    [("a,LABEL,b", "", 1), ("Target,a,b", "", 0), ("a,b,c", "", 2), ("a,b,class", "b", 1), ("a,b,c", "a", 0)],
)
def test_which_column_is_the_label(header: str, label: str, place: int, write) -> None:
    found = read_table(write(f"{header}\n0,1,2\n3,4,5\n"), label)
    assert found.classes == (str(place), str(place + 3))
    assert found.values.shape == (2, 2)


@pytest.mark.parametrize(
    ("labels", "numbers", "classes"),
    [
        (["0", "2", "1"], [0, 2, 1], ("0", "1", "2")),
        (["7", "-1", "30"], [1, 0, 2], ("-1", "7", "30")),
        (["1.0", "2.0", "1"], [0, 1, 0], ("1", "2")),
        (["b", "a10", "a9"], [2, 0, 1], ("a10", "a9", "b")),
        (["1", "two", "1"], [0, 1, 0], ("1", "two")),
    ],
)
def test_labels(labels: list[str], numbers: list[int], classes: tuple[str, ...], write) -> None:
    found = read_table(write("a,label\n" + "".join(f"0,{label}\n" for label in labels)))
    assert (found.labels.tolist(), found.classes) == (numbers, classes)


def test_a_table_of_many_columns(write) -> None:
    """As pictures are often handed on: a header of 8,000 characters."""
    header = ",".join(f"pixel{k}" for k in range(784))
    found = read_table(write(f"label,{header}\n" + "".join(f"{n},{','.join(['12'] * 784)}\n" for n in range(3))))
    assert found.values.shape == (3, 784)
    assert np.all(found.values == 12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("a,b,label\n", "holds no row below its header"),
        ("label\n1\n", "one column; a table needs"),
        ("1,2,3\n4,5,6\n", "line 1 holds numbers; it must name the columns"),
        ("a,a,label\n1,2,3\n", "column 'a' is there twice"),
        ("a,label\n1,x\n1\n", "line 3 has 1 entries, the header 2"),
        ("a,b,label\n1,2,x\n1,red,y\n", "line 3, column 'b': 'red' is not a number; features are numbers"),
        ("a,b,label\n1,,x\n", "line 2, column 'b': is empty; features are numbers"),
        ("a,label\nnan,x\n", "line 2, column 'a': 'nan' is not a number"),
        ("a,label\n1e999,x\n", "line 2, column 'a': '1e999' is too large"),
        ("a,label\n1,x\n2, \n", "line 3: column 'label' is empty, and it is the label"),
        ("a,label\n1,0.5\n2,1\n", "column 'label': example 1: '0.5' is no class; labels are names or whole numbers"),
        ("a,class,target\n1,2,3\n", "'class' and 'target' may both be the labels: say which by --set dataset.label="),
        (b"a,label\n1,\xff\n", "is not a table of text"),
        (b"a,label\n1,\x1b[31m\n", "is no name of a class"),
        ("a,label\n1," + "x" * 200 + "\n", "is no name of a class: up to 100 characters"),
    ],
)
def test_what_is_no_table(text: str | bytes, words: str, write) -> None:
    path = write(text)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_label_that_is_not_there(write) -> None:
    with pytest.raises(DataError, match=r"dataset\.label: 'kind' is not valid; columns of .*own\.csv: a, b"):
        read_table(write("a,b\n1,2\n"), "kind")


def test_damaged_files_are_read_or_refused(write) -> None:
    draw, refused = random.Random(2), 0
    whole = "".join(["a;b;label\n", *(f"{n},5;{n * n};{'xyz'[n % 3]}\n" for n in range(20))]).encode()
    for _ in range(300):
        raw = bytearray(whole)
        at = draw.randrange(len(raw))
        raw[at : at + draw.choice((0, 1, 4))] = draw.randbytes(draw.choice((1, 4)))
        try:
            read_table(write(bytes(raw)))
        except DataError as error:
            refused += "\n" not in str(error)
    assert refused > 150


def test_bounds(tmp_path: Path, write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("a,b,label\n" + "1,2,x\n" * 50)
    monkeypatch.setattr(table, "MOST_ENTRIES", 90)
    with pytest.raises(DataError, match="more than 90 numbers"):
        read_table(path)
    monkeypatch.setattr(table, "MOST_BYTES", 100)
    with pytest.raises(DataError, match="310 bytes; at most 100 are read"):
        read_table(path)
    for path, words in ((tmp_path / "none.csv", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(DataError, match=f"cannot be read: {words}"):
            read_table(path)
