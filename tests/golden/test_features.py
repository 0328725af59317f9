"""Features: fitted on the training part alone, scaled, kept, and applied to other tables."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eqspike.golden import sources
from eqspike.golden.data import load_all, load_parts, load_source, load_split, split_members
from eqspike.golden.features import Encoding, fitted
from eqspike.golden.idx import DataError
from eqspike.golden.sources import Source

NAMES = ("a", "b", "c")


def table(rows: int = 60, seed: int = 0) -> Source:
    """Features of very different sizes, one of them constant, of three classes."""
    draw = np.random.default_rng(seed)
    values = draw.normal(0, 1, (rows, 3)) * [1, 1000, 0] + [0, 5000, 7]
    return Source(values, np.arange(rows) % 3, None, None, NAMES, ("x", "y", "z"))


@pytest.fixture
def config(make_config, monkeypatch: pytest.MonkeyPatch):
    """Makes a config whose data set is `table`, or another source."""

    def make(source: Source | None = None, layers: tuple[int, ...] = (3, 5, 3), **dataset):
        own = table() if source is None else source
        monkeypatch.setitem(sources.SOURCES, "random", lambda fit: own)
        return make_config(network={"layers": list(layers)}, dataset={"name": "random"} | dataset)

    return make


def by_hand(value: float, low: float, high: float, peak: int) -> int:
    if high == low:
        return 0
    return int(np.floor(min(max((value - low) / (high - low), 0), 1) * peak + 0.5))


@pytest.mark.parametrize("settings", [{}, {"brightness": 0.5}, {"train_limit": 12}, {"validation_fraction": 0.25}])
def test_fitted_on_the_training_part(settings: dict, config) -> None:
    own, source = config(**settings), table()
    parts = load_parts(own)
    train, test, _ = split_members(own, source)
    low, high = source.images[train].min(axis=0), source.images[train].max(axis=0)
    assert (parts.encoding.low, parts.encoding.high) == (tuple(low), tuple(high))
    assert (parts.encoding.columns, parts.encoding.classes) == (NAMES, ("x", "y", "z"))
    peak = round(16 * settings.get("brightness", 1))
    for images, chosen in ((parts.split.train_images, train), (parts.split.test_images, test)):
        expected = [
            [by_hand(*args, peak) for args in zip(row, low, high, strict=True)] for row in source.images[chosen]
        ]
        assert images.tolist() == expected
    assert parts.split.train_images[:, :2].max(axis=0).tolist() == [peak, peak]
    assert parts.split.train_images.dtype == np.int64


def test_test_examples_do_not_move_the_scale(config) -> None:
    """An example far outside that is in the test part is cut off, and changes nothing else."""
    own, source = config(), table()
    test = split_members(own, source).test
    far = source.images.copy()
    far[test[0]] = [1e6, -1e9, 8]
    before, after = load_split(own), load_split(config(source._replace(images=far)))
    assert after.train_images.tolist() == before.train_images.tolist()
    assert after.test_images[1:].tolist() == before.test_images[1:].tolist()
    assert after.test_images[0].tolist() == [16, 0, 0]


def test_a_limit_is_part_of_the_fit(config) -> None:
    parts = load_parts(config(), limit=5)
    assert len(parts.split.train_labels) == 5
    assert parts.split.train_images[:, 0].max() == 16
    assert parts.encoding != load_parts(config()).encoding


def test_constant_columns_are_told_of(config) -> None:
    assert load_parts(config()).notes == (
        "dataset random: column 'c' is constant in the training part and becomes 0",
    )  # fmt: skip
    source = table()
    flat = source._replace(images=np.ones((60, 3)), columns=())
    assert load_parts(config(flat)).notes == (
        "dataset random: 3 columns, '0', '1', '2', are constant in the training part and become 0",
    )
    assert load_split(config(flat)).train_images.max() == 0


def test_applied_to_other_tables(config) -> None:
    """As the training part was scaled, whatever the order of columns and whichever classes are there."""
    own = config()
    encoding = load_parts(own).encoding
    assert all(np.array_equal(*pair) for pair in zip(load_split(own), load_split(own, encoding), strict=True))
    few = np.flatnonzero(table().labels != 1)
    labels = np.where(table().labels[few] == 2, 1, 0)
    other = Source(table().images[few][:, [2, 0, 1]], labels, None, None, ("c", "a", "b"), ("x", "z"))
    images, labels = load_all(config(other), encoding)
    low, high = encoding.low, encoding.high
    assert labels.tolist() == table().labels[few].tolist()
    assert images.tolist() == [
        [by_hand(*args, 16) for args in zip(row, low, high, strict=True)] for row in table().images[few]
    ]
    more = other._replace(images=np.c_[other.images, other.images], columns=("c", "a", "b", "d", "e", "f"))
    assert load_all(config(more), encoding)[0].tolist() == images.tolist()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"columns": ("a", "b", "d")}, "no column 'c', which the weights were trained on; it has a, b, d"),
        ({"classes": ("x", "y", "w")}, "label 'w' is none of the classes that the weights were trained on: x, y, z"),
        ({"images": np.zeros((60, 4)), "columns": ()}, "4 features, but the weights were trained on 3"),
    ],
)
def test_other_tables_that_do_not_fit(change: dict, words: str, config) -> None:
    encoding = load_parts(config()).encoding
    with pytest.raises(DataError, match=words):
        load_split(config(table()._replace(**change)), encoding)


def test_features_for_a_network_of_pixels(config) -> None:
    with pytest.raises(DataError, match="has features, but the weights were trained on pixels"):
        load_split(config(), Encoding(classes=("x", "y", "z")))


def test_what_only_pixels_can(config) -> None:
    for key, value in (("shift", 1), ("invert", True)):
        with pytest.raises(DataError, match=rf"dataset\.{key}: {value} is not valid; dataset random has features"):
            load_split(config(**{key: value}))


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ((4, 7, 6, 3), "3 features, but network.layers begins with 4: --set 'network.layers=[3,7,6,3]'"),
        ((3, 7, 2), "3 classes, but network.layers ends with 2: --set 'network.layers=[3,7,3]'"),
    ],
)
def test_the_cure_of_another_network(layers: tuple[int, ...], said: str, config) -> None:
    with pytest.raises(DataError) as caught:
        load_source(config(layers=layers))
    assert str(caught.value) == f"dataset random: {said}"


def test_numbers_that_cannot_be_scaled(config) -> None:
    huge = table()
    huge.images[:, 1] *= 1e200
    with pytest.raises(DataError, match="column 'b': numbers beyond 1e\\+150 cannot be scaled"):
        load_split(config(huge))
    narrow = fitted(np.array([[0.0], [5e-324]]), (), (), "x")
    assert narrow.scaled(np.array([[-1e150], [0], [5e-324], [1e150]]), 256).tolist() == [[0], [0], [256], [256]]


def test_kept_to_the_bit(config) -> None:
    encoding = load_parts(config()).encoding
    again = Encoding.from_dict(json.loads(json.dumps(encoding.to_dict())), 3, 3)
    assert again == encoding
    assert not Encoding()
    assert Encoding.from_dict({}, 3, 3) == Encoding()


WHOLE = {"low": [0.0, 1.0], "high": [1.0, 1.0], "columns": ["a", "b"], "classes": ["x"]}


@pytest.mark.parametrize(
    "change",
    [
        {"low": [0.0]}, {"low": "no"}, {"low": [0.0, float("nan")]}, {"high": [-1.0, 1.0]}, {"high": [1.0, 1e200]},
        {"low": [0, 1]}, {"columns": ["a"]}, {"columns": ["a", "a"]}, {"classes": ["x", "x"]}, {"classes": [1]},
        {"classes": ["x", "y", "z", "w"]}, {"classes": ["\x1b[31m"]}, {"classes": ["x" * 101]}, {"more": []},
        {"low": [0.0, float("inf")]},
    ],
)  # fmt: skip
def test_what_is_no_encoding(change: dict) -> None:
    assert Encoding.from_dict(WHOLE, 2, 3).classes == ("x",)
    with pytest.raises(ValueError, match=r"."):
        Encoding.from_dict(WHOLE | change, 2, 3)


@pytest.mark.parametrize(("name", "layers"), [("iris", (4, 3)), ("wine", (13, 3)), ("breast-cancer", (30, 2))])
def test_tables_of_scikit_learn(name: str, layers: tuple[int, int], make_config) -> None:
    config = make_config(network={"layers": [layers[0], 5, layers[1]]}, dataset={"name": name})
    parts = load_parts(config)
    assert len(parts.encoding.columns) == layers[0]
    assert len(parts.encoding.classes) == layers[1]
    assert parts.notes == ()
    total = len(parts.split.train_labels) + len(parts.split.test_labels)
    assert abs(len(parts.split.test_labels) / total - 0.2) < 0.01


def test_one_example_of_each_class_on_both_sides(config) -> None:
    """Also where the fraction would take all of a small class; a class of one example is named."""
    labels = np.repeat([0, 1, 2], [20, 2, 3])
    source = Source(np.arange(75.0).reshape(25, 3), labels, None, None, NAMES, ("x", "y", "z"))
    for fraction in (0.05, 0.5, 0.9):
        parts = load_split(config(source, test_fraction=fraction))
        assert {*parts.train_labels.tolist()} == {*parts.test_labels.tolist()} == {0, 1, 2}
    alone = source._replace(labels=np.repeat([0, 1, 2], [20, 1, 4]))
    with pytest.raises(DataError, match="none of them of label 'y', of which there are 1"):
        load_split(config(alone))


def test_inverted(make_config) -> None:
    """Black becomes white before anything is scaled."""
    plain, turned = (
        load_split(make_config(network={"layers": [64, 5, 10]}, dataset={"name": "digits", "invert": invert}))
        for invert in (False, True)
    )
    assert turned.train_images.tolist() == (16 - plain.train_images).tolist()


def test_ink_on_paper_is_told_of(tmp_path: Path, make_config) -> None:
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for place in range(3):
            from PIL import Image

            Image.fromarray(np.full((3, 3), 250, np.uint8)).save(tmp_path / label / f"{place}.png")
    (note,) = load_parts(make_config(network={"layers": [9, 5, 2]}, dataset={"name": f"images:{tmp_path}"})).notes
    assert "most of its pictures is white" in note
    assert "--set dataset.invert=true" in note
    settings = {"name": f"images:{tmp_path}", "invert": True}
    assert load_parts(make_config(network={"layers": [9, 5, 2]}, dataset=settings)).notes == ()
