"""Networks without spikes that EqSpike is compared with, of the same sizes on the same images.

`bptt` and `continual-eqprop` train a network of rates that relaxes, with EqSpike's topology (thesis, table 2.2);
`bp-sgd` and `bp-adam` train a feed-forward network whose weights are written through the memristors (table 3.2).
Real numbers throughout; the chip is not described here.
"""

from __future__ import annotations

from eqspike.golden.baselines.backprop import BackpropNetwork
from eqspike.golden.baselines.relaxation import RelaxationNetwork
from eqspike.golden.baselines.settings import BASELINES, BackpropSettings, RelaxationSettings, Settings, read_settings
from eqspike.golden.config import Config


def make_baseline(config: Config, settings: Settings) -> RelaxationNetwork | BackpropNetwork:
    """The network of `settings`, with the sizes, the data and (for back-propagation) the devices of `config`."""
    kind = RelaxationNetwork if isinstance(settings, RelaxationSettings) else BackpropNetwork
    return kind(config, settings)


__all__ = [
    "BASELINES",
    "BackpropNetwork",
    "BackpropSettings",
    "RelaxationNetwork",
    "RelaxationSettings",
    "Settings",
    "make_baseline",
    "read_settings",
]
