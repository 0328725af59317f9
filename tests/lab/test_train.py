"""The training loop without a folder and without a command line: histories, callbacks, continuation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from eqspike.golden.config import Config
from eqspike.golden.data import Split, load_split
from eqspike.golden.engine import GoldenEngine
from eqspike.golden.network import Network
from eqspike.lab.progress import Progress
from eqspike.lab.train import Epoch, History, add_counters, beginning, train


@pytest.fixture
def config(make_config) -> Config:
    """The small network."""
    return make_config()


def planned(config: Config, epochs: int) -> Config:
    return config.replace(training=dataclasses.replace(config.training, epochs=epochs))


def trained(config: Config, **options: object) -> History:
    return train(config, GoldenEngine(config), load_split(config), **options)


def same(one: History, other: History) -> bool:
    return one.key == other.key and all(map(np.array_equal, one.weights, other.weights))


def test_a_history(config: Config) -> None:
    history = trained(planned(config, 2))
    assert [entry.epoch for entry in history.epochs] == [1, 2]
    assert {entry.engine for entry in history.epochs} == {"golden"}
    network = Network(config)
    network.load_weights(history.weights)
    part = load_split(config)
    assert history.epochs[-1].test_accuracy == network.accuracy(part.test_images, part.test_labels)
    assert history.epochs[-1].counters["images"] == len(part.train_labels)


def test_it_goes_on_exactly(config: Config) -> None:
    whole = trained(planned(config, 3))
    part = trained(planned(config, 1))
    assert not same(part, whole)
    rest = trained(planned(config, 3), start=part)
    assert same(rest, whole)
    assert rest.epochs[0] is part.epochs[0]
    assert same(trained(planned(config, 1), start=rest), rest)  # nothing is left to do


def test_callback_sees_each_epoch_and_may_stop(config: Config) -> None:
    seen: list[History] = []

    def note(history: History) -> bool:
        seen.append(history)
        return len(history.epochs) == 2

    history = trained(planned(config, 5), on_epoch=note)
    assert [len(each.epochs) for each in seen] == [1, 2]
    assert history is seen[-1]
    assert same(seen[0], trained(planned(config, 1)))  # what was told is not changed by what is learned after it


def test_progress_hears_of_every_image_and_epoch(config: Config) -> None:
    class Counting(Progress):
        images, shares, entries = 0, [], []

        @contextmanager
        def epoch(self, number: int, epochs: int, images: int) -> Iterator[Callable[[int, float], None]]:
            def advance(more: int, right: float) -> None:
                self.images += more
                self.shares.append(right)

            yield advance

        def learned(self, entry: Epoch, epochs: int) -> None:
            self.entries.append(entry)

    heard = Counting()
    history = trained(planned(config, 2), progress=heard)
    assert heard.images == 2 * len(load_split(config).train_labels)
    assert heard.shares[-1] == history.epochs[-1].train_accuracy
    assert tuple(heard.entries) == history.epochs


def test_own_arrays_and_empty_parts(config: Config) -> None:
    part = load_split(config)
    data = Split(part.train_images[:10], part.train_labels[:10], part.test_images[:0], part.test_labels[:0])
    (entry,) = train(planned(config, 1), GoldenEngine(config), data).epochs
    assert entry.counters["images"] == 10
    assert entry.test_accuracy is None
    assert entry.train_accuracy is not None
    none = data._replace(train_images=data.train_images[:0], train_labels=data.train_labels[:0])
    assert train(planned(config, 0), GoldenEngine(config), none).epochs == ()
    assert same(train(planned(config, 0), GoldenEngine(config), none), beginning(config))


def test_entries_are_read_as_they_were_written(config: Config) -> None:
    (entry,) = trained(planned(config, 1)).epochs
    written = entry.to_dict()
    assert "cycles" not in written
    assert Epoch.from_dict(written) == entry
    clocked = dataclasses.replace(entry, cycles=5, cycles_per_image=2.5, cycles_per_second=None)
    assert Epoch.from_dict(clocked.to_dict()) == clocked


def test_counters_add_up() -> None:
    assert add_counters({}, {"images": 1, "spikes": [1, 2]}) == {"images": 1, "spikes": [1, 2]}
    assert add_counters({"images": 1, "spikes": [1, 2]}, {"images": 3, "spikes": [0, 5]}) == {
        "images": 4,
        "spikes": [1, 7],
    }
