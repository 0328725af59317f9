"""How busy layers are: shares and rates of networks whose weights say what they must be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.data import load_split
from eqspike.golden.modes import INFER
from eqspike.golden.network import Network
from eqspike.lab.activity import LayerActivity, layer_names, of_network


def small(layers: list[int], number: str = "fixed") -> Config:
    return config_from_dict(
        {
            "dataset": {"name": "random"}, "network": {"layers": layers}, "number": {"format": number},
            "learning": {"free_steps": 32, "nudge_steps": 20, "window": 16}, "rate": {"delay": 20},
            "synapses": [{"bits": 8, "range": 4}],
        }
    )  # fmt: skip


def activity(config: Config, weights: list[np.ndarray]) -> tuple[LayerActivity, ...]:
    """Of these weights, real numbers, on the config's images."""
    network, split = Network(config), load_split(config)
    network.load_weights([w if network.real else network.numbers.synapses[s].weight.quantise(w)
                          for s, w in enumerate(weights)])  # fmt: skip
    network.present_all(split.test_images, split.test_labels, INFER)
    return of_network(config, network.contents, network.counter_values(), split)


@pytest.mark.parametrize("number", ["fixed", "real"])
def test_silent_and_saturated_layers(number: str) -> None:
    """Bias alone: two of four neurons of layer 1 fire whenever they may, the others never; layer 2 has no weights."""
    config = small([9, 4, 3, 2], number)
    first, second, third = np.zeros((10, 4)), np.zeros((5, 3)), np.zeros((4, 2))
    first[-1] = [3, 3, -3, -3]
    first[-1, 1] = 3
    layers = activity(config, [first, second, third])
    assert [layer.name for layer in layers] == ["hidden layer 1", "hidden layer 2", "output layer"]
    assert (layers[0].silent, layers[0].always) == (0.5, 0.5)
    assert layers[0].mean_rate == pytest.approx(0.5, abs=0.02)
    assert (
        layers[0].warning == "hidden layer 1 is two-valued: in an image 50 % of its neurons fire always and 50 % never"
    )
    assert (layers[1].silent, layers[1].always, layers[1].mean_rate) == (1, 0, 0)
    assert layers[1].rho_bar == 0
    assert "hidden layer 2 is silent" in layers[1].warning
    third[-1] = [3, -3]
    output = activity(config, [first, second, third])[2]
    assert (output.silent, output.always, output.warning) == (0.5, 0.5, None), "as outputs should be"
    first[-1] = 3
    assert "hidden layer 1 is saturated" in activity(config, [first, second, third])[0].warning


def test_one_hidden_layer_has_a_mean_rate() -> None:
    """Which the evaluation counted; nothing is presented for it."""
    config = small([9, 4, 2])
    (hidden, output) = activity(config, [np.full((10, 4), 0.5), np.full((5, 2), 0.25)])
    assert hidden.to_dict() == {"name": "hidden layer", "mean_rate": hidden.mean_rate}
    assert 0 < hidden.mean_rate <= 1
    assert hidden.silent is None
    assert LayerActivity.from_dict(hidden.to_dict()) == hidden
    assert layer_names(config.network.layers) == ["hidden layer", "output layer"]
    assert output.warning is None or "output" in output.warning


def test_it_stands_in_the_metrics_and_the_report_and_is_told(tmp_path: Path, tiny: str, run) -> None:
    """A network whose second hidden layer starts and stays silent: a note of training, a warning of the report."""
    data = yaml.safe_load(Path(tiny).read_text())
    data["network"] = {"layers": [*data["network"]["layers"][:2], 5, data["network"]["layers"][-1]]}
    data["synapses"] = [data["synapses"][0] | {"init": 0, "learning_rate": 2.0**-18}]
    Path("silent.yaml").write_text(yaml.safe_dump(data | {"name": "silent"}))
    result = run("train", "silent.yaml", "--epochs", 1, "--limit", 10, "--out", "silent")
    assert result.exit_code == 0, result.output
    assert (
        "note: hidden layer 2 is silent (mean rate 0.000 of f_max); docs/your-network.md says what to set"
        in result.stdout
    )
    layers = json.loads(Path("silent/metrics.json").read_text())["layers"]
    assert [layer["silent"] for layer in layers[:2]] == [1, 1]
    assert run("report", "silent").exit_code == 0
    assert "hidden layer 2 is silent" in Path("silent/report.html").read_text()
