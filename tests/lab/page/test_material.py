"""What a page carries: the images of the first epoch, and what the golden model makes of them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eqspike.golden.config import Config
from eqspike.golden.data import epoch_moves, epoch_order, load_parts, load_split, move
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network
from eqspike.lab.configs import read_config
from eqspike.lab.page import material
from eqspike.sim.wasm import Module


def learned(config: Config, images: int) -> Network:
    """The network once it has learned the first images of its training, one by one."""
    network, part = Network(config), load_split(config)
    order = epoch_order(config, 0, len(part.train_labels))[:images]
    moves = epoch_moves(config, 0, len(part.train_labels))[order]
    for image, label in zip(move(part.train_images[order], moves), part.train_labels[order], strict=True):
        network.present(image, int(label), LEARN)
    return network


def test_what_is_expected_is_what_training_does(make_config: Callable[..., Config]) -> None:
    config = make_config(dataset={"name": "random"})
    found = material.expected(config, material.material(config))
    network = learned(config, found["images"])
    assert found["digest"] == material.digest(network.weights, network.key)
    assert found["digest"] != material.digest(network.weights, network.key + 1)
    network.weights[1][0, 0] += 1
    assert found["digest"] != material.digest(network.weights, network.key)


def test_large_sets_are_cut(make_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(material, "TRAIN", 30)
    monkeypatch.setattr(material, "TEST", 9)
    config = make_config()
    found, part = material.material(config), load_split(config)
    first = epoch_order(config, 0, len(part.train_labels))[:30]
    assert (found.train == part.train_images[first]).all()
    assert (found.train_labels == part.train_labels[first]).all()
    assert len(found.test) == 9
    assert np.ptp(np.bincount(found.test_labels)) <= 1
    assert found.classes == tuple("012")


def test_the_first_test_images_are_of_all_classes(
    make_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the data set has its classes one behind the other: the page asks for the first ones."""
    config = make_config()
    parts = load_parts(config)
    order = np.argsort(parts.split.test_labels, kind="stable")
    images, labels = parts.split.test_images[order], parts.split.test_labels[order]
    by_class = parts._replace(split=parts.split._replace(test_images=images, test_labels=labels))
    monkeypatch.setattr(material, "load_parts", lambda config: by_class)
    found = material.material(config)
    assert set(found.test_labels[: len(labels) // 2].tolist()) == {0, 1, 2}
    assert sorted(map(tuple, found.test.tolist())) == sorted(map(tuple, images.tolist()))


def test_the_check_takes_seconds_on_every_network() -> None:
    images = {name: material.check_images(read_config(name)) for name in ("digits", "mnist", "mnist300")}
    assert images == {"digits": 200, "mnist": 25, "mnist300": 20}


def test_packed_twice_is_the_same(make_config: Callable[..., Config], tmp_path: Path) -> None:
    path = tmp_path / "core.wasm"
    path.write_bytes(b"circuit")
    config = make_config()
    trained = material.Trained(Network(config).weights, 5, 3)
    found = material.packed(config, Module(path, "abc"), trained)
    assert found == material.packed(config, Module(path, "abc"), trained)
    about, places = (gzip.decompress(base64.b64decode(found[name])) for name in ("about", "places"))
    told = json.loads(about)
    assert told["check"]["wasm"] == hashlib.sha256(b"circuit").hexdigest()
    assert told["ready"]["digest"] == "abc"
    assert told["trained"] == {"key": 5}
    assert len(np.frombuffer(places, "<u4")) == len(set(np.frombuffer(places, "<u4"))) == 10 * 5 + 6 * 3
