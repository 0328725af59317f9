"""A-EqSpike: tails and their running sums, what pulses write in each variant, the law of chapter 4, config errors."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest

from eqspike.golden import crossbar
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict, load_config, resolve_preset
from eqspike.golden.law import STEPS, drive, law_config, ramp_sweep, rate_sweep, run_pair, weight_change
from eqspike.golden.network import Network
from eqspike.golden.number import fixed_numbers
from eqspike.golden.parameters import Parameters, real_parameters
from eqspike.golden.pulse import SHAPES, Tail, densest, emit, tail_step, tail_values
from eqspike.golden.state import HistoryRows, Moment
from eqspike.golden.synapses import synapses_of
from eqspike.golden.validation import ConfigError
from tests.golden import chip, variants

VARIANTS = ("naive", "desynch", "desynch_proba", "desynch_collision", "synch")
SHAPE = ("saw", "square")
LENGTHS = (4, 6, 14, 40, 100, 256)


def make(variant: str = "synch", period: int = 2, real: bool = False, **pulse: Any) -> Config:
    """A small network whose synapses draw for themselves where they must."""
    draw = "synapse" if variant == "naive" else "neuron"
    return config_from_dict(
        {
            **variants.BASE,
            "learning": variants.TAILS["learning"] | {"window": 8 * period, "free_steps": 8 * period + 2},
            "neuron": {"refractory": period},
            "pulse": {"variant": variant, **pulse},
            "programming": {"probability": 0.5 if variant == "desynch_proba" else 1},
            "synapses": [variants.SYNAPSE | {"draw": draw}],
            "number": {"format": "real" if real else "fixed"},
        }
    )


def run(trains: np.ndarray, shape: str, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(signal, count, pulses) after each step of `trains`, all of shape (steps, neurons)."""
    steps, width = trains.shape
    depth, half = length + 2, length // 2
    history = np.zeros((depth, 1, width), np.int64)
    count, signal, pulses = (np.zeros((1, width), np.int64) for _ in range(3))
    out = np.zeros((3, steps, width), np.int64)
    tail = Tail(half=half, shape=SHAPES[shape], clip=0, collision_limit=0)
    for t in range(steps):
        history[t % depth, 0] = trains[t]
        rows = [(t - back) % depth for back in (0, 1, half, half + 1, length + 1)]
        tail_step(0, width, HistoryRows(*rows), tail, history, count, signal, pulses)
        out[:, t] = signal[0], count[0], pulses[0]
    return out[0], out[1], out[2]


def random_trains(period: int, steps: int = 600, neurons: int = 6) -> np.ndarray:
    """Random trains of various rates that obey the refractory period."""
    generator = np.random.default_rng(period)
    trains = np.zeros((steps, neurons), np.int64)
    for n in range(neurons):
        t = 0
        while t < steps:
            trains[t, n] = 1
            t += period + int(generator.integers(0, 1 + 3 * n))
    return trains


def tail_of(shape: str, length: int) -> np.ndarray:
    """The tail of one spike, from the independent model."""
    config = make(shape=shape, length=length)
    return np.array([chip.tail(config, age) for age in range(length + 1)])


# ---------------------------------------------------------------------------------------------------------------------
# The sum of the tails


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("shape", SHAPE)
def test_tail(shape: str, length: int) -> None:
    tail, half = np.array(tail_values(make(shape=shape, length=length))), length // 2
    assert tail.tolist() == tail_of(shape, length).tolist()
    assert tail.tolist() == (-tail[::-1]).tolist()
    assert tail[half] == tail.sum() == 0
    assert (tail[1:half] > 0).all()
    steepest = {"saw": half - 1, "square": 1}[shape]
    assert [tail[half - 1], tail[half + 1], tail.max()] == [steepest, -steepest, steepest]


@pytest.mark.parametrize("period", [2, 3, 5])
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("shape", SHAPE)
def test_running_sums_are_the_sum_over_all_spikes(shape: str, length: int, period: int) -> None:
    """In every step, as are the count and the pulses; silence leaves nothing behind."""
    half = length // 2
    trains = random_trains(period)
    trains[400:] = 0
    signal, count, pulses = run(trains, shape, length)
    numbers = fixed_numbers(make(shape=shape, length=length, period=period))
    for n in range(trains.shape[1]):
        assert signal[:, n].tolist() == np.convolve(trains[:, n], tail_of(shape, length))[:600].tolist()
        last = np.convolve(trains[:, n], [0] + [1] * length)[:600]
        assert count[:, n].tolist() == (last if shape == "saw" else 0 * last).tolist()
    assert pulses[half:].tolist() == trains[:-half].tolist()
    assert not pulses[:half].any()
    assert np.abs(signal).max() <= numbers.signal.high
    assert count.max() < 2**numbers.tail_count_bits
    silent = 400 + length + 1  # at least 2 h + 1 steps without a spike
    if silent < 600:
        assert signal[:400].any(axis=0).all()
        assert not signal[silent:].any()
        assert not count[silent:].any()


@pytest.mark.parametrize(("length", "period"), [(4, 2), (6, 2), (10, 2), (12, 3), (14, 4), (8, 8)])
@pytest.mark.parametrize("shape", SHAPE)
def test_no_train_exceeds_the_bound(shape: str, length: int, period: int) -> None:
    """All trains there are, as far back as a tail reaches: the format's bound is met, on both sides."""
    config = make(shape=shape, length=length, period=period)
    ages = np.arange(length + 1)
    trains = np.array(list(product((0, 1), repeat=length + 1)))
    apart = [at for at, train in enumerate(trains) if (np.diff(ages[train == 1]) >= period).all()]
    trains = trains[apart]
    sums = trains @ tail_of(shape, length)
    clip = fixed_numbers(config).clip
    assert (sums.max(), sums.min()) == (clip, -clip)
    assert densest([1] * length, period) == trains[:, 1:].sum(axis=1).max()
    for best in (sums.argmax(), sums.argmin()):  # the block gets there too; ages run backwards
        signal, _, _ = run(trains[best][::-1, None], shape, length)
        assert signal[-1, 0] == sums[best]


@pytest.mark.parametrize(
    ("shape", "length", "greatest", "bits", "count_bits"),
    [("saw", 32, 64, 8, 5), ("saw", 40, 100, 8, 5), ("saw", 64, 256, 10, 6), ("saw", 100, 625, 11, 6),
     ("square", 40, 10, 5, 5), ("square", 14, 4, 4, 3)],
)  # fmt: skip
def test_formats(shape: str, length: int, greatest: int, bits: int, count_bits: int) -> None:
    """No wider than need be: a train of f_max reaches both bounds, and the count's."""
    numbers = fixed_numbers(make(shape=shape, length=length))
    assert (numbers.clip, numbers.signal.bits, numbers.tail_count_bits) == (greatest, bits, count_bits)
    assert greatest <= numbers.signal.high < 2 * greatest
    train = np.zeros((3 * length, 1), np.int64)
    train[::2] = 1
    train[length + 1 :] = 0  # the spikes at first have positive tails only, at last negative ones
    signal, count, _ = run(train, shape, length)
    assert (signal.max(), signal.min()) == (greatest, -greatest)
    assert count.max() == (length // 2 if shape == "saw" else 0)


@pytest.mark.parametrize("shape", SHAPE)
def test_a_constant_rate_gives_nothing(shape: str) -> None:
    """On average over a pattern's period, and also where the neuron's own pulses stand: they are in the middle."""
    length = 40
    for pattern in ("10", "100", "10000", "10100", "1010010000", "10100100010000"):
        train = np.array([int(bit) for bit in pattern] * 40)
        signal, _, pulses = run(train[:, None], shape, length)
        settled = slice(-10 * len(pattern), None)
        assert signal[settled].sum() == 0, pattern
        assert signal[settled][pulses[settled] == 1].sum() == 0, pattern


@pytest.mark.parametrize("slope", [2e-4, -2e-4])
@pytest.mark.parametrize("length", [14, 40])
@pytest.mark.parametrize("shape", SHAPE)
def test_a_ramp_gives_its_slope(shape: str, length: int, slope: float) -> None:
    half, phases = length // 2, (np.arange(200) + 0.5) / 200
    rate = 0.25 + slope * (np.arange(1000) - 500)
    spikes = np.diff(np.floor(np.cumsum(rate)[:, None] + phases), axis=0).astype(np.int64)
    mean = run(spikes, shape, length)[0][length + 1 :].mean()
    exact = {"saw": (half**3 - half) / 3, "square": half * (half + 1)}[shape] * slope
    assert mean == pytest.approx(exact, rel=0.02)
    if shape == "saw":
        assert exact == pytest.approx(half**3 / 3 * slope, rel=1.01 / half**2)


# ---------------------------------------------------------------------------------------------------------------------
# What stands on a side, and what is written


def parameters(config: Config) -> Parameters:
    """What the kernels are told."""
    return Network(config).parameters


@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_clip(variant: str, real: bool) -> None:
    """At 2^-3 of the threshold, 8 units reach it; where pulses never meet or all add, nothing is clipped."""
    p = parameters(make(variant, real=real, length=40, amplitude=2.0**-3))
    signal = np.array([[-100, -9, -8, -1, 0, 3, 8, 9, 100]], float if real else np.int64)
    pulses, found = np.zeros(signal.shape, np.int64), np.zeros_like(signal)
    emit(0, 9, 0, 77, p.tail, signal, pulses, found)
    expected = signal if variant in ("naive", "synch") else np.clip(signal, -8, 8)
    assert found.tolist() == expected.tolist()
    small = parameters(make(variant, real=real, length=40, amplitude=2.0**-7))  # 100 is less than the threshold
    emit(0, 9, 0, 77, small.tail, signal, pulses, found)
    assert found.tolist() == signal.tolist()


class Sides(NamedTuple):
    """What two neurons put on their sides: of `golden.state.State`, what programming two-way synapses needs."""

    pulses: np.ndarray
    emitted: np.ndarray
    steps_backward: np.ndarray
    steps_forward: np.ndarray


def written(p: Parameters, pulses: tuple[int, int], word: int = 1) -> float:
    """What two neurons of the network 1-1-1 with tails of 3 (below) and 50 (above) write: in real numbers, so exact."""
    shape = (3, 1)
    signal, emitted, forward, backward = (np.zeros(shape) for _ in range(4))
    sent = np.zeros(shape, np.int64)
    signal[1:, 0], sent[1:, 0] = (3, 50), pulses
    for layer in (1, 2):
        emit(layer, 1, p.number[layer], word, p.tail, signal, sent, emitted)
        for s, steps in ((layer - 1, forward), (layer, backward)):
            if s < 2:
                crossbar.neuron_steps(layer, 1, emitted, word, synapses_of(p, s).programming, steps)
    weights = np.zeros((4, 1))
    sides = Sides(pulses=sent, emitted=emitted, steps_backward=backward, steps_forward=forward)
    crossbar.program_two_way(weights, synapses_of(p, 1), p.naive, Moment(1, 1, word), sides, PAIR_DEVICES)
    return round(weights[2, 0] / p.step_gain[1], 9)


PAIR = law_config(make("naive", real=True), real=True)
PAIR_DEVICES = Network(PAIR).devices


def pair(variant: str, **pulse: Any) -> Parameters:
    """Parameters of two neurons and one synapse."""
    config = make(variant, real=True, **pulse).replace(network=PAIR.network, synapses=PAIR.synapses)
    return real_parameters(config, 0)


@pytest.mark.parametrize(
    ("variant", "below", "above", "both"),
    [("naive", 53, 53, 106), ("desynch", 50, 3, 0), ("desynch_proba", 50, 3, 0), ("synch", 50, 3, 53)],
)
def test_what_pulses_write(variant: str, below: float, above: float, both: float) -> None:
    p = pair(variant)
    pulses = ((0, 0), (1, 0), (0, 1), (1, 1))
    gain = 2 if variant == "desynch_proba" else 1  # of which the pulses' number is made up for
    assert p.step_gain[1] == gain * p.weight_high[1] / 16 * 2.0**-14
    assert [written(p, sent) for sent in pulses] == [0, below, above, both]


@pytest.mark.parametrize("probability", [0.0, 1 / 6, 0.5, 1.0])
def test_how_often_pulses_collide(probability: float) -> None:
    """Each neuron's tail is gone under its pulse as often as that, whatever the other's does."""
    p = pair("desynch_collision", collision_probability=probability)
    words = np.random.default_rng(3).integers(1, 2**32, 4000).tolist()
    assert {written(p, (1, 0), word) for word in words[:200]} == {50}
    assert {written(p, (0, 1), word) for word in words[:200]} == {3}
    found = [written(p, (1, 1), word) for word in words]
    for value, part in (
        (0, probability**2), (3, probability * (1 - probability)), (50, probability * (1 - probability)),
        (53, (1 - probability) ** 2),
    ):  # fmt: skip
        assert abs(found.count(value) / 4000 - part) <= 4 * (part * (1 - part) / 4000) ** 0.5


@pytest.mark.parametrize(("probability", "variant"), [(0.0, "synch"), (1.0, "desynch")])
def test_ends_of_the_collision_probability(probability: float, variant: str) -> None:
    """Whole images, to the bit; amplitude and length are such that tails are clipped where anything is."""
    pulse = {"length": 20, "amplitude": 2.0**-3}
    found = variants.record(make("desynch_collision", collision_probability=probability, **pulse))
    for key, array in variants.record(make(variant, **pulse)).items():
        np.testing.assert_array_equal(found[key], array, err_msg=key)


# ---------------------------------------------------------------------------------------------------------------------
# The law (figs 4.5 to 4.13)


def preset(variant: str) -> Config:
    """Of Digits."""
    return load_config(resolve_preset(f"digits-aeqspike-{variant.replace('_', '-')}"))


def changes(variant: str, real: bool, sweep, length: int = 100, points: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """(rates or slopes, weight changes)."""
    config = law_config(preset(variant), real, length)
    x, pre, post = sweep(points)
    trace = run_pair(config, drive(config, pre), drive(config, post))
    assert not trace.saturations.any()
    return x, weight_change(config, trace)


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("sweep", [rate_sweep, ramp_sweep])
@pytest.mark.parametrize("variant", ["synch", "desynch_collision"])
def test_law(variant: str, sweep, real: bool) -> None:
    x, change = changes(variant, real, sweep)
    assert np.corrcoef(x, change)[0, 1] ** 2 >= 0.95
    slope, intercept = np.polyfit(x, change, 1)
    assert slope > 0
    if sweep is rate_sweep:
        assert change[0] == 0
        assert abs(intercept) < 0.05 * change[-1]


@pytest.mark.parametrize("real", [True, False])
def test_naive_breaks_the_law(real: bool) -> None:
    """A neuron that programs alone: a weight changes though its postsynaptic neuron is silent."""
    _, naive = changes("naive", real, rate_sweep, points=5)
    _, synch = changes("synch", real, rate_sweep, points=5)
    assert naive[0] > 0.15 * naive[-1] > 0
    assert synch[0] == 0
    assert naive[-1] == pytest.approx(2 * synch[-1], rel=0.05)  # both neurons fire all the time


@pytest.mark.parametrize("sweep", [rate_sweep, ramp_sweep])
def test_short_pulses_are_noisy(sweep) -> None:
    noise = []
    for length in (40, 100):
        x, change = changes("synch", True, sweep, length)
        residual = change - np.polyval(np.polyfit(x, change, 1), x)
        noise.append(residual.std() / np.ptp(change))
    assert noise[0] > 2 * noise[1]


@pytest.mark.parametrize("variant", [v for v in VARIANTS if v != "naive"])
def test_the_pair_written_down_again(variant: str) -> None:
    """The pair's weight follows from its spikes and words alone; tails are clipped to 64 units."""
    config = law_config(preset(variant), real=False)
    config = config.replace(pulse=replace(config.pulse, amplitude=2.0**-6), synapses=(slow(config),) * 2)
    _, pre, post = rate_sweep(4)
    trace = run_pair(config, drive(config, pre), drive(config, post))
    half, shift, numbers = 50, config.step_shift(1), chip.first_numbers((1, 1, 1))
    assert shift > 0
    for at in (1, 3):
        weight = 0
        for t in range(1, STEPS):
            word, ages = int(trace.word[at, t]), t - 1 - np.arange(t)
            spikes = trace.spikes[at, :t]
            pulses = spikes[t - 1 - half].tolist() if t > half else [0, 0]
            if variant == "desynch_proba":
                pulses = [sent and chip.sends_pulse(config, word, numbers[n + 1]) for n, sent in enumerate(pulses)]
            steps = []
            for side in (0, 1):
                signal = sum(chip.tail(config, int(age)) for age in ages[spikes[:, side] == 1])
                assert trace.integrator[at, t - 1, side] == signal
                signal = chip.clipped(config, signal)
                if pulses[side] and chip.collides(config, word, numbers[side + 1]):
                    signal = 0
                turn = 7 * (side + 1)
                draw = ((word >> turn | word << 32 - turn) & 0xFFFFFFFF) % 2**shift
                steps.append(int(signal + draw) >> shift)
            weight += pulses[0] * steps[1] + pulses[1] * steps[0]
            assert trace.weight[at, t] == weight


def slow(config: Config) -> Any:
    """A learning rate at which an amplitude of 2^-6 still needs a right shift."""
    return replace(config.synapses[1], learning_rate=2.0**-5)


# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"pulse": {"length": 41}}, r"pulse\.length: 41 .*even number"),
        ({"pulse": {"length": 2}}, r"pulse\.length: 2 .*4 to 256"),
        ({"pulse": {"length": 258}}, r"pulse\.length: 258 "),
        ({"pulse": {"variant": "clever"}}, r"pulse\.variant: 'clever' .*naive, desynch, desynch_proba"),
        ({"pulse": {"shape": "sine"}}, r"pulse\.shape: 'sine' .*saw, square"),
        ({"pulse": {"amplitude": 0.1}}, r"pulse\.amplitude: 0\.1 .*power of two"),
        ({"pulse": {"amplitude": 2}}, r"pulse\.amplitude: 2\.0 "),
        ({"pulse": {"collision_probability": 1.5}}, r"pulse\.collision_probability: 1\.5 "),
        ({"pulse": {"variant": "desynch_proba"}}, r"programming\.probability: 1\.0 .*below 1"),
        ({"programming": {"probability": 0.5}}, r"programming\.probability: 0\.5 .*not synch"),
        ({"pulse": {"variant": "naive"}, "programming": {"probability": 0.5}}, r"probability: 0\.5 .*not naive"),
        ({"programming": {"every": 2}}, r"programming\.every: 2 .*1, with learning\.signal pulse"),
        ({"pulse": {"variant": "naive"}}, r"synapses\[0\]\.draw: 'neuron' .*synapse, with pulse\.variant naive"),
        ({"learning": {"signal": "tails"}}, r"learning\.signal: 'tails' .*rho_bar, pulse"),
    ],
)
def test_errors(sections: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        config_from_dict({"learning": {"signal": "pulse"}, **sections})


def test_what_is_no_error() -> None:
    """Real numbers take any amplitude, naive needs a draw a synapse only where it draws, rho-bar none of it."""
    config_from_dict({**variants.TAILS, "pulse": {"amplitude": 0.1}, "number": {"format": "real"}})
    config_from_dict({**variants.TAILS, "pulse": {"variant": "naive"}, "synapses": [{"rounding": "nearest"}]})
    config = config_from_dict({"pulse": {"variant": "naive", "amplitude": 0.1}, "programming": {"every": 2}})
    assert not config.pulses
