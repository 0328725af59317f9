"""The config for layers that a graph had: the chip's number formats, chosen so that little is lost in them.

Threshold and weights may be divided by the same number, which changes no spike; ranges of weights, the membrane's
fraction and the leak are the chip's nearest.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.sections import SynapseConfig
from eqspike.golden.validation import ConfigError, log2_exact
from eqspike.lab.nir.graph import Refused
from eqspike.lab.nir.layered import Layered

NARROWEST_RANGE, WIDEST_RANGE = 2.0**-8, 16.0
"""Of weights, as `golden.sections.SynapseConfig` takes them."""
HIGHEST_THRESHOLD = 128.0
LEAK_BITS = 8
"""Bits of the membrane's fraction right of what a threshold loses in a step: a leak is rounded down."""
MOST_FRACTION_BITS = 28


@dataclass(frozen=True)
class Described:
    """What a graph says of its layers beside what they compute."""

    layers: tuple[int, ...]
    refractory: int
    """T_refract of the chip."""
    thresholds: tuple[float, ...]
    """Of each layer of neurons, in its own unit of the membrane."""
    tolerance: float
    """Relative: how exactly the leak is known."""
    node: str
    """The first that integrates, to name in messages."""
    exact: bool
    """Does the chip do what the graph says? Then its config is kept, where there is one."""


class Fitter:
    """Finds the config. `base` gives what a graph does not say; `nearly` refuses or notes an approximation."""

    def __init__(
        self, base: Config | None, real: bool, described: Described, nearly: Callable[[str, str], None]
    ) -> None:
        defaults = Config()
        self.base = base or defaults.replace(
            name="imported",
            network=dataclasses.replace(defaults.network, layers=described.layers),
            synapses=(),
            dataset=dataclasses.replace(defaults.dataset, name="random"),
        )
        if real:
            self.base = self.base.replace(number=dataclasses.replace(self.base.number, format="real"))
        self.real = self.base.number.format == "real"
        self.described, self.nearly = described, nearly
        self.free = base is None or not described.exact
        """May formats be others than the config's?"""

    def fitted(self, layered: Layered) -> tuple[Config, Layered]:
        """The config, and the layers in its unit of the membrane. Raises `Refused`."""
        layered = self._scaled(layered)
        base, neuron, weights = self.base, self.base.neuron, layered.with_bias_spikes().weights
        threshold, leak = layered.threshold, self._leak(layered.leak)
        synapses = base.synapses
        if len(synapses) != len(weights):
            synapses = (SynapseConfig(),) * len(weights)
        synapses = with_ranges(synapses, weights, narrow=self.free)
        # A graph without a way back does not say how strong that of the chip is.
        synapses = tuple(
            dataclasses.replace(s, feedback=back) if back and back != feedback else s
            for s, back, feedback in zip(synapses, layered.back, self._feedback(), strict=True)
        )
        limit, fraction = neuron.membrane_limit, neuron.fraction_bits
        while limit < 2 * threshold:
            limit *= 2
        if self.free and fraction is None and leak and not self.real:
            wanted = min(math.ceil(LEAK_BITS - math.log2(leak * threshold)), MOST_FRACTION_BITS)
            if wanted > max(12, *(s.fraction_bits for s in synapses)):
                fraction = wanted
        try:
            config = base.replace(
                network=dataclasses.replace(base.network, layers=self.described.layers),
                neuron=dataclasses.replace(
                    neuron, threshold=threshold, leak=leak, refractory=self.described.refractory,
                    membrane_limit=limit, fraction_bits=fraction,
                ),
                synapses=synapses,
            )  # fmt: skip
        except ConfigError as error:
            raise Refused(f"the graph as a network of the chip: {error}") from None
        return config, layered

    def _scaled(self, layered: Layered) -> Layered:
        """The layers with one threshold that the chip can have."""
        weights = layered.with_bias_spikes().weights
        thresholds = self.described.thresholds
        most = [max(float(np.abs(w).max()), 1e-300) / t for w, t in zip(weights, thresholds, strict=True)]
        wanted = thresholds[0]
        if len(set(thresholds)) > 1 or max(most) * wanted > WIDEST_RANGE or not self._allowed(wanted):
            wanted = self.base.neuron.threshold
            if max(most) * wanted > WIDEST_RANGE:
                wanted = 1.0
        while (
            self.free
            and not self.real
            and min(most) * wanted < NARROWEST_RANGE / 2
            and 2 * max(most) * wanted <= WIDEST_RANGE
            and 2 * wanted <= HIGHEST_THRESHOLD
        ):
            wanted *= 2
        factors = [wanted / t for t in thresholds]
        return dataclasses.replace(
            layered,
            weights=tuple(w * f for w, f in zip(layered.weights, factors, strict=True)),
            constants=tuple(c * f for c, f in zip(layered.constants, factors, strict=True)),
            threshold=wanted,
        )

    def _feedback(self) -> tuple[float, ...]:
        """What the feedback is where no synapses say otherwise, or as the config's do."""
        layers, synapses = self.described.layers, self.base.synapses
        network = dataclasses.replace(self.base.network, layers=layers)
        if len(synapses) != len(layers) - 1:
            synapses = ()
        return self.base.replace(network=network, synapses=synapses).feedback

    def _allowed(self, threshold: float) -> bool:
        return self.real or log2_exact(threshold) is not None

    def _leak(self, leak: float) -> float:
        """The chip's leak: the config's or a power of two where the graph's is that but for its last digits."""
        if math.isclose(leak, self.base.neuron.leak, rel_tol=self.described.tolerance):
            return self.base.neuron.leak
        if not leak:
            return leak
        nearest = 2.0 ** round(math.log2(leak))
        if math.isclose(leak, nearest, rel_tol=self.described.tolerance):
            return nearest
        if self.real:
            return leak
        self.nearly(self.described.node, f"leaks {leak:g} a step; the nearest in fixed point is {nearest:g}")
        return nearest


def with_ranges(
    synapses: Sequence[SynapseConfig], weights: Sequence[np.ndarray], narrow: bool
) -> tuple[SynapseConfig, ...]:
    """The synapses with the least ranges that hold the weights, not below their own but where `narrow`. Learning rates
    change with ranges, so that a step of learning remains as many LSBs."""
    fitted = []
    for synapse, matrix in zip(synapses, weights, strict=True):
        lsb = 2.0 ** (1 - synapse.bits)
        reach = NARROWEST_RANGE if narrow and matrix.any() else synapse.range
        while matrix.min() < -reach or matrix.max() > reach * (1 - lsb):  # the highest weight is one LSB below
            reach *= 2
        rate = synapse.learning_rate
        if narrow:
            rate = min(max(rate * reach / synapse.range, 2.0**-30), 1.0)
        fitted.append(dataclasses.replace(synapse, range=reach, learning_rate=rate))
    return tuple(fitted)
