"""The relaxing network: BPTT against finite differences, continual Eq-Prop against BPTT, and learning."""

from __future__ import annotations

import numpy as np
import pytest

from eqspike.golden.baselines import RelaxationNetwork, make_baseline, read_settings
from eqspike.golden.baselines.relaxation import Relaxing, continual_eqprop
from eqspike.golden.data import epoch_order, load_split

Matrices = list[np.ndarray]


def relaxed(
    weights: Matrices, x: np.ndarray, steps: int, step: float, start: Matrices | None = None
) -> list[np.ndarray]:
    """Rates of all layers but the inputs after `steps` steps, from matrices alone (no code of the model)."""
    s = [np.zeros(w.shape[1]) for w in weights] if start is None else start
    for _ in range(steps):
        new = []
        for layer, w in enumerate(weights):
            below = x if layer == 0 else s[layer - 1]
            drive = np.append(below, 1.0) @ w
            if layer + 1 < len(weights):
                drive = drive + weights[layer + 1][:-1] @ s[layer + 1]
            new.append(np.clip((1 - step) * s[layer] + step * drive, 0, 1))
        s = new
    return s


def network(make_config, layers: tuple[int, ...], seed: int, name: str = "bptt", **settings: object):
    """(network, image, label); the weights make rates that lie inside (0, 1), and some that the hard sigmoid holds."""
    config = make_config(network={"layers": list(layers)}, training={"seed": seed})
    settings = {"learning_rate": 0.1} | settings
    made = make_baseline(config, read_settings(name, [f"baseline.{k}={v}" for k, v in settings.items()]))
    assert isinstance(made, RelaxationNetwork)
    draw = np.random.default_rng(seed)
    for w in made.weights:
        w[:] = draw.normal(0, 0.6 / np.sqrt(len(w)), w.shape)
        w[-1] += 0.35
    return made, draw.integers(0, 17, layers[0]), int(draw.integers(layers[-1]))


def held(made: RelaxationNetwork, image: np.ndarray) -> int:
    """Rates that are held at a bound at the end of the free phase."""
    s = np.concatenate(relaxed(list(made.weights), image / 16, made.settings.free_steps, made.settings.step))
    return int(np.sum((s == 0) | (s == 1)))


@pytest.mark.parametrize("step", [1.0, 0.4])
@pytest.mark.parametrize(("layers", "seed"), [((4, 6, 3), 1), ((5, 4, 4, 2), 9), ((3, 7, 5), 3)])
def test_free_phase(layers, seed, step, make_config) -> None:
    made, image, _ = network(make_config, layers, seed, step=step, free_steps=17)
    s = relaxed(list(made.weights), image / 16, 17, step)
    assert made.predict(image[None])[0] == np.argmax(s[-1])
    kept = made.history[17 % made.history.shape[0]]
    for layer, expected in enumerate(s, 1):
        np.testing.assert_allclose(kept[layer, : len(expected)], expected, atol=1e-14)


@pytest.mark.parametrize("step", [1.0, 0.4])
@pytest.mark.parametrize("back", [1, 6, 20])
@pytest.mark.parametrize(("layers", "seed"), [((4, 6, 3), 1), ((5, 4, 4, 2), 9), ((3, 7, 5), 3)])
def test_bptt_is_the_slope_of_the_cost(layers, seed, back, step, make_config) -> None:
    """Central differences in float64: weights are moved in the last `back` steps only, those that BPTT goes through.

    The cost is quadratic in pieces, so a difference of 1e-5 is exact but for float64's rounding (1e-16 / 1e-5)."""
    made, image, label = network(make_config, layers, seed, step=step, free_steps=20, nudge_steps=20)
    gradient = made.bptt_gradient(image, label, back)
    start = relaxed(list(made.weights), image / 16, 20 - back, step)
    target = np.eye(layers[-1])[label]

    def cost() -> float:
        return float(np.sum((relaxed(list(made.weights), image / 16, back, step, start)[-1] - target) ** 2) / 2)

    largest = 0.0
    for w, g in zip(made.weights, gradient, strict=True):
        for place in np.ndindex(w.shape):
            kept, sides = w[place], []
            for h in (1e-5, -1e-5):
                w[place] = kept + h
                sides.append(cost())
            w[place] = kept
            slope = (sides[0] - sides[1]) / 2e-5
            assert g[place] == pytest.approx(slope, abs=2e-9)
            largest = max(largest, abs(slope))
    assert largest > 0.01


def eqprop_change(
    made: RelaxationNetwork, image: np.ndarray, label: int, steps: int, beta: float, rate: float
) -> np.ndarray:
    """Change of all weights over the rate, of the kernel that trains."""
    p, weights = made.settings, made.array.copy()
    count = len(made.layers) - 1
    net = Relaxing(weights, made.base, made.widths, p.step, p.free_steps, steps, made.input_drive, made.history)
    continual_eqprop(made.pixels(image), label, net, beta, np.full(count, rate / beta))
    return (weights - made.array) / rate


def bptt_change(made: RelaxationNetwork, image: np.ndarray, label: int, steps: int) -> np.ndarray:
    """Minus BPTT's gradient over the last steps."""
    return -made.stack(made.bptt_gradient(image, label, steps))


@pytest.mark.parametrize("step", [1.0, 0.4])
@pytest.mark.parametrize(("layers", "seed"), [((4, 6, 3), 1), ((5, 4, 4, 2), 9), ((3, 7, 5), 3)])
def test_continual_eqprop_follows_bptt_step_by_step(layers, seed, step, make_config) -> None:
    """At the fixed point, each step of the nudge phase changes the weights as BPTT does a step further back.

    Tolerance: the errors of one sign of beta are of the order of beta and, as weights move, of rate / beta; both are
    odd in beta, and +beta and -beta leave their squares, 1e-8. Rounding is 1e-16 over the rate, 1e-8. 1e-6 of the
    greatest change lies above all three.
    """
    made, image, label = network(make_config, layers, seed, step=step, free_steps=600, nudge_steps=12)
    last = relaxed(list(made.weights), image / 16, 600, step)
    before = relaxed(list(made.weights), image / 16, 580, step)
    assert max(np.abs(a - b).max() for a, b in zip(last, before, strict=True)) < 1e-14
    assert 0 < held(made, image) < sum(layers[1:])
    zero = np.zeros_like(made.array)
    previous = {"eqprop": zero, "bptt": zero}
    for steps in range(1, 13):
        both = [eqprop_change(made, image, label, steps, beta, 1e-8) for beta in (1e-4, -1e-4)]
        total = {"eqprop": (both[0] + both[1]) / 2, "bptt": bptt_change(made, image, label, steps)}
        moved = {name: total[name] - previous[name] for name in total}
        np.testing.assert_allclose(moved["eqprop"], moved["bptt"], atol=1e-6 * np.abs(total["bptt"]).max())
        assert np.abs(total["bptt"]).max() > 1e-3
        previous = total


def test_the_equality_is_a_limit(make_config) -> None:
    """What one sign of beta leaves is proportional to beta, what moving weights add is proportional to rate / beta, and
    away from the fixed point there is no equality."""
    made, image, label = network(make_config, (4, 6, 3), 1, free_steps=600, nudge_steps=12)
    expected = bptt_change(made, image, label, 12)

    def apart(beta: float, rate: float, other: np.ndarray) -> float:
        return float(np.abs(eqprop_change(made, image, label, 12, beta, rate) - other).max())

    assert apart(1e-2, 1e-9, expected) / apart(1e-3, 1e-9, expected) == pytest.approx(10, rel=0.1)
    still = [eqprop_change(made, image, label, 12, beta, 1e-9) for beta in (1e-2, 1e-3)]
    assert apart(1e-2, 1e-5, still[0]) / apart(1e-2, 1e-6, still[0]) == pytest.approx(10, rel=0.1)
    assert apart(1e-3, 1e-6, still[1]) / apart(1e-2, 1e-6, still[0]) == pytest.approx(10, rel=0.1)
    early, image, label = network(make_config, (4, 6, 3), 1, free_steps=12, nudge_steps=12, step=0.2)
    differs = eqprop_change(early, image, label, 12, 1e-4, 1e-8) - bptt_change(early, image, label, 12)
    assert np.abs(differs).max() > 0.01 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["bptt", "continual-eqprop"])
def test_learns(name: str, make_config) -> None:
    config = make_config(network={"layers": [9, 12, 3]})
    part = load_split(config)
    settings = read_settings(name, ["baseline.learning_rate=0.03"])
    made, pieces = make_baseline(config, settings), make_baseline(config, settings)
    for epoch in range(12):
        order = epoch_order(config, epoch, len(part.train_labels))
        images, labels = part.train_images[order], part.train_labels[order]
        predictions = made.learn(images, labels, epoch)
        # In pieces, the second after a break: the same to the bit.
        first = pieces.learn(images[:31], labels[:31], epoch)
        resumed = make_baseline(config, settings)
        resumed.load_state({k: v.copy() for k, v in pieces.state().items()})
        second = resumed.learn(images[31:], labels[31:], epoch, 31)
        pieces = resumed
        assert np.array_equal(predictions, np.concatenate([first, second]))
    assert np.array_equal(made.array, pieces.array)
    assert made.accuracy(part.test_images, part.test_labels) > 0.9
    assert made.accuracy(part.test_images[:0], part.test_labels[:0]) is None


def test_random_signs_do_not_depend_on_pieces(make_config) -> None:
    config = make_config()
    settings = read_settings("continual-eqprop", ["baseline.learning_rate=0.1"])
    images, labels = np.random.default_rng(0).integers(0, 17, (50, 9)), np.arange(50) % 3
    whole, parts, plain = (
        make_baseline(config, s)
        for s in (
            settings,
            settings,
            read_settings("continual-eqprop", ["baseline.learning_rate=0.1", "baseline.random_sign=false"]),
        )
    )
    whole.learn(images, labels, 3)
    for at in range(0, 50, 7):
        parts.learn(images[at : at + 7], labels[at : at + 7], 3, at)
    plain.learn(images, labels, 3)
    assert np.array_equal(whole.array, parts.array)
    assert not np.array_equal(whole.array, plain.array)
