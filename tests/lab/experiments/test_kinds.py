"""A tiny run of each kind, and the numbers that can be known beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eqspike.golden.configfile import load_config
from eqspike.golden.data import load_split
from eqspike.golden.modes import INFER, LEARN
from eqspike.golden.network import Network
from eqspike.lab.experiments.kinds import first_spike, pulses, stdp
from eqspike.lab.experiments.outcome import Outcome
from eqspike.lab.experiments.spec import Experiment, Header, Minutes, Panel, kind_module
from eqspike.lab.runner import run_job
from eqspike.lab.runs import WEIGHTS, Store

PANELS: dict[str, tuple[str, ...]] = {
    "rhobar": ("rate", "none", "end", "start"),
    "law": ("rate", "ramp"),
    "weights": ("1", "2"),
    "pulses": ("every pulse", "drawn pulses"),
}


def outcome_of(kind: str, seeds: tuple[int, ...] = (0,), **parameters: Any) -> Outcome:
    """Run all jobs of a kind here, and what comes of them."""
    module = kind_module(kind)
    own = module.Parameters(**parameters)
    own.validate("parameters")
    panels = tuple(Panel(name=name) for name in PANELS.get(kind, ("",)))
    told = Header(title="t", reference="fig 2.1", about="a", kind=kind, minutes=Minutes(quick=1, full=1), panels=panels)
    jobs, store = module.jobs(own, seeds), Store(Path("out"))
    for job in jobs.values():
        assert run_job(job, store.folder) == (job.key, None)
    records: dict[str, Any] = {name: store.load(job) for name, job in jobs.items()}
    assert None not in records.values()
    records["weights"] = {name: store.weights(job) for name, job in jobs.items() if job.needs == WEIGHTS}
    return module.outcome(Experiment("x", told, own, own), own, seeds, records)


def mean(outcome: Outcome, name: str) -> dict[str, float]:
    return {number: entry["mean"] for number, entry in outcome.quantities[name].items()}


def test_transfer(tiny: str) -> None:
    found = outcome_of("transfer", config=tiny, points=11, low=-0.5, high=2)
    assert mean(found, "highest rate") == {"real": 1, "fixed": 1}
    assert mean(found, "rate without current") == {"real": 0, "fixed": 0}
    assert max(mean(found, "largest distance from the hard sigmoid").values()) <= 0.02


def test_rhobar(tiny: str) -> None:
    found = outcome_of("rhobar", config=tiny)
    assert mean(found, "ramps whose sign is right") == {"real": 1, "fixed": 1}
    # The leak acts after the spike is added: V settles at rate (1 - leak) / leak.
    ratio = mean(found, "rho-bar over (tau / gamma_LI) times the rate's derivative")
    assert ratio["real"] == pytest.approx(0.9, abs=0.02)
    assert mean(found, "largest distance between the two places")["real"] < 1e-12
    assert mean(found, "noise left by the filter at the end")["real"] < 0.5


def test_law(tiny: str) -> None:
    case = kind_module("law").Case
    cases = (case(name="a"), case(name="b", set=("synapses.1.rounding=nearest",)))
    found = outcome_of("law", config=tiny, points=12, cases=cases)
    assert mean(found, "rate: R², a")["real"] > 0.99
    assert mean(found, "rate: change at 0, part of the range, a")["real"] < 0.02
    assert {s.panel for s in found.series} == {"rate", "ramp"}
    # Real numbers are not rounded.
    assert mean(found, "ramp: R², b - a")["real"] == 0
    expected = mean(found, "ramp: R², b")["fixed"] - mean(found, "ramp: R², a")["fixed"]
    assert mean(found, "ramp: R², b - a")["fixed"] == pytest.approx(expected)


def test_pulses_that_coincide(tiny: str) -> None:
    changes = ("learning.signal=pulse", "pulse.variant=desynch")
    found = outcome_of("pulses", config=tiny, set=changes, steps=60, runs=2)
    assert mean(found, "highest voltage at the synapse") == {"real": 2, "fixed": 2}
    assert mean(found, "largest part over the threshold") == {"real": 1, "fixed": 1}
    assert mean(found, "net change of the device") == {"real": 0, "fixed": 0}
    trains = outcome_of("pulses", config=tiny, set=changes, rate=0.25, steps=60, runs=60)
    for share in mean(trains, "coinciding pulses that are left").values():
        assert share == pytest.approx(0.25, abs=0.05)
    for share in mean(trains, "pulses that are sent").values():
        assert share == pytest.approx(0.5, abs=0.05)


def test_voltages() -> None:
    seen = pulses.voltages(np.array([0.2, 0.3, -0.1]), np.array([0, 1, 0]))
    assert list(seen) == [0.2, 0.2, 1, -0.7, -0.1, -0.1]


def test_weights(tiny: str) -> None:
    found = outcome_of("weights", seeds=(0, 1), config=tiny, epochs=1, bound=0.5, reach=0.6, bins=12)
    assert mean(found, "layer 1: weights within the bounds") == {"real": 100, "fixed": 100}
    assert found.quantities["layer 2: standard deviation"]["fixed"]["count"] == 2
    for series in found.series:
        assert sum(series.y) == pytest.approx(1)


@pytest.mark.parametrize("shows", ["accuracy", "activity", "synops"])
def test_training(shows: str, tiny: str) -> None:
    found = outcome_of("training", seeds=(0, 1), config=tiny, epochs=2, shows=shows, last=1)
    assert all(len(series.x) == 2 for series in found.series)
    if shows == "synops":
        each = mean(found, "SynOps a training image")["fixed"]
        joules = mean(found, "energy of 50 epochs of 60,000 such images")["fixed"]
        assert joules == pytest.approx(each * 3e6 * 10e-12)


def test_accuracy(tiny: str, run) -> None:
    line = kind_module("accuracy").Line
    lines = (
        line(name="EqSpike", x=(1, 2), vary=("rate.filter={x}",)),
        line(name="BPTT", baseline="bptt", set=("baseline.free_steps=4", "baseline.nudge_steps=2")),
        line(name="cited", cited=50.0),
    )
    own = {"config": tiny, "epochs": 2, "lines": lines, "apart": ("EqSpike at 1 - BPTT",), "train": True}
    found = outcome_of("accuracy", seeds=(3,), **own)
    assert set(found.quantities["BPTT"]) == {"real"}
    assert mean(found, "cited") == {"": 50}
    change = ["--set", "rate.filter=2", "--seed", 3, "--epochs", 2, "--out", "a"]
    assert run("train", tiny, *change).exit_code == 0
    import json

    metrics = json.loads(Path("a/metrics.json").read_text())
    assert mean(found, "EqSpike at 2")["fixed"] == pytest.approx(100 * metrics["mean_last_5_test_accuracy"])
    assert mean(found, "train, EqSpike at 2")["fixed"] == pytest.approx(100 * metrics["epochs"][-1]["train_accuracy"])
    one, two = (mean(found, f"EqSpike at {x}") for x in (1, 2))
    assert mean(found, "loss, EqSpike at 2")["real"] == pytest.approx(one["real"] - two["real"])
    best = max(one["fixed"], two["fixed"])
    assert mean(found, "behind the best, EqSpike at 1")["fixed"] == pytest.approx(best - one["fixed"])
    # Baselines have real numbers only: fixed point is compared with those.
    assert mean(found, "EqSpike at 1 - BPTT")["fixed"] == pytest.approx(one["fixed"] - mean(found, "BPTT")["real"])


def test_first_spike_counts_what_the_counters_count(tiny: str) -> None:
    config = load_config(tiny)
    network, part = Network(config), load_split(config)
    images, labels = part.test_images[:7], part.test_labels[:7]
    network.clear_counters()
    results = network.present_all(images, labels, INFER)
    counters = network.counter_values()
    seen = first_spike.observe(network, images, labels)
    assert seen["synops"][:, -1].sum() == counters["synops"]
    assert seen["spikes"][:, -1].sum() == sum(counters["spikes"])
    assert list(seen["decided"]) == list(results[:, 2])
    assert seen["first"][:, -1].sum() == (results[:, 1] == labels).sum()
    for row, step in zip(seen["first"], results[:, 2], strict=True):
        assert not row[: step if step >= 0 else None].any()
    found = outcome_of("first_spike", config=tiny, epochs=1, at=5, images=9)
    end = mean(found, "accuracy by the highest rate at the end")["fixed"]
    first = mean(found, "accuracy by the first spike at t = 5 / f_max")["fixed"]
    assert mean(found, "points lost by the first spike at t = 5 / f_max")["fixed"] == pytest.approx(end - first)


def test_stdp_finds_what_algorithm_3_says(make_config) -> None:
    changed = {"free_steps": 30, "nudge_steps": 20, "window": 16, "skip_tolerance": None, "random_sign": False}
    network = Network(make_config(learning=changed))
    part = load_split(network.config)
    trace = network.empty_trace(50, weights=True)
    about = stdp.Measured(images=1, window=20, lag=5, slowest=0, sample=0)
    pairs, expected = stdp.Pairs(20, 0, 0), {}
    for image, label in zip(part.train_images[:4], part.train_labels[:4], strict=True):
        network.present(image, int(label), LEARN, trace)
        weights = trace.weights[:, :9, :5]
        stdp.collect(trace, weights, range(30, 50), about, 0, pairs)
        for t in range(30, 50):
            for i in range(5):
                times = [s for s in range(t - 19, t + 1) if trace.spikes[s, i]]
                for k in range(9):
                    if trace.input_spikes[t, k] and times:
                        where = int(np.floor(np.mean(times) - (t - 9.5)))
                        change = int(weights[t, k, i]) - int(weights[t - 5, k, i])
                        expected.setdefault(where, []).append(change)
    assert expected
    for where, changes in expected.items():
        assert pairs.counts[where + pairs.half] == len(changes)
        assert pairs.sums[where + pairs.half] == sum(changes)
    assert pairs.counts.sum() == sum(map(len, expected.values()))


def test_stdp_leaves_slow_neurons_out(make_config) -> None:
    network = Network(make_config(learning={"skip_tolerance": None, "random_sign": False}))
    part = load_split(network.config)
    trace = network.empty_trace(50, weights=True)
    network.present(part.train_images[0], int(part.train_labels[0]), LEARN, trace)
    about = stdp.Measured(images=1, window=20, lag=5, slowest=0, sample=3)
    counts = []
    for slow in (0, 3, 1000):
        pairs = stdp.Pairs(20, 3, 0)
        stdp.collect(trace, trace.weights[:, :9, :5], range(30, 50), about, slow, pairs)
        counts.append(pairs.counts.sum())
    assert counts[0] >= counts[1] >= counts[2] == 0
    assert counts[0] > 0


def test_stdp(tiny: str) -> None:
    cases = tuple(stdp.Case(name=f"beta {b}", set=(f"learning.beta={b}",)) for b in (0.25, 1))
    own = {"config": tiny, "set": ("learning.random_sign=false",), "images": 20, "window": 20, "lag": 5, "least": 1}
    found = outcome_of("stdp", cases=cases, sample=9, **own)
    assert set(mean(found, "highest change, last curve over first")) == {"real", "fixed"}
    assert all(s.style == "dots" and 0 < len(s.x) <= 9 for s in found.series)
    assert all(s.style == "plain" for s in outcome_of("stdp", cases=cases, **own).series)


def test_stdp_correlation() -> None:
    pairs = stdp.Pairs(20, 0, 0)
    random = np.random.default_rng(0)
    x, y = [], []
    for _ in range(5):
        distance, change = random.uniform(-9, 9, 4), random.normal(size=(3, 4))
        pairs.add(distance, change)
        x += list(np.tile(distance, 3))
        y += list(change.ravel())
    assert pairs.correlation() == pytest.approx(np.corrcoef(x, y)[0, 1])


def test_healing(tiny: str) -> None:
    found = outcome_of("healing", config=tiny, epochs=2, more=3, stuck=(0, 0.5))
    # Without stuck devices nothing happens at the fault.
    assert mean(found, "accuracy before, 0 % stuck") == mean(found, "accuracy right after, 0 % stuck")
    after, healed = (
        mean(found, f"accuracy {what}, 50 % stuck") for what in ("right after", "after learning on (go on)")
    )
    regained = mean(found, "points regained (go on), 50 % stuck")
    assert regained == pytest.approx({number: healed[number] - after[number] for number in after})
    curve = next(s for s in found.series if s.name == "50 % stuck")
    assert curve.x == [1, 2, 2.5, 3, 4, 5]


def test_learning_on_without_stuck_devices_is_a_longer_training(tiny: str, run) -> None:
    import json

    draws = ("synapses.0.draw=synapse", "synapses.1.draw=synapse")
    found = outcome_of("healing", config=tiny, set=draws, epochs=2, more=1, stuck=(0,), rates=("go on",))
    change = [text for draw in draws for text in ("--set", draw)]
    assert run("train", tiny, *change, "--seed", 0, "--epochs", 3, "--out", "a").exit_code == 0
    last = json.loads(Path("a/metrics.json").read_text())["last_test_accuracy"]
    assert mean(found, "accuracy after learning on (go on), 0 % stuck")["fixed"] == pytest.approx(100 * last)
