"""Settings of the baselines: the thesis's values, changes to them, and what is refused."""

from __future__ import annotations

import pytest

from eqspike.golden.baselines import BASELINES, make_baseline, read_settings
from eqspike.golden.validation import ConfigError


def test_values_of_the_thesis(make_config) -> None:
    """Tables 2.2 and 3.2."""
    for name in ("bptt", "continual-eqprop"):
        settings = read_settings(name)
        assert (settings.free_steps, settings.nudge_steps, settings.beta) == (30, 15, 0.5)
        assert settings.rates(make_config(), 0) == [0.003, 0.0015]
    assert read_settings("bp-sgd").learning_rate == (0.1,)
    assert read_settings("bp-adam").learning_rate == (0.001,)
    assert read_settings("bp-adam").range == 4
    for name in BASELINES:
        make_baseline(make_config(), read_settings(name))


def test_usual_rates_of_more_layers(make_config) -> None:
    """The thesis has one hidden layer; with more, all below the outputs learn at the hidden one's rate."""
    deep = make_config(network={"layers": [9, 5, 4, 3]})
    for name, rates in (("bptt", [0.003, 0.003, 0.0015]), ("bp-adam", [0.001] * 3), ("bp-sgd", [0.1] * 3)):
        assert read_settings(name, layers=3).rates(deep, 0) == rates
    for name in BASELINES:
        make_baseline(deep, read_settings(name, layers=3))


def test_changes(make_config) -> None:
    changes = ["baseline.learning_rate=2^-3", "baseline.halve_at=[2, 4]", "baseline.init=0.75"]
    settings = read_settings("bptt", changes)
    assert [settings.rates(make_config(), epoch)[1] for epoch in (1, 2, 3, 4)] == [0.125, 0.0625, 0.0625, 0.03125]
    assert settings.init == 0.75
    assert read_settings("bptt").init == 0.25
    three = read_settings("bp-sgd", ["baseline.learning_rate=[1, 2]"])
    assert three.rates(make_config(), 0) == [1, 2]


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("mlp", "", "baseline: 'mlp' is not valid; allowed: bptt, continual-eqprop, bp-sgd, bp-adam"),
        ("bptt", "beta=0", "baseline.beta: 0.0 is not valid; allowed: 1e-09 to 16"),
        ("bptt", "free_steps=10", "baseline.nudge_steps: 15 is not valid; allowed: 1 to 10"),
        ("bptt", "step=0", "baseline.step: 0.0 is not valid"),
        ("bptt", "devices=true", "baseline.devices: unknown key; known here: algorithm, learning_rate"),
        ("bptt", "algorithm=bp-sgd", "baseline.algorithm: 'bp-sgd' is not valid; bptt, as the command says"),
        ("bp-sgd", "learning_rate=fast", "baseline.learning_rate[0]: 'fast' is not valid; a number"),
        ("bp-sgd", "learning_rate=-1", "baseline.learning_rate: -1.0 is not valid"),
        ("bp-sgd", "learning_rate=[]", "baseline.learning_rate: [] is not valid; a number, or one for each layer"),
        ("bp-sgd", "devices=maybe", "baseline.devices: 'maybe' is not valid; true or false"),
        ("bp-sgd", "halve_at=[4, 2]", "baseline.halve_at: [4, 2] is not valid; epochs in rising order"),
        ("bp-adam", "moment1=1", "baseline.moment1: 1.0 is not valid"),
        ("bp-adam", "range=3", "baseline.range: 3.0 is not valid; a power of two"),
    ],
)
def test_refused(name: str, change: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_settings(name, [f"baseline.{change}"] if change else [])
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["bptt", "bp-adam"])
def test_rates_must_fit_the_layers(name: str, make_config) -> None:
    settings = read_settings(name, ["baseline.learning_rate=[1, 2, 3]"])
    with pytest.raises(ConfigError, match=r"baseline\.learning_rate: '3 entries' is not valid; one for all, or 2"):
        make_baseline(make_config(), settings)
