"""The recorder inside the compiled simulator against the one through cocotb: the same words of every kind, the same
verdict, on cores as they are and on cores with a bug."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from cocotb_tests import mutations, networks, planting
from cocotb_tests.mutations import CORE, MUTATIONS, Mutation
from eqspike.base.files import write_text
from eqspike.golden.modes import INFER, LEARN
from eqspike.golden.network import Network
from eqspike.rtl.core import Core
from eqspike.sim import compare, harness, library
from eqspike.sim.recorder import Recorder

FIRST = ("5-3-2", "sweep-devices-7-5-3")
"""Small ones: programming at each step and at the image's end."""
EVERY = [pytest.param(name, marks=() if name in FIRST else pytest.mark.soak) for name in networks.NAMES]

PLANTED = {
    "window off by one": (), "a bank's word not written": pytest.mark.soak,
    "first spike of the last image": pytest.mark.soak,
    "stream key stands still": pytest.mark.soak, "gathered pulses of one sign": pytest.mark.soak,
    "stage: judging counts as idle": pytest.mark.soak,
}  # fmt: skip
"""Bugs that show in a step's state, the weights, a result, the key, accumulators, and the shares of cycles."""
BUGS = [
    pytest.param(bug, marks=PLANTED[bug.name], id=bug.name)
    for bug in MUTATIONS
    if bug.module == CORE and bug.name in PLANTED
]
assert len(BUGS) == len(PLANTED)
FLEETING = Mutation(
    name="a result that nobody took goes", file="image_port.py", module=CORE, job="core",
    old="with m.If(self.results.valid & self.results.ready):", new="with m.If(self.results.valid):",
)  # fmt: skip


def both(text: str, job: dict) -> tuple[dict, dict]:
    """The reports of both recorders on the same Verilog."""
    job = job | {"keep": True}
    return harness.Build(text, "core", "verilator").run(CORE, job), compare.compare(library.library(text), job)


def differing(ours: object, theirs: object, place: str = "") -> list[str]:
    """Where two of the same structure differ."""
    if dataclasses.is_dataclass(ours):
        ours, theirs = vars(ours), vars(theirs)
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), place
        return [found for key in ours for found in differing(ours[key], theirs[key], f"{place} {key}")]
    if isinstance(ours, list | tuple):
        assert len(ours) == len(theirs), place
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [found for i, (one, other) in pairs for found in differing(one, other, f"{place} {i}")]
    return [] if np.array_equal(ours, theirs) else [place]


def timing(place: str) -> bool:
    """Is it one of the measurements that say how long the core waited for its host?"""
    return place.endswith((" measured stages idle", " measured elapsed"))


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_both_record_the_same(name: str) -> None:
    """Odd networks, all modes, halved learning rates, idle cycles on every stream: every word, result and counter."""
    config, job = networks.odd(name), mutations.odd_job(name)
    ours, theirs = both(harness.to_verilog(Core(config), "core"), job)
    for report in (ours, theirs):
        assert report.pop("seconds") > 0
        assert report["mismatches"] == 0
    found = differing(ours, theirs)
    if job["ahead"]:  # Pixels and results draw their idle cycles in another order.
        found = [place for place in found if not timing(place) and place != " simulated_cycles"]
    assert found == []
    assert ours["images"] == len(job["images"])
    assert ours["compared"]["weights"] > 3000
    assert all(len(values) for shown in ours["shown"] for values in (shown.recorded.words, shown.recorded.spikes))


def planted(bug: Mutation, folder: Path) -> tuple[str, dict]:
    """The Verilog of a core with that bug, and its job."""
    planting.plant(planting.Instance("core", bug.job, bug), folder)
    write_text(folder / "plan", json.dumps([[CORE, bug.job, "core"]]))
    subprocess.run([sys.executable, "-m", "cocotb_tests.planting", str(folder)], cwd=planting.PROJECT, check=True)
    return (folder / "top.v").read_text(encoding="utf-8"), mutations.target(CORE, bug.job)[1]


@pytest.fixture(autouse=True)
def _own_builds(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep builds with bugs out of build/."""
    if "bug" in request.node.name:
        monkeypatch.setenv("EQSPIKE_BUILD", str(tmp_path / "build"))


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_both_find_the_same_bug(bug: Mutation, tmp_path: Path) -> None:
    ours, theirs = both(*planted(bug, tmp_path))
    assert ours["first_mismatch"] is not None
    for key in ("first_mismatch", "mismatches", "images", "compared", "cycles", "simulated_cycles"):
        assert ours[key] == theirs[key], key


@pytest.mark.soak
def test_both_say_of_a_bug_that_an_offer_was_not_kept(tmp_path: Path) -> None:
    text, job = planted(FLEETING, tmp_path)
    with pytest.raises(harness.SimulationError) as theirs:
        harness.Build(text, "core", "verilator").run(CORE, job)
    with pytest.raises(harness.SimulationError) as ours:
        compare.compare(library.library(text), job)
    (said,) = theirs.value.failures.values()
    assert str(ours.value) == said
    assert said.startswith("Mismatch: results: what was offered at ")


@pytest.fixture
def waiting() -> Iterator[Callable[[int], Recorder]]:
    """Makes a recorder whose core waits for an image that nobody sends."""
    config = networks.odd("5-3-2")
    made: list[Recorder] = []

    def make(limit: int) -> Recorder:
        core, network = Core(config), Network(config)
        made.append(Recorder(library.core_library(config), config, core, limit=limit))
        made[-1].begin(network.key, network.contents, 0)
        return made[-1]

    yield make
    for recorder in made:
        recorder.__exit__(None, None, None)


@pytest.mark.slow
def test_a_core_that_hangs_is_given_up(waiting: Callable[[int], Recorder]) -> None:
    with pytest.raises(harness.SimulationError, match=r"^the core gave no result in 5000 cycles$"):
        waiting(5000).finish(0, sent=True)


@pytest.mark.slow
def test_a_signal_is_heard_while_it_simulates(waiting: Callable[[int], Recorder]) -> None:
    recorder = waiting(1 << 62)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            recorder.finish(0, sent=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.slow
def test_weights_key_and_rates_between_images() -> None:
    """As a page sets them; what golden learns from there is what the core learns. An image that is read leaves them."""
    config, job = networks.odd("5-3-2"), mutations.odd_job("5-3-2")
    network, core = Network(config), Core(config)
    images, labels = job["images"], [int(label) for label in job["labels"]]
    with Recorder(library.core_library(config), config, core) as recorder:
        recorder.begin(network.key, network.contents, 0)

        def present(number: int, mode: int) -> None:
            recorder.queue(images[number], labels[number], mode)
            shown = recorder.finish(0, sent=True)
            golden = network.present(images[number], labels[number], mode)
            assert shown.result["prediction"] == golden.prediction
            assert shown.result["counts"] == list(golden.counts)
            assert shown.key == network.key

        present(0, LEARN)
        broken = [np.where(np.arange(w.size).reshape(w.shape) % 2, w, 0) for w in network.weights]
        network.load_weights(broken)
        network.key = 12345
        recorder.write_weights(network.contents)
        recorder.set_key(network.key)
        present(1, INFER)
        assert network.key == 12345
        assert all(map(np.array_equal, recorder.read_weights(), broken))
        last = max(max(s.halve_at, default=0) for s in config.synapses)
        network.set_epoch(last)
        recorder.set_epoch(last)
        present(2, LEARN)
        assert network.key != 12345
        assert all(map(np.array_equal, recorder.read_weights(), network.contents))
        assert not all(map(np.array_equal, network.contents, broken))
