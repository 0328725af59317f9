"""Flips in the golden model: without one, an image as `Network.present` presents it; with one, that bit alone."""

from __future__ import annotations

import numpy as np
import pytest

from eqspike.golden.data import load_split
from eqspike.golden.modes import INFER, LEARN
from eqspike.golden.network import Network
from eqspike.golden.upset import BETWEEN_IMAGES, PLACES, Cell, Upset, cells, draw, flipped, owners, present_struck

VARIANTS = {
    "filtered": {},
    "unfiltered": {"rate": {"leak": "2^-3", "delay": 12, "filter": 1}},
    "sparse": {"programming": {"every": 3}},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_without_a_flip_it_is_the_network(variant: str, make_config) -> None:
    config = make_config(**VARIANTS[variant])
    part = load_split(config)
    whole, other = Network(config), Network(config)
    seen = set()
    for number, (image, label) in enumerate(zip(part.train_images[:12], part.train_labels[:12], strict=True)):
        mode = INFER if number % 4 == 3 else LEARN
        expected = whole.present(image, int(label), mode)
        # Flips after steps that are not, or in a list that is empty, fall on nothing: the steps are cut all the same.
        late = [Upset(Cell("membrane", 1, 0), 0, 49, 0, 0)]
        struck = present_struck(other, image, int(label), mode, late)
        seen.add(expected.nudged)
        assert struck.result == expected
        assert other.key == whole.key
        np.testing.assert_array_equal(other.array, whole.array)
        assert other.counter_values() == whole.counter_values()
    assert seen == {False, True}


def test_a_flip_in_each_place(make_config) -> None:
    """Each kind of memory that this network has is there with all of its bits, and a flip in it is felt."""
    config = make_config()
    part = load_split(config)
    generator = np.random.default_rng(3)
    found = cells(config)
    assert {cell.place for cell in found} == set(PLACES)
    assert len(set(found)) == len(found)
    felt = dict.fromkeys(PLACES, 0)
    start, images = Network(config), len(part.train_labels)
    start.learn(part.train_images, part.train_labels)
    by_place = {place: [cell for cell in found if cell.place == place] for place in PLACES}
    for number, cell in enumerate(found + [own[n % len(own)] for own in by_place.values() for n in range(12)]):
        whole, other = Network(config), Network(config)
        for network in (whole, other):
            network.load_weights(start.weights)
        image, label = part.train_images[number % images], int(part.train_labels[number % images])
        upset = draw(config, generator, cell)
        assert 0 <= upset.index < owners(config, cell)
        whole.present(image, label, LEARN)
        struck = present_struck(other, image, label, LEARN, [upset])
        assert len(struck.done) <= 1
        same = (whole.array == other.array).all() and whole.key == other.key
        felt[cell.place] += not (same and whole.counter_values() == other.counter_values())
        if cell.place in BETWEEN_IMAGES:
            assert len(struck.done) == 1
    assert all(felt.values()), felt


def test_one_bit() -> None:
    assert flipped(0, 3, 4) == -8
    assert flipped(-8, 3, 4) == 0
    assert flipped(-1, 0, 4) == -2
    assert flipped(5, 3, 4, signed=False) == 13
    for value in range(-128, 128):
        for bit in range(8):
            other = flipped(value, bit, 8)
            assert -128 <= other < 128
            assert flipped(other, bit, 8) == value
            assert bin((other ^ value) & 255).count("1") == 1


def test_twice_the_same_flip_is_none(make_config) -> None:
    """The steps between two flips are one kernel: cut at every step or not, the image is the same."""
    config = make_config()
    part = load_split(config)
    many, one = Network(config), Network(config)
    generator = np.random.default_rng(5)
    chosen = [cell for cell in cells(config) if cell.place == "membrane" and cell.bit == 6]
    upsets = [draw(config, generator, chosen[n % len(chosen)]) for n in range(30)]
    # Twice the same flip is none.
    twice = [upset for upset in upsets for _ in range(2)]
    for image, label in zip(part.train_images[:5], part.train_labels[:5], strict=True):
        struck = present_struck(many, image, int(label), LEARN, twice)
        assert struck.result == one.present(image, int(label), LEARN)
        np.testing.assert_array_equal(many.array, one.array)
