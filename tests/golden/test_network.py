"""The whole network: against the algorithm written down again, against itself in plain Python, and its modes."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from math import floor, trunc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eqspike.base.errors import InputError
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.data import epoch_order, load_split
from eqspike.golden.draw import WARM_UP, WEYL, seed_word
from eqspike.golden.modes import INFER, INFER_FIRST_SPIKE, LEARN
from eqspike.golden.network import Network
from tests.golden import chip, variants


class Reference:
    """Algorithm 2 of the thesis with the chip's order of a step, one neuron and one synapse at a time.

    Shares no arithmetic with the golden model: fixed point is done in exact fractions, rounded where the chip rounds.
    Weights are in their LSBs (fixed) or real numbers.
    """

    def __init__(self, config: Config, weights: tuple[np.ndarray, ...], key: int) -> None:
        self.config = config
        self.real = config.number.format == "real"
        self.layers = config.network.layers
        self.last = len(self.layers) - 1
        self.w = [[[v.item() for v in row] for row in matrix] for matrix in weights]
        self.key = key
        self.number = chip.first_numbers(self.layers)
        self.compensation = config.programming.every / config.programming.probability
        if not self.real:  # a multiplier of few bits: to the nearest eighth
            self.compensation = Fraction(round(8 * self.compensation), 8)
        self.threshold = [
            [chip.threshold(config, layer, n) for n in range(size)] for layer, size in enumerate(self.layers)
        ]
        # Devices that take whatever step they are given need no description of their own.
        states = config.device.states and self.real
        self.devices: list[list[list[chip.Device]]] = []
        if not config.device.ideal or states:
            self.devices = [
                [[chip.Device(config, s, i, k) for k in range(self.layers[s + 1])] for i in range(self.layers[s] + 1)]
                for s in range(self.last)
            ]
            for s, matrix in enumerate(self.devices):
                self.w[s] = [
                    [device.load(w) for device, w in zip(*rows, strict=True)]
                    for rows in zip(matrix, self.w[s], strict=True)
                ]
        self.counters = dict.fromkeys(("synops", "programmed", "membrane", "weight"), 0)
        self.layer_writes = [0] * self.last
        self.met = dict.fromkeys(("clipped", "blanked", "spared"), 0)
        """A-EqSpike: how often tails were clipped, and were gone or were not under a pulse."""

    def lsb(self, bits: int) -> Any:
        return 1.0 if self.real else Fraction(1, 2**bits)

    @staticmethod
    def next_word(word: int) -> int:
        word ^= word << 13 & 0xFFFFFFFF
        word ^= word >> 17
        return word ^ (word << 5 & 0xFFFFFFFF)

    @staticmethod
    def draw(word: int, layer: int, neuron: int, bits: int) -> int:
        turn = (11 * neuron + 7 * layer) % 32
        return (word >> turn | word << 32 - turn) & 0xFFFFFFFF & ((1 << bits) - 1)

    def step(self, s: int, rhobar: Any, draw_of: Any, epoch: int) -> Any:
        """The weight step in LSBs of layer s; `draw_of` gives the draw of that many bits."""
        synapse = self.config.synapses[s]
        exact = self.exact(s, rhobar, epoch)
        if self.real:
            return exact
        bits = max(self.config.step_shift(s) + len(synapse.halve_at), 0)
        return chip.rounded(exact, synapse.rounding, draw_of(bits), bits)

    def exact(self, s: int, rhobar: Any, epoch: int) -> Any:
        """The weight step before it is rounded."""
        synapse = self.config.synapses[s]
        slower = 2 ** sum(at <= epoch for at in synapse.halve_at)
        unit = self.config.pulse.amplitude if self.config.pulses else 1
        if self.real:
            return rhobar * unit * synapse.learning_rate * self.compensation / slower
        rate = Fraction(synapse.learning_rate) * Fraction(unit)
        return Fraction(rhobar) * rate * self.compensation / slower * 2**synapse.fraction_bits

    def emitted(self, word: int, pulses: list[list[int]], tails: list[list[Any]]) -> list[list[Any]]:
        """A-EqSpike: what every neuron puts on its side; the tails are those of step t-1."""
        out = [list(row) for row in tails]
        for layer in range(1, self.last + 1):
            for n, tail in enumerate(tails[layer]):
                out[layer][n] = chip.clipped(self.config, tail)
                self.met["clipped"] += out[layer][n] != tail
                if pulses[layer][n]:
                    gone = chip.collides(self.config, word, self.number[layer] + n)
                    self.met["blanked" if gone else "spared"] += 1
                    out[layer][n] *= not gone
        return out

    def pulses(self, t: int, word: int, trains: list[list[list[int]]]) -> list[list[int]]:
        """Which neurons (and the bias behind each layer) send a programming pulse for their spike of step t-1; in
        A-EqSpike those with tails for their spike of half a pulse before."""
        programming, period = self.config.programming, self.config.neuron.refractory
        start = self.config.learning.free_steps if programming.count_from == "nudge" else 0
        out = []
        for layer, train in enumerate(trains):
            beats = [[*row, int(at % period == 0)] for at, row in enumerate(train)]
            row = []
            late = self.config.pulse.length // 2 if self.config.pulses and layer > 0 else 0
            for n, spike in enumerate(beats[-1]):
                if late and n < len(train[-1]):
                    spike = train[-1 - late][n] if len(train) > late else 0
                sends = spike == 1
                if programming.probability < 1:
                    sends &= chip.sends_pulse(self.config, word, self.number[layer] + n)
                sends &= sum(beat[n] for beat in beats[start:]) % programming.every == 0
                row.append(int(sends))
            out.append(row)
        return out

    def program(self, s: int, i: int, k: int, change: Any) -> None:
        limit = self.config.synapses[s].range * (1 if self.real else 2 ** self.config.synapses[s].fraction_bits)
        exact = self.w[s][i][k] + change
        new = min(max(exact, -limit), limit if self.real else int(limit) - 1)
        self.counters["weight"] += new != exact
        self.w[s][i][k] = new if self.real else int(new)

    def learn(self, image: list[int], label: int, epoch: int) -> dict[str, list]:
        c, learning, period = self.config, self.config.learning, self.config.neuron.refractory
        membrane_lsb = self.lsb(c.membrane_fraction_bits)
        rate_lsb = 1 if c.pulses else self.lsb(c.rate.fraction_bits)
        limit = c.neuron.membrane_limit
        full = c.input.full_scale * period
        target = learning.window // period
        word = self.key or 0xFFFFFFFF
        for _ in range(WARM_UP):
            word = self.next_word(word)
        sign = -1 if learning.random_sign and word & 1 else 1
        jump = int(full * 0.6180339887) | 1
        u = [[n * jump % full for n in range(self.layers[0])]]
        u += [[0 * membrane_lsb] * size for size in self.layers[1:]]
        since = [[period] * size for size in self.layers]
        rhobar = [[0 * rate_lsb] * size for size in self.layers]
        trains: list[list[list[int]]] = [[] for _ in self.layers]
        out: dict[str, list] = {name: [] for name in ("membrane", "spikes", "integrator", "counts", "word", "weights")}
        counts = [0] * self.layers[-1]
        steps = learning.free_steps
        t = 0
        nudged = False
        while t < steps:
            word = self.next_word(word)
            current = [[0 * membrane_lsb] * size for size in self.layers]
            if t > 0:
                pulses = self.pulses(t, word, trains) if t > learning.free_steps else []
                signal = self.emitted(word, pulses, rhobar) if pulses and c.pulses else rhobar
                self.serve(t, [train[-1] for train in trains], pulses, signal, current, word, sign, epoch)
            if nudged:
                beta = learning.beta if self.real else Fraction(learning.beta)
                for k in range(self.layers[-1]):
                    error = (target if k == label else 0) - counts[k]
                    current[-1][k] += sign * beta * error / target
            spikes = []
            for n, pixel in enumerate(image):
                u[0][n] += pixel
                spikes.append(int(u[0][n] > full))
                u[0][n] -= full * spikes[-1]
            trains[0].append(spikes)
            for layer in range(1, self.last + 1):
                spikes = []
                for n in range(self.layers[layer]):
                    lost = u[layer][n] * (c.neuron.leak if self.real else Fraction(c.neuron.leak))
                    if not self.real:
                        lost = floor(lost / membrane_lsb) * membrane_lsb
                    exact = u[layer][n] - lost + current[layer][n]
                    u[layer][n] = min(max(exact, -limit), limit if self.real else limit - membrane_lsb)
                    self.counters["membrane"] += u[layer][n] != exact
                    since[layer][n] += 1
                    spikes.append(int(u[layer][n] > self.threshold[layer][n] and since[layer][n] >= period))
                    if spikes[-1]:
                        u[layer][n] -= self.threshold[layer][n]
                        since[layer][n] = 0
                trains[layer].append(spikes)
                for n in range(self.layers[layer]):
                    train = [row[n] for row in trains[layer]]
                    if c.pulses:
                        rhobar[layer][n] = sum(chip.tail(c, t - at) for at, spike in enumerate(train) if spike)
                        continue
                    now = sum(train[max(0, t + 1 - c.rate.filter) : t + 1])
                    end = max(0, t + 1 - c.rate.delay)
                    early = sum(train[max(0, t + 1 - c.rate.delay - c.rate.filter) : end])
                    value = rhobar[layer][n] + (now - early) * (
                        1 / c.rate.filter if self.real else Fraction(1, c.rate.filter)
                    )
                    lost = value * (c.rate.leak if self.real else Fraction(c.rate.leak))
                    if not self.real:
                        lost = trunc(lost / rate_lsb) * rate_lsb
                    rhobar[layer][n] = value - lost
            counts = [
                sum(row[k] for row in trains[-1][max(0, t + 1 - learning.window) :]) for k in range(self.layers[-1])
            ]
            out["membrane"].append([v / membrane_lsb for layer in u[1:] for v in layer])
            out["integrator"].append([v / rate_lsb for layer in rhobar[1:] for v in layer])
            out["spikes"].append([v for train in trains[1:] for v in train[-1]])
            out["counts"].append(counts)
            out["word"].append(word)
            out["weights"].append([[v for row in matrix for v in row] for matrix in self.w])
            t += 1
            if t == learning.free_steps:
                errors = [(target if k == label else 0) - n for k, n in enumerate(counts)]
                tolerance = learning.skip_tolerance
                if tolerance is None or max(map(abs, errors)) > tolerance * target:
                    nudged = True
                    steps += learning.nudge_steps
        self.key = (self.key + WEYL) % 2**32
        return out

    def serve(
        self, t: int, spikes: list[list[int]], pulses: list[list[int]], rhobar: list[list], current: list[list],
        word: int, sign: int, epoch: int,
    ) -> None:  # fmt: skip
        """Spikes of step t-1 (and the bias's) read their synapses; `pulses` (of the nudge phase) program theirs."""
        naive = self.config.pulses and self.config.pulse.variant == "naive"
        for s in range(self.last):
            synapse = self.config.synapses[s]
            lsb = self.lsb(synapse.fraction_bits)
            before, after = self.layers[s], self.layers[s + 1]
            changes: list[tuple[int, int, Any]] = []
            own = bool(self.devices) or (synapse.rounding == "stochastic" and synapse.draw == "synapse")

            def of(row: int, layer: int, n: int, own: bool = own) -> Any:
                drawn = self.next_word(word ^ row * WEYL % 2**32) if own else word
                return lambda bits: self.draw(drawn, layer, n, bits)

            for i in range(before + 1):
                pre = int((t - 1) % self.config.neuron.refractory == 0) if i == before else spikes[s][i]
                for k in range(after):
                    one_way = s == 0 or i == before
                    post = 0 if one_way else spikes[s + 1][k]
                    if pre:
                        current[s + 1][k] += self.w[s][i][k] * lsb
                    if post:
                        # From hidden to hidden neurons a half, where the config does not say how much.
                        back = synapse.feedback or (1 if s + 1 == self.last else 0.5)
                        current[s][i] += self.w[s][i][k] * lsb * (back if self.real else Fraction(back))
                    self.counters["synops"] += pre + post
                    if not pulses:
                        continue
                    pre_writes = pulses[s][i]
                    post_writes = 0 if one_way and not naive else pulses[s + 1][k]
                    if not (pre_writes or post_writes):
                        continue
                    self.counters["programmed"] += pre_writes + post_writes
                    self.layer_writes[s] += pre_writes + post_writes
                    from_row = of(self.number[s] + i, s + 1, k)
                    from_column = None if one_way else of(self.number[s + 1] + k, s, i)
                    if self.devices:
                        met = [rhobar[s + 1][k]] * pre_writes + ([] if one_way else [rhobar[s][i]] * post_writes)
                        if naive:
                            met = [rhobar[s + 1][k] + (0 if one_way else rhobar[s][i])] * (pre_writes + post_writes)
                        halves = [sign * self.exact(s, v, epoch) for v in met]
                        device, draw_of = self.devices[s][i][k], from_row if one_way else from_column
                        # Each device is written once a step, so none of these writes sees another.
                        new, bound = device.write(self.w[s][i][k], halves, word, draw_of(device.draw_bits))
                        changes.append((i, k, (new, bound)))
                        continue
                    if naive:
                        both = rhobar[s + 1][k] + (0 if one_way else rhobar[s][i])
                        draw_of = from_row if one_way else from_column
                        change = self.step(s, (pre_writes + post_writes) * both, draw_of, epoch)
                    elif one_way:
                        change = self.step(s, rhobar[s + 1][k], from_row, epoch)
                    elif own:
                        both = pre_writes * rhobar[s + 1][k] + post_writes * rhobar[s][i]
                        change = self.step(s, both, from_column, epoch)
                    else:
                        change = pre_writes * self.step(s, rhobar[s + 1][k], from_row, epoch)
                        change += post_writes * self.step(s, rhobar[s][i], from_column, epoch)
                    changes.append((i, k, sign * change))
            for i, k, change in changes:
                if self.devices:
                    self.w[s][i][k] = change[0] if self.real else int(change[0])
                    self.counters["weight"] += change[1]
                else:
                    self.program(s, i, k, change)


@pytest.mark.parametrize("name", variants.VARIANTS)
def test_the_algorithm_written_down_again(name: str) -> None:
    config = variants.variant(name)
    network = Network(config)
    found = variants.record(config, network=network)
    fresh = Network(config)
    reference = Reference(config, fresh.initial_weights(), fresh.key)
    images, labels = variants.pictures(config, 4)
    nudged = 0
    for at in range(4):
        out = reference.learn(images[at].tolist(), int(labels[at]), 1 if at == 3 else 0)
        steps = len(out["word"])
        nudged += steps > config.learning.free_steps
        assert steps > config.learning.free_steps or not found[f"{at} result"][3]
        for key in ("membrane", "spikes", "integrator", "counts", "word"):
            same(found[f"{at} {key}"][:steps], np.array(out[key], np.float64))
            assert not found[f"{at} {key}"][steps:].any()
        views = network.views(found[f"{at} weights"][:steps])
        for layer, view in enumerate(views):
            flat = np.array([row[layer] for row in out["weights"]], np.float64)
            same(view.reshape(steps, -1), flat)
    assert nudged >= 2
    if config.pulses:
        low = config.pulse.variant in ("naive", "synch")
        assert (reference.met["clipped"] > 0) != low
        assert (reference.met["blanked"] > 0) != low
        assert (reference.met["spared"] > 0) == (low or config.pulse.variant == "desynch_collision")
    assert int(found["key"]) == reference.key
    counters = network.counter_values()
    assert list(network.layer_writes()) == reference.layer_writes
    network.clear_counters()
    network.present_all(images, labels, INFER_FIRST_SPIKE)  # what `record` counted after learning
    assert not any(network.layer_writes())
    later = network.counter_values()
    for mine, golden in (
        ("synops", "synops"),
        ("programmed", "programming_pulses"),
        ("weight", "weight_saturations"),
        ("membrane", "membrane_saturations"),
    ):
        assert reference.counters[mine] == counters[golden] - later[golden]


def same(found: np.ndarray, expected: np.ndarray) -> None:
    if found.dtype == np.float64:
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    else:
        np.testing.assert_array_equal(found, expected)


def test_compiled_is_plain_python(tmp_path: Path) -> None:
    """The same code without numba, in another process: every array of every variant, to the bit."""
    root = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-m", "tests.golden.variants", tmp_path / "plain.npz"],
        cwd=root, env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root)}, check=True, timeout=300,
    )  # fmt: skip
    compiled = variants.record_all()
    with np.load(tmp_path / "plain.npz") as plain:
        assert set(plain.files) == set(compiled)
        for name, array in compiled.items():
            assert plain[name].dtype == array.dtype, name
            np.testing.assert_array_equal(plain[name], array, err_msg=name)


def test_variants_exercise_the_rules() -> None:
    """So that the two tests above mean something: spikes, steps of weights and clipping happen."""
    for name in variants.VARIANTS:
        config = variants.variant(name)
        network = Network(config)
        variants.record(config, network=network)
        counters = network.counter_values()
        assert all(counters["spikes"]), name
        assert counters["nudged"] >= 2, name
        assert any(np.any(a != b) for a, b in zip(network.weights, network.initial_weights(), strict=True)), name
    network = Network(variants.variant("large steps"))
    variants.record(network.config, network=network)
    assert network.counter_values()["weight_saturations"] > 0


@pytest.mark.parametrize(
    "name",
    ["neuron draws", "two hidden layers, synapse draws", "large steps", "pulses that meet, two hidden layers",
     "half of the pulses that meet, two hidden layers", "pulses that program alone, two hidden layers"],
)  # fmt: skip
def test_32_and_64_bits_agree(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = variants.variant(name)
    small = Network(config)
    assert small.array.dtype == np.int32
    monkeypatch.setattr(Network, "_integer", lambda self: np.int64)
    large = Network(config)
    assert large.array.dtype == np.int64
    first, second = variants.record(config, network=small), variants.record(config, network=large)
    for key, array in first.items():
        np.testing.assert_array_equal(array, second[key], err_msg=key)


def test_wide_sums_take_64_bits(make_config) -> None:
    synapses = [{"bits": 24, "range": 2.0**-5, "learning_rate": 2.0**-20}]
    assert Network(make_config(synapses=synapses)).array.dtype == np.int32
    assert Network(make_config(synapses=synapses, network={"layers": [400, 5, 3]})).array.dtype == np.int64
    # So do membranes that are wider than the currents, and steps that sparse programming makes large.
    wide = make_config(synapses=synapses, neuron={"threshold": 16, "membrane_limit": 32})
    assert Network(wide).array.dtype == np.int64
    synapses[0]["learning_rate"] = 2.0**-9
    config = make_config(synapses=synapses, programming={"probability": 0.001})
    assert Network(config).array.dtype == np.int64


# ---------------------------------------------------------------------------------------------------------------------


def test_chunks_make_no_difference(make_config) -> None:
    config = make_config()
    part = load_split(config)
    whole, pieces, single = Network(config), Network(config), Network(config)
    results = whole.present_all(part.train_images, part.train_labels, LEARN)
    parts = [
        pieces.present_all(part.train_images[at : at + 7], part.train_labels[at : at + 7], LEARN)
        for at in range(0, len(results), 7)
    ]
    assert np.concatenate(parts).tolist() == results.tolist()
    for image, label, row in zip(part.train_images, part.train_labels, results, strict=True):
        outcome = single.present(image, int(label), LEARN)
        assert [outcome.prediction, outcome.first_spike, outcome.first_spike_step, outcome.nudged] == row.tolist()
    for other in (pieces, single):
        assert other.key == whole.key
        assert other.counter_values() == whole.counter_values()
        assert all(np.array_equal(a, b) for a, b in zip(other.weights, whole.weights, strict=True))


def test_continues_from_weights_and_key(make_config) -> None:
    config = make_config()
    part = load_split(config)
    images, labels = part.train_images, part.train_labels
    through = Network(config)
    through.learn(images, labels)
    first = Network(config)
    first.learn(images[:40], labels[:40])
    second = Network(config)
    second.load_weights(first.weights)
    second.key = first.key
    second.learn(images[40:], labels[40:])
    assert second.key == through.key
    assert all(np.array_equal(a, b) for a, b in zip(second.weights, through.weights, strict=True))


def test_inference_changes_nothing(make_config) -> None:
    config = make_config()
    part = load_split(config)
    network = Network(config)
    key, before = network.key, [w.copy() for w in network.weights]
    first = network.present_all(part.test_images, part.test_labels, INFER)
    again = network.present_all(part.test_images, part.test_labels, INFER)
    assert network.key == key
    assert all(np.array_equal(a, b) for a, b in zip(before, network.weights, strict=True))
    assert first.tolist() == again.tolist()
    assert not first[:, 3].any()
    assert network.counter_values()["programming_pulses"] == 0


def test_the_label_tells_inference_nothing(make_config) -> None:
    config = make_config()
    part = load_split(config)
    network = Network(config)
    right = network.present_all(part.test_images, part.test_labels, INFER)
    wrong = network.present_all(part.test_images, (part.test_labels + 1) % 3, INFER)
    assert right.tolist() == wrong.tolist()


@pytest.mark.parametrize("tolerance", [None, 0.0, 0.13, 0.5, 1.0])
def test_skip_rule(tolerance: float | None, make_config) -> None:
    config = make_config(learning={"skip_tolerance": tolerance})
    part = load_split(config)
    network = Network(config)
    for _ in range(12):
        network.learn(part.train_images, part.train_labels)
    network.clear_counters()
    nudged = 0
    for image, label in zip(part.train_images[:40], part.train_labels[:40], strict=True):
        result = network.present(image, int(label), LEARN)
        errors = [abs((8 if k == label else 0) - count) for k, count in enumerate(result.counts)]
        assert result.nudged == (tolerance is None or max(errors) > tolerance * 8)
        nudged += result.nudged
    counters = network.counter_values()
    assert (counters["nudged"], counters["skipped"]) == (nudged, 40 - nudged)
    assert counters["steps"] == 40 * 30 + nudged * 20
    assert {None: nudged == 40, 1.0: nudged == 0}.get(tolerance, True)
    assert tolerance != 0.13 or 0 < nudged < 40


def test_first_spike_mode(make_config) -> None:
    """It stops where the whole free phase has its first output spike, and answers with that output."""
    config = make_config()
    part = load_split(config)
    network = Network(config)
    images, labels = part.train_images, part.train_labels
    for _ in range(3):
        network.learn(images, labels)
    full = network.present_all(images, labels, INFER)
    network.clear_counters()
    early = network.present_all(images, labels, INFER_FIRST_SPIKE)
    assert early[:, 1:3].tolist() == full[:, 1:3].tolist()
    steps = np.where(full[:, 2] < 0, config.learning.free_steps, full[:, 2] + 1)
    assert network.counter_values()["steps"] == steps.sum()
    trace = network.empty_trace(config.learning.free_steps)
    result = network.present(images[np.argmax(full[:, 2])], 0, INFER, trace)
    outputs = trace.spikes[:, -3:]
    assert result.first_spike_step == np.flatnonzero(outputs.any(axis=1))[0]
    assert result.first_spike == np.flatnonzero(outputs[result.first_spike_step])[0]


def test_no_output_spike_at_all(make_config) -> None:
    config = make_config()
    network = Network(config)
    network.load_weights([np.full(w.shape, -1) for w in network.weights])
    for mode in (INFER, INFER_FIRST_SPIKE):
        results = network.present_all(np.full((1, 9), 16), np.zeros(1, np.int64), mode)
        assert results.tolist() == [[0, -1, -1, 0]]


def test_black_image_and_no_images(make_config) -> None:
    config = make_config()
    network = Network(config)
    trace = network.empty_trace(50)
    network.present(np.zeros(9, np.int64), 0, LEARN, trace)
    assert not trace.input_spikes.any()
    assert network.present_all(np.zeros((0, 9)), np.zeros(0), LEARN).shape == (0, 4)
    assert network.accuracy(np.zeros((0, 9)), np.zeros(0)) == 0.0


def test_random_sign(make_config) -> None:
    """Off, every image is nudged toward its target; on, about half of them are nudged away."""

    def nudges(random_sign: bool) -> list[int]:
        config = make_config(learning={"random_sign": random_sign, "skip_tolerance": None})
        network = Network(config)
        network.load_weights([np.zeros(w.shape) for w in network.weights])
        signs = []
        for image in load_split(config).train_images:
            trace = network.empty_trace(50)
            network.present(image, 1, LEARN, trace)
            network.load_weights([np.zeros(w.shape) for w in network.weights])
            signs.append(int(np.sign(trace.membrane[30, 5 + 1])))  # the label's output after the first nudge
        return signs

    assert set(nudges(False)) == {1}
    assert 0.3 < np.mean(np.array(nudges(True)) == 1) < 0.7


def test_schedule(make_config) -> None:
    """Each halving takes one off the left shift; the draws keep their width."""
    synapses = [{"bits": 10, "range": 0.5, "learning_rate": 2.0**-9, "halve_at": [1, 3]}]
    fixed, real = (Network(make_config(synapses=synapses, number={"format": f})) for f in ("fixed", "real"))
    for epoch, passed in ((0, 0), (1, 1), (2, 1), (3, 2), (99, 2)):
        fixed.set_epoch(epoch)
        real.set_epoch(epoch)
        assert fixed.parameters.step_gain.tolist() == [2 - passed] * 2
        assert fixed.parameters.step_shift.tolist() == [7] * 2
        assert real.parameters.step_gain.tolist() == [2.0 ** (-9 - passed)] * 2


@pytest.mark.parametrize("number", ["fixed", "real"])
def test_learns(number: str, make_config) -> None:
    config = make_config(number={"format": number}, training={"seed": 3})
    part = load_split(config)
    network = Network(config)
    for epoch in range(12):
        order = epoch_order(config, epoch, len(part.train_labels))
        network.learn(part.train_images[order], part.train_labels[order])
    assert network.accuracy(part.test_images, part.test_labels) > 0.9


def test_nothing_happens_in_padding(make_config) -> None:
    config = make_config()
    part = load_split(config)
    network = Network(config)
    network.learn(part.train_images, part.train_labels)
    rest = network.array.copy()
    for view in network.views(rest):
        view[:] = 0
    assert not rest.any()
    assert not network.state.spikes[1, 5:].any()
    assert not network.state.integrator[2, 3:].any()


def test_initial_weights(make_config) -> None:
    config = make_config(network={"layers": [400, 300, 10]}, synapses=[{"bits": 16, "range": 1.0, "init": 0.5}])
    network = Network(config)
    assert [w.shape for w in network.weights] == [(401, 300), (301, 10)]
    assert network.real_weights()[0].std() == pytest.approx(0.5 / 20, rel=0.02)
    again = Network(config)
    assert all(np.array_equal(a, b) for a, b in zip(network.weights, again.weights, strict=True))
    other = Network(make_config(network={"layers": [400, 300, 10]}, training={"seed": 8}))
    assert other.key == seed_word(8) != network.key


def test_weights_that_do_not_fit(make_config) -> None:
    network = Network(make_config())
    good = [w.copy() for w in network.weights]
    with pytest.raises(ValueError, match="1 layers of weights; this network has 2"):
        network.load_weights(good[:1])
    with pytest.raises(ValueError, match=r"weights of layer 1 have shape \(5, 3\); this network needs \(6, 3\)"):
        network.load_weights([good[0], good[1][:5]])
    good[1][0, 0] = 512
    with pytest.raises(ValueError, match=r"weights of layer 1 lie outside -512\.\.511"):
        network.load_weights(good)
    real = Network(make_config(number={"format": "real"}))
    bad = [w.copy() for w in real.weights]
    bad[0][0, 0] = np.nan
    with pytest.raises(ValueError, match="layer 0 lie outside"):
        real.load_weights(bad)
    assert config_from_dict({}).number.format == "fixed"


REFUSED = [
    (np.full((2, 9), 0.5), [0, 1], "images: float64; a network takes integers 0 to 16"),
    (np.zeros((2, 8), np.int64), [0, 1], r"images: shape \(.*8.*\); this network has 9 inputs"),
    (np.full((2, 9), 17), [0, 1], "images: values from 17 to 17; a network takes 0 to 16"),
    (np.full((2, 9), -1), [0, 1], "images: values from -1 to -1; a network takes 0 to 16"),
    (np.zeros((2, 9), np.int64), [0, 3], "labels: 3; this network has outputs 0 to 2"),
    (np.zeros((2, 9), np.int64), [0, -1], "labels: -1; this network has outputs 0 to 2"),
    (np.zeros((2, 9), np.int64), [0.0, 1.0], "labels: float64; a network takes integers"),
]


@pytest.mark.parametrize(("images", "labels", "message"), REFUSED)
def test_what_would_be_cast_in_silence_is_refused(images: np.ndarray, labels: list, message: str, make_config) -> None:
    """Floats became 0 or 1, and an output that is not there was the nudge's target."""
    network = Network(make_config())
    with pytest.raises(InputError, match=message):
        network.present_all(images, np.array(labels), LEARN)
    with pytest.raises(InputError, match=message):
        network.present(images[1], np.array(labels)[1], LEARN)
