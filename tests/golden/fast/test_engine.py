"""The fast engine gives golden's own bits: weights, accumulators, counters, results and key.

EQSPIKE_DRAWN sets how many networks are drawn, EQSPIKE_DRAWN_SEED where chance begins.
"""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

from cocotb_tests import drawn
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict, load_config
from eqspike.golden.fast import engine, library
from eqspike.golden.modes import INFER, INFER_FIRST_SPIKE, LEARN
from eqspike.golden.network import Network
from eqspike.golden.validation import ConfigError
from tests.golden.variants import BASE, VARIANTS, variant

ROOT = Path(__file__).resolve().parents[3]
PRESETS = sorted((ROOT / "configs").glob("*.yaml"))
ODD = sorted((ROOT / "configs/odd").glob("*.yaml"))
DRAWN = int(os.environ.get("EQSPIKE_DRAWN", "20"))
SEED = int(os.environ.get("EQSPIKE_DRAWN_SEED", "0"))

CALLS = ((0, LEARN), (1, LEARN), (0, INFER), (30, LEARN), (2, INFER_FIRST_SPIKE))
"""(epoch, mode) of each call: learning rates are halved between some."""

pytestmark = pytest.mark.skipif(library.compiler() is None, reason="there is no C compiler")


def pictures(config: Config, count: int, image_seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Random images, of which the second is black and the third white."""
    generator = np.random.default_rng(image_seed)
    images = generator.integers(0, config.input.full_scale + 1, (count, config.network.layers[0]))
    images[1:2], images[2:3] = 0, config.input.full_scale
    return images, generator.integers(0, config.network.layers[-1], count)


def bits(network: Network) -> dict[str, Any]:
    """All that a call of `present_all` leaves."""
    contents = {f"contents {i}": array.tobytes() for i, array in enumerate(network.contents)}
    return contents | {"counters": network.counters.tolist(), "key": network.key}


def is_fast(network: Network) -> bool:
    """Does the fast engine compute it?"""
    return engine.library_for(network.chip(), network.state.input_membrane.dtype) is not None


def differences(config: Config, count: int, image_seed: int = 3) -> list[str]:
    """What differs between golden's kernels and the fast engine after any of `CALLS`."""
    images, labels = pictures(config, count, image_seed)
    plain, fast = Network(config), Network(config)
    assert is_fast(fast)
    found = []
    for epoch, mode in CALLS:
        for network in (plain, fast):
            network.set_epoch(epoch)
        with engine.plain():
            expected = plain.present_all(images, labels, mode)
        results = fast.present_all(images, labels, mode)
        if not np.array_equal(results, expected):
            found.append(f"results in mode {mode}, epoch {epoch}")
        old, new = bits(plain), bits(fast)
        found += [f"{name} in mode {mode}, epoch {epoch}" for name in old if old[name] != new[name]]
    return found


@pytest.mark.parametrize("name", VARIANTS)
def test_variants(name: str) -> None:
    assert differences(variant(name), 6) == []


@pytest.mark.parametrize("path", ODD, ids=[path.stem for path in ODD])
def test_odd_networks(path: Path) -> None:
    assert differences(load_config(path), 6) == []


@pytest.mark.parametrize("number", ["fixed", "real"])
@pytest.mark.parametrize("path", PRESETS, ids=[path.stem for path in PRESETS])
def test_presets(path: Path, number: str) -> None:
    config = load_config(path)
    data = config.replace(number=config.number.__class__(format=number))
    assert differences(data, 4) == []


def check_drawn(count: int, begin: int) -> None:
    """Networks that hypothesis draws, in both number formats."""

    @seed(begin)
    @settings(
        max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )  # fmt: skip
    @given(drawn.configs(), st.sampled_from(["fixed", "fixed", "real"]), st.integers(0, 99))
    def check(data: drawn.Data, number: str, image_seed: int) -> None:
        try:
            config = config_from_dict(data | {"number": {"format": number}})
            network = Network(config)
        except ConfigError:
            assume(False)
        if is_fast(network):
            assert differences(config, 5, image_seed) == []
        else:
            assert network.state.membrane.dtype == np.int64

    check()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, so that drawn networks do not fill the user's."""
    monkeypatch.setattr(library, "user_cache", lambda: tmp_path)
    return tmp_path


def test_drawn_networks(cache: Path) -> None:
    check_drawn(DRAWN, SEED)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(4))
def test_many_drawn_networks(part: int, cache: Path) -> None:
    check_drawn(10 * DRAWN, 1 + SEED * 4 + part)


# ---------------------------------------------------------------------------------------------------------------------
# Images, chunks, choice


@pytest.mark.parametrize("name", ["neuron draws", "real", "faults"])
def test_the_engines_may_take_turns(name: str) -> None:
    """A run goes on with either engine, from any image."""
    config = variant(name)
    images, labels = pictures(config, 12)
    whole, turns = Network(config), Network(config)
    with engine.plain():
        whole.present_all(images, labels, LEARN)
    for at in range(12):
        if at % 3:
            turns.present_all(images[at : at + 1], labels[at : at + 1], LEARN)
        else:
            turns.present(images[at], int(labels[at]), LEARN)
    assert bits(turns) == bits(whole)


def test_counts_of_the_last_image_are_written() -> None:
    """`free_counts`, which `present_all` of golden's kernels fills too."""
    config = variant("neuron draws")
    images, labels = pictures(config, 5)
    found = []
    for chosen in (engine.phases.present_all, engine.present_all):
        network, counts = Network(config), np.zeros(config.network.layers[-1], np.int64)
        pixels = np.ascontiguousarray(images, network.state.input_membrane.dtype)
        results = np.zeros((5, 4), np.int64)
        arguments = network.key, network.chip(), network.empty_trace(), counts, results
        chosen(pixels, np.asarray(labels, np.int64), LEARN, *arguments)
        found.append(counts.tolist())
    assert found[0] == found[1]
    assert any(found[0])


@pytest.mark.parametrize("flags", [("-mno-avx512f",), ("-mno-avx2",), ("-O0",)])
@pytest.mark.parametrize("name", ["two hidden layers", "real", "faults"])
def test_any_processor(name: str, flags: tuple[str, ...], cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same without the widest vectors, and without any optimisation."""
    monkeypatch.setattr(library, "FLAGS", (*library.FLAGS, *flags))
    library.load.cache_clear()
    assert differences(variant(name), 4) == []
    library.load.cache_clear()


def test_plain_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(variant("neuron draws"))
    assert is_fast(network)
    with engine.plain():
        assert not is_fast(network)
    assert is_fast(network)
    monkeypatch.setenv(engine.CHOICE, "plain")
    assert not is_fast(network)
    with engine.plain():
        pass
    assert not is_fast(network)


# ---------------------------------------------------------------------------------------------------------------------
# Planted bugs

PLANTED = [
    ("neuron.h", "u > st->threshold[n]", "u >= st->threshold[n]", "neuron draws"),
    ("neuron.h", "spike ? rest", "spike ? rest + 1", "neuron draws"),
    ("rate.h", "+ delayed_leaving[n]", "- delayed_leaving[n]", "neuron draws"),
    ("nudge.h", "t = end - (int)p->window; t", "t = end - (int)p->window + 1; t", "long phases"),
    ("nudge.h", "> (count_t)p->skip_counts", ">= (count_t)p->skip_counts", "tolerant"),
    ("crossbar.h", "met[n] += new != exact", "met[n] += new > exact", "large steps"),
    ("crossbar.h", "met[k] += new != exact", "met[k] += new > exact", "large steps"),
    ("crossbar.h", "above[k] * own", "above[k] * own * (1 - sends)", "neuron draws"),
    ("number.h", "x < 0 ? ones : 0", "0", "neuron draws"),
    ("number.h", "shift > 0 && x < 0", "0", "nearest, no leak, one sign"),
    ("draw.h", "(-amount & 31)", "(-amount & 15)", "neuron draws"),
    ("step.h", "st->input_membrane[driven] = (input_t)((first", "st->input_membrane[driven] = (input_t)((0", "random"),
    ("pulse.h", "half * ends", "half * middle[n]", "pulses that never meet"),
    ("device.h", "(1 << (FACTOR_BITS - 1))", "0", "faults"),
    ("own.h", "* MIN(x + offset_down, 0)", "* MIN(x - offset_down, 0)", "image end, faults"),
    ("own.h", "(count_t)(rest <= -g.full)", "(count_t)(rest < -g.full)", "gathers"),
    ("sweep.h", "if (p->bias_count)", "if (0)", "gathers"),
    ("phases.c", "stream_key + WEYL", "stream_key + 1", "neuron draws"),
]
"""(file, right, wrong, network): each is found by the comparison."""

MORE: dict[str, dict[str, Any]] = {
    "random": {"input": {"phase": "random"}},
    "long phases": {"learning": BASE["learning"] | {"free_steps": 60}},
    "tolerant": {"learning": BASE["learning"] | {"skip_tolerance": 1.0}},
    "gathers": {"programming": {"when": "image_end", "accumulator": 3, "step": 2.0**-3}},
    "image end, faults": {
        "programming": {"when": "image_end"},
        "device": {"threshold_spread": 0.5, "speed": 1e-2, "write_noise": 1e-3},
    },
}


def planted_config(name: str) -> Config:
    """The config of that name, of `VARIANTS` or `MORE`."""
    if name in VARIANTS:
        return variant(name)
    synapse = {"bits": 8, "range": 0.5, "learning_rate": "2^-3", "draw": "synapse", "init": 1.0}
    return config_from_dict({**BASE, "synapses": [synapse], **MORE[name]})


@pytest.mark.parametrize(("file", "right", "wrong", "name"), PLANTED, ids=[f"{row[0]} {row[1]}" for row in PLANTED])
def test_planted_bugs_are_found(
    file: str, right: str, wrong: str, name: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = planted_config(name)
    assert differences(config, 60) == []
    folder = cache / "fast-planted"
    shutil.copytree(library.SOURCES, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / file).read_text(encoding="utf-8")
    assert right in text
    (folder / file).write_text(text.replace(right, wrong), encoding="utf-8")
    monkeypatch.setattr(engine, "load", functools.partial(library.load, folder=folder))
    assert differences(config, 60) != []
