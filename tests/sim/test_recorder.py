"""What is handed to the recorder, without a simulator."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import numpy as np
import pytest

from eqspike.golden.config import Config
from eqspike.rtl.bits import Codec
from eqspike.rtl.core import Core
from eqspike.rtl.streams import image_layout, weight_layout
from eqspike.sim.recorder import _at, _idle, _packed


def test_structs_are_packed_as_one_by_one(make_config: Callable[..., Config]) -> None:
    config = make_config()
    core = Core(config)
    codec = Codec(weight_layout(core.crossbar))
    words = np.arange(core.layout.words)
    data = np.where(words % 2, -3, 2)
    found = _packed(codec, write=1, word=words, lane=1, data=data)
    rows = [int.from_bytes(row.tobytes(), "little") for row in found]
    fields = [
        {"write": 1, "word": int(word), "lane": 1, "data": int(value)} for word, value in zip(words, data, strict=True)
    ]
    assert rows == [codec.pack(each) for each in fields]


@pytest.mark.parametrize("pixel", [-1, 1 << 20])
def test_what_does_not_fit_is_refused(make_config: Callable[..., Config], pixel: int) -> None:
    with pytest.raises(ValueError, match=r"^pixel: .* does not fit into"):
        _packed(Codec(image_layout(make_config())), pixel=np.array([0, pixel]), label=0, mode=1)


def test_idle_cycles() -> None:
    assert _idle(0.0) == []
    assert np.mean(_idle(0.3)) == pytest.approx(0.3 / 0.7, rel=0.03)


def test_what_the_library_is_given_stays_while_it_works() -> None:
    """Halvings were freed before the call: with Python 3.13 other bytes took their place, and rates were wrong."""
    array = np.frombuffer(bytes(8), np.uint32)
    held = weakref.ref(array)
    place = _at(array)
    assert place.value == array.ctypes.data
    del array
    gc.collect()
    assert held() is not None
    del place
    gc.collect()
    assert held() is None
