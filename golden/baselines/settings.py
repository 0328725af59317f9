"""Settings of the baselines: frozen, validated, with the thesis's values; keys are `baseline.KEY`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eqspike.golden.config import Config
from eqspike.golden.configfile import apply_override, section_from_dict
from eqspike.golden.derived import halvings
from eqspike.golden.validation import ConfigError, fail, log2_exact, require_range

PREFIX = "baseline."


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What all baselines have."""

    algorithm: str
    """Name in `BASELINES`."""
    learning_rate: tuple[float, ...]
    """One for all layers of synapses, or one for each, input side first."""
    halve_at: tuple[int, ...] = ()
    """Epochs (counted from 0) at whose start the learning rates are halved."""
    init: float = 1.0
    """Initial weights are normal with standard deviation init / sqrt(fan-in); biases too, as EqSpike's."""
    bias: float = 0.0
    """Added to initial biases: above 0, neurons start inside the hard sigmoid, whose slope is 0 outside."""

    def validate(self) -> None:
        """Raise `ConfigError` for the first value that cannot be used."""
        if self.algorithm not in BASELINES:
            fail(f"{PREFIX}algorithm", self.algorithm, "allowed: " + ", ".join(BASELINES))
        if not self.learning_rate:
            fail(f"{PREFIX}learning_rate", [], "a number, or one for each layer of synapses")
        for rate in self.learning_rate:
            require_range(f"{PREFIX}learning_rate", rate, 0, 100)
        if list(self.halve_at) != sorted(set(self.halve_at)) or any(e < 0 for e in self.halve_at):
            fail(f"{PREFIX}halve_at", list(self.halve_at), "epochs in rising order, e.g. [15, 23]")
        require_range(f"{PREFIX}init", self.init, 0, 16)
        require_range(f"{PREFIX}bias", self.bias, -16, 16)

    def __post_init__(self) -> None:
        self.validate()

    def rates(self, config: Config, epoch: int) -> list[float]:
        """Learning rate of each layer of synapses of `config` at `epoch`. Raises `ConfigError` for a wrong count."""
        layers = len(config.network.layers) - 1
        if len(self.learning_rate) not in (1, layers):
            count = f"{len(self.learning_rate)} entries"
            fail(f"{PREFIX}learning_rate", count, f"one for all, or {layers}: one a layer of synapses")
        rates = self.learning_rate * (layers if len(self.learning_rate) == 1 else 1)
        return [rate * 0.5 ** halvings(self.halve_at, epoch) for rate in rates]


@dataclass(frozen=True, kw_only=True)
class RelaxationSettings(Settings):
    """BPTT and continual equilibrium propagation (table 2.2)."""

    free_steps: int = 30
    nudge_steps: int = 15
    """Steps of the nudge phase; BPTT unfolds as many of the free phase's last steps."""
    step: float = 1.0
    """Part of the way that a rate moves in one step toward what its inputs ask for; 1: all of it."""
    beta: float = 0.5
    """Strength of the nudge (continual Eq-Prop)."""
    random_sign: bool = False
    """Flip the sign of beta with probability 1/2 for each image (continual Eq-Prop)."""

    def validate(self) -> None:
        super().validate()
        require_range(f"{PREFIX}free_steps", self.free_steps, 1, 4096)
        require_range(f"{PREFIX}nudge_steps", self.nudge_steps, 1, self.free_steps)
        require_range(f"{PREFIX}step", self.step, 2.0**-10, 1)
        require_range(f"{PREFIX}beta", self.beta, 1e-9, 16)


@dataclass(frozen=True, kw_only=True)
class BackpropSettings(Settings):
    """Back-propagation, batches of one image (table 3.2)."""

    moment1: float = 0.9
    moment2: float = 0.999
    epsilon: float = 1e-8
    """beta_1, beta_2 and epsilon of ADAM."""
    devices: bool = True
    """Write through the config's memristors; false: plain numbers, without bounds."""
    range: float | None = 4.0
    """Weights on devices lie in [-range, range), a power of two, as the sigmoid needs sums of several units; None: each
    layer's range in the config."""

    def validate(self) -> None:
        super().validate()
        for name in ("moment1", "moment2"):
            require_range(f"{PREFIX}{name}", getattr(self, name), 0, 1 - 2.0**-20)
        require_range(f"{PREFIX}epsilon", self.epsilon, 1e-30, 1)
        if self.range is not None:
            require_range(f"{PREFIX}range", self.range, 2.0**-8, 16)
            if log2_exact(self.range) is None:
                fail(f"{PREFIX}range", self.range, "a power of two, e.g. 0.5 or 4")


BASELINES: dict[str, tuple[type[Settings], dict[str, Any]]] = {
    "bptt": (RelaxationSettings, {"learning_rate": [0.003, 0.0015], "init": 0.25, "bias": 0.25}),
    "continual-eqprop": (
        RelaxationSettings,
        {"learning_rate": [0.003, 0.0015], "init": 0.25, "bias": 0.25, "random_sign": True},
    ),
    "bp-sgd": (BackpropSettings, {"learning_rate": [0.1]}),
    "bp-adam": (BackpropSettings, {"learning_rate": [0.001]}),
}
"""Name -> (kind, its own values where they differ from the kind's defaults); learning rates are the thesis's, for one
hidden layer."""


def usual_rates(rates: Sequence[float], layers: int) -> list[float]:
    """Learning rates for `layers` layers of synapses, of those for one hidden layer: one for all stays one; of two, the
    last is the outputs' and the first that of all layers below."""
    return list(rates) if len(rates) == 1 else [*rates[:1] * (layers - 1), *rates[-1:]]


def read_settings(name: str, overrides: Iterable[str] = (), layers: int = 2) -> Settings:
    """Settings of the baseline `name` with `baseline.KEY=VALUE` changes, its own learning rates for as many layers of
    synapses. Raises `ConfigError`."""
    if name not in BASELINES:
        fail("baseline", name, "allowed: " + ", ".join(BASELINES))
    kind, data = BASELINES[name]
    data = {"algorithm": name} | data | {"learning_rate": usual_rates(data["learning_rate"], layers)}
    for assignment in overrides:
        tree = {"baseline": data}
        apply_override(tree, assignment)
        data = tree["baseline"]
        if not isinstance(data, dict):
            raise ConfigError(f"--set {assignment}: write {PREFIX}KEY=VALUE, e.g. {PREFIX}learning_rate=0.01")
    if data.get("algorithm") != name:
        fail(f"{PREFIX}algorithm", data.get("algorithm"), f"{name}, as the command says")
    for key in ("learning_rate", "halve_at"):
        if key in data and not isinstance(data[key], list):
            data[key] = [data[key]]
    return section_from_dict("baseline", data, kind)


def settings_to_dict(settings: Settings) -> dict[str, object]:
    """Plain data for JSON; the keys of `--set baseline.KEY`."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(settings).items()}
