"""Back-propagation: gradients against finite differences, optimisers against their formulas, writes against eq 3.2."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from eqspike.golden.baselines import BackpropNetwork, make_baseline, read_settings
from eqspike.golden.deviations import gains, layer_devices
from eqspike.golden.device_section import FREE
from eqspike.golden.draw import NOISE_DEVIATION

SOFTWARE = ("devices=false",)


def network(config, name: str = "bp-sgd", *changes: str) -> BackpropNetwork:
    """The baseline on the config's own ranges of weights, unless `changes` say otherwise."""
    made = make_baseline(config, read_settings(name, [f"baseline.{c}" for c in ("range=null", *changes)]))
    assert isinstance(made, BackpropNetwork)
    return made


def outputs(weights, x: np.ndarray, alpha: list[np.ndarray] | None = None) -> np.ndarray:
    """The feed-forward network from matrices alone."""
    a = x
    for s, w in enumerate(weights):
        z = np.append(a, 1.0) @ w
        z = z if alpha is None else z * alpha[s]
        a = 1 / (1 + np.exp(-z)) if s == len(weights) - 1 else np.clip(z, 0, 1)
    return a


def images_of(config, count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(5)
    return draw.integers(0, 17, (count, config.network.layers[0])), draw.integers(0, config.network.layers[-1], count)


@pytest.mark.parametrize("layers", [(4, 6, 3), (5, 7, 6, 2)])
def test_gradient_is_the_slope_of_the_cost(layers, make_config) -> None:
    """Central differences of 1e-5 in float64: their own error is 1e-10, rounding adds 1e-16 / 1e-5."""
    made = network(make_config(network={"layers": list(layers)}), "bp-sgd", *SOFTWARE)
    images, labels = images_of(made.config, 3)
    largest = 0.0
    for image, label in zip(images, labels, strict=True):
        for w, g in zip(made.weights, made.gradient(image, int(label)), strict=True):
            for place in np.ndindex(w.shape):
                kept, sides = w[place], []
                for h in (1e-5, -1e-5):
                    w[place] = kept + h
                    error = outputs(made.weights, image / 16) - np.eye(layers[-1])[label]
                    sides.append(np.mean(error**2))
                w[place] = kept
                slope = (sides[0] - sides[1]) / 2e-5
                assert g[place] == pytest.approx(slope, abs=1e-9)
                largest = max(largest, abs(slope))
    assert largest > 0.01


def test_sgd(make_config) -> None:
    made = network(make_config(), "bp-sgd", *SOFTWARE, "learning_rate=[0.5, 0.25]", "halve_at=[1]")
    images, labels = images_of(made.config)
    expected = [w.copy() for w in made.weights]
    for epoch in range(2):
        for image, label in zip(images, labels, strict=True):
            gradient = made.gradient(image, int(label))
            made.learn(image[None], [label], epoch)
            expected = [w - rate / 2**epoch * g for w, g, rate in zip(expected, gradient, (0.5, 0.25), strict=True)]
            for w, new in zip(made.weights, expected, strict=True):
                np.testing.assert_allclose(w, new, atol=1e-13)


def test_adam(make_config) -> None:
    """Kingma and Ba's algorithm 1."""
    made = network(make_config(), "bp-adam", *SOFTWARE, "learning_rate=0.01", "moment1=0.8", "moment2=0.95")
    images, labels = images_of(made.config)
    expected = [w.copy() for w in made.weights]
    m, v = ([np.zeros_like(w) for w in expected] for _ in range(2))
    for t, (image, label) in enumerate(zip(images, labels, strict=True), 1):
        gradient = made.gradient(image, int(label))
        made.learn(image[None], [label], 0)
        for s, g in enumerate(gradient):
            m[s] = 0.8 * m[s] + 0.2 * g
            v[s] = 0.95 * v[s] + 0.05 * g * g
            expected[s] -= 0.01 * (m[s] / (1 - 0.8**t)) / (np.sqrt(v[s] / (1 - 0.95**t)) + 1e-8)
            np.testing.assert_allclose(made.weights[s], expected[s], atol=1e-12)


@pytest.mark.parametrize("name", ["bp-sgd", "bp-adam"])
def test_ideal_devices_only_bound_the_weights(name: str, make_config) -> None:
    config = make_config()
    wide, software = network(config, name, "range=16"), network(config, name, *SOFTWARE)
    narrow = network(config, name, "range=0.25", "learning_rate=0.5")
    images, labels = images_of(config)
    for made in (wide, software, narrow):
        made.learn(images, labels, 0)
    assert np.array_equal(wide.array, software.array)
    assert wide.pulses == software.pulses > 0
    assert narrow.array.min() == -0.25
    assert narrow.array.max() == 0.25


def change_and_devices(config, name: str = "bp-sgd") -> tuple[list[np.ndarray], list[np.ndarray], BackpropNetwork]:
    """(weights before, dW asked for by SGD, network after one image)."""
    made = network(config, name, "learning_rate=0.02")
    before = [w.copy() for w in made.weights]
    images, labels = images_of(config, 1)
    asked = [-0.02 * g for g in made.gradient(images[0], int(labels[0]))]
    made.learn(images, labels, 0)
    return before, asked, made


def test_a_pulse_leaves_what_the_device_takes(make_config) -> None:
    """Slopes, thresholds and curves by eq 3.2, device by device: one half of the pulse acts."""
    device = {
        "slope_up": 0.8, "slope_spread": 0.2, "threshold_spread": 0.3, "speed": 1e-2, "nonlinearity_up": 1.2,
        "nonlinearity_down": 0.7,
    }  # fmt: skip
    config = make_config(
        network={"layers": [20, 12, 5]}, device=device, synapses=[{"draw": "synapse", "range": 0.5, "init": 1}]
    )
    before, asked, made = change_and_devices(config)
    real = made.config
    kinds = set()
    for s, (old, dw) in enumerate(zip(before, asked, strict=True)):
        drawn = layer_devices(real, s)
        g = (old + 0.5) / 1.0
        up = np.maximum(dw - drawn.offset_up, 0) * drawn.slope_up * np.exp(1.2 * (1 - g)) * (dw > 0)
        down = np.minimum(dw + drawn.offset_down, 0) * drawn.slope_down * np.exp(0.7 * g) * (dw < 0)
        np.testing.assert_allclose(made.weights[s], np.clip(old + up + down, -0.5, 0.5), atol=1e-13)
        kinds |= {("up", bool(np.any(up > 0))), ("down", bool(np.any(down < 0)))}
        kinds.add(("too weak", bool(np.any((dw != 0) & (up == 0) & (down == 0)))))
        # The half that is not sent would have written too.
        kinds.add(("other half up", bool(np.any((dw < 0) & (dw > drawn.offset_up)))))
        kinds.add(("other half down", bool(np.any((dw > 0) & (dw < -drawn.offset_down)))))
    wanted = ("up", "down", "too weak", "other half up", "other half down")
    assert {(kind, True) for kind in wanted} <= kinds


def test_noise_comes_with_every_pulse_and_with_nothing_else(make_config) -> None:
    config = make_config(
        network={"layers": [40, 30, 10]}, device={"write_noise": 1e-3},
        synapses=[{"draw": "synapse", "range": 1, "init": 0.5}],
    )  # fmt: skip
    before, asked, made = change_and_devices(config)
    noise = np.concatenate([(w - old - dw)[dw != 0] for w, old, dw in zip(made.weights, before, asked, strict=True)])
    still = np.concatenate([(w - old)[dw == 0] for w, old, dw in zip(made.weights, before, asked, strict=True)])
    assert noise.std() == pytest.approx(2e-3, rel=0.1)
    assert abs(noise.mean()) < 4 * 2e-3 / np.sqrt(len(noise))
    assert len(still) > 20
    assert not still.any()
    assert made.pulses == len(noise)
    assert len(np.unique(np.round(noise / (2e-3 / NOISE_DEVIATION)))) > 10


def test_stuck_devices_and_states(make_config) -> None:
    config = make_config(
        network={"layers": [12, 20, 5]}, device={"stuck_on": 0.2, "stuck_off": 0.1, "states": 64},
        synapses=[{"draw": "synapse", "range": 0.5}],
    )  # fmt: skip
    made = network(config, "bp-adam", "learning_rate=0.02")
    stuck = [layer_devices(made.config, s).stuck for s in range(2)]
    start = [w.copy() for w in made.weights]
    images, labels = images_of(config)
    made.learn(images, labels, 0)
    for w, old, s in zip(made.weights, start, stuck, strict=True):
        assert np.all(w[s == 1] == 0.5 - 1 / 64)
        assert np.all(w[s == 2] == -0.5)
        assert np.array_equal(w * 64, np.rint(w * 64))
        assert np.mean(w[s == FREE] != old[s == FREE]) > 0.5


def test_states_keep_the_mean_change(make_config) -> None:
    """Stochastic rounding: a change far below a state moves some devices by a whole one."""
    config = make_config(
        network={"layers": [60, 40, 10]}, device={"states": 64}, synapses=[{"draw": "synapse", "range": 0.5}]
    )
    made = network(config, "bp-adam", "learning_rate=0.004")
    before = [w.copy() for w in made.weights]
    images, labels = images_of(config, 1)
    gradient = made.gradient(images[0], int(labels[0]))
    made.learn(images, labels, 0)
    # ADAM's first change is the rate, with the sign against the gradient.
    moved = np.concatenate([
        ((w - old) * -np.sign(g))[np.abs(g) > 1e-6] for w, old, g in zip(made.weights, before, gradient, strict=True)
    ])  # fmt: skip
    assert set(np.unique(np.round(moved * 64))) == {0, 1}
    assert moved.mean() == pytest.approx(0.004, rel=0.2)


def test_neurons_gain_is_unknown_to_the_optimiser(make_config) -> None:
    """g(x) = f(alpha x) forward, f'(x) backward (section 3.8.1)."""
    config = make_config(neuron={"gain_spread": 0.4})
    made = network(config, "bp-sgd", "range=8")
    alpha = [np.maximum(a, 0) for a in gains(made.config)[1:]]
    assert np.ptp(alpha[0]) > 0.2
    images, labels = images_of(config, 30)
    answers = np.array([outputs(made.weights, image / 16, alpha) for image in images])
    assert np.array_equal(made.predict(images), answers.argmax(axis=1))
    for image, label, answer in zip(images, labels, answers, strict=True):
        z = np.append(np.clip(np.append(image / 16, 1) @ made.weights[0] * alpha[0], 0, 1), 1) @ made.weights[1]
        f = 1 / (1 + np.exp(-z))
        expected = 2 / 3 * (answer - np.eye(3)[label]) * f * (1 - f)
        np.testing.assert_allclose(made.gradient(image, int(label))[1][-1], expected, atol=1e-14)
    ideal = network(config, "bp-sgd", *SOFTWARE)
    assert np.all(ideal.gain == 1)


def test_pieces_and_a_break_change_nothing(make_config) -> None:
    config = make_config(device={"write_noise": 1e-3, "states": 256}, synapses=[{"draw": "synapse"}])
    whole, parts = (network(config, "bp-adam") for _ in range(2))
    images, labels = images_of(config)
    predictions = whole.learn(images, labels, 0)
    first = parts.learn(images[:13], labels[:13], 0)
    resumed = network(config, "bp-adam")
    resumed.load_state({k: v.copy() for k, v in parts.state().items()})
    second = resumed.learn(images[13:], labels[13:], 0, 13)
    assert np.array_equal(np.concatenate([first, second]), predictions)
    for name, array in whole.state().items():
        assert np.array_equal(resumed.state()[name], array), name
    other = network(config.replace(training=dataclasses.replace(config.training, seed=8)), "bp-adam")
    other.learn(images, labels, 0)
    assert not np.array_equal(other.array, whole.array)
    with pytest.raises(ValueError, match="weights: shape"):
        other.load_state(network(make_config(network={"layers": [9, 6, 3]}), "bp-adam").state())
