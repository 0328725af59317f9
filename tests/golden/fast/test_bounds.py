"""What can become of numbers: the bounds hold for what networks do, and for what `golden.number` says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eqspike.golden.configfile import load_config
from eqspike.golden.fast import bounds
from eqspike.golden.fast.shape import shape_of
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network
from tests.golden.variants import VARIANTS, pictures, variant

ROOT = Path(__file__).resolve().parents[3]
FIXED = [name for name in VARIANTS if not name.startswith("real")]


@pytest.mark.parametrize("name", FIXED)
def test_nothing_leaves_its_bounds(name: str) -> None:
    config = variant(name)
    network = Network(config)
    p, steps = network.parameters, config.learning.free_steps + config.learning.nudge_steps
    images, labels = pictures(config, 6)
    images[3] = config.input.full_scale
    for image, label in zip(images, labels, strict=True):
        trace = network.empty_trace(steps)
        network.present(image, int(label), LEARN, trace)
        assert np.abs(trace.integrator).max() <= bounds.signal_bound(p)
        for layer in range(1, len(p.widths)):
            assert np.abs(network.state.steps_forward[layer]).max() <= bounds.step_bound(p, layer - 1)
            current = np.abs(network.state.forward[layer]).max() << int(p.align[layer - 1])
            assert current <= bounds.current_bound(p, layer)


PRESETS = sorted((ROOT / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", PRESETS, ids=[path.stem for path in PRESETS])
def test_bounds_and_formats_agree(path: Path) -> None:
    """The bounds count spikes more loosely than `golden.number`, which takes refractory periods into account: they are
    not below the sums that its formats were made for, and a few bits above at most."""
    network = Network(load_config(path))
    if network.real:
        pytest.skip("real numbers have no bounds")
    p, numbers = network.parameters, network.numbers
    assert bounds.signal_bound(p).bit_length() + 1 <= numbers.signal.bits + 5
    for s, synapse in enumerate(numbers.synapses):
        assert bounds.weight_bound(p, s) == -synapse.weight.low
        assert bounds.current_bound(p, s + 1).bit_length() + 1 >= numbers.current_bits[s]
        assert bounds.current_bound(p, s + 1).bit_length() + 1 <= numbers.current_bits[s] + 2


def test_types_of_the_presets() -> None:
    """Ideal devices at 12 bits: weights and steps in 16 bits, all else in 32; 15 weights in a sum of 16."""
    types = shape_of(Network(load_config(ROOT / "configs/digits.yaml")).chip(), np.dtype(np.int32)).types
    assert types == bounds.Types(weight=16, partial=16, block=15, number=32, product=32, input=16)


def test_the_narrowest_type() -> None:
    assert [bounds.holder(b) for b in (1, 2**15 - 1, 2**15, 2**31 - 1, 2**31, 2**63 - 1)] == [16, 16, 32, 32, 64, 64]
    assert bounds.holder(5, least=32) == 32
    with pytest.raises(bounds.TooWide, match="64 bits"):
        bounds.holder(3, 2**63)
