"""EqSpike: spiking neurons that learn by equilibrium propagation, as a golden model and as open hardware.

    import eqspike

    network = eqspike.Network("digits")
    history = network.train(images, labels, test=(test_images, test_labels))

`images` has shape (n, features), floats in [0, 1] or uint8; `labels` has shape (n,), integers from 0 on. What the
package offers is listed in `__all__`; docs/python.md shows it at work. Each name is imported when it is first used, so
that `import eqspike` is quick: the model brings numba.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eqspike.base.errors import InputError, UsageProblem, WeightsError
    from eqspike.golden.config import Config
    from eqspike.golden.validation import ConfigError
    from eqspike.lab.train import Epoch
    from eqspike.network import Network, presets

_PLACES = {
    "Config": "eqspike.golden.config",
    "ConfigError": "eqspike.golden.validation",
    "Epoch": "eqspike.lab.train",
    "InputError": "eqspike.base.errors",
    "Network": "eqspike.network",
    "UsageProblem": "eqspike.base.errors",
    "WeightsError": "eqspike.base.errors",
    "presets": "eqspike.network",
}

__all__ = ["Config", "ConfigError", "Epoch", "InputError", "Network", "UsageProblem", "WeightsError", "presets"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
