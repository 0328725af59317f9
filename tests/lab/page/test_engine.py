"""Circuits compiled to WebAssembly, behind the page's engine, in node: each is the golden model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cocotb_tests import networks
from eqspike.base import tools
from eqspike.golden.config import Config
from eqspike.golden.modes import INFER, LEARN
from eqspike.golden.network import Network
from eqspike.lab.page import material
from eqspike.sim.wasm import core_module
from tests.lab.page.node import evaluated

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3000)]

FILES = {"bits": "bits.js", "sha256": "sha256.js", "parts": "chip.js", "engines": "engine.js"}
BODY = """
Object.assign(globalThis, { bits, sha256 }, parts);
const zlib = require("zlib");
const open = (name) => {
  const data = zlib.gunzipSync(Buffer.from(given.packed[name], "base64"));
  return data.buffer.slice(data.byteOffset, data.byteOffset + data.length);
};
const about = JSON.parse(Buffer.from(open("about")));
const chip = await parts.Chip.make(new Uint8Array(open("wasm")), about.chip, new Uint32Array(open("places")));
const said = [];
const images = new Uint16Array(open("images")), initial = new Int32Array(open("initial"));
const engine = new engines.Engine(chip, { about, images, initial, trained: null }, (message) => said.push(message));
engine.check();
const run = () => { while (engine.work(performance.now())); };
engine.hear({ type: "write", synapses: [[0, 0, 0]], value: 1 }); // waits for the end of the check
run();
engine.hear({ type: "start", weights: "initial" });
engine.hear({ type: "show", pixels: [...engine.pixels(1)], id: 1 });
engine.hear({ type: "inspect", neuron: [1, 2] });
for (let i = 0; i < 3; i++) engine.hear({ type: "next" });
run();
engine.hear({ type: "write", synapses: [[0, 1, 2], [1, 0, 1]], value: 0 });
engine.hear({ type: "key", value: 77 });
engine.hear({ type: "next" });
run();
const seen = [...chip.weights()];
return { said: said.map((m) => (m.spikes ? { ...m, spikes: [...m.spikes] } : m)), seen, read: [...chip.read()] };
"""


@pytest.fixture
def run() -> Callable[[Config], dict[str, Any]]:
    """Compiles a config's circuit and does with it what `BODY` says."""
    try:
        tools.zig()
    except tools.ToolMissing as error:
        pytest.skip(str(error))

    def call(config: Config) -> dict[str, Any]:
        packed = material.packed(config, core_module(config, lambda stage: None), None)
        return evaluated(FILES, BODY, {"packed": packed})

    return call


def spikes(trace: Any, network: Network, steps: int) -> list[int]:
    """As the engine packs them."""
    rows = np.concatenate([trace.input_spikes[:steps], trace.spikes[:steps]], axis=1).astype(np.uint8)
    return np.packbits(rows, axis=1, bitorder="little").ravel().tolist()


@pytest.mark.parametrize("name", ["5-3-2", "tiny", "banks"])
def test_it_is_the_golden_model(name: str, run: Callable, make_config: Callable[..., Config]) -> None:
    """One after the other with one cache of the compiler: objects of one core must not serve another."""
    config = make_config() if name == "tiny" else networks.odd(next(n for n in networks.NAMES if n.startswith(name)))
    found = run(config)
    check = [m for m in found["said"] if m["type"] == "check"][-1]
    assert check["state"] == "passed", check
    images = [m for m in found["said"] if m["type"] == "image"]
    held, network = material.material(config), Network(config)
    steps = config.learning.free_steps + config.learning.nudge_steps
    order = [(1, INFER, "show"), (0, LEARN, "train"), (1, LEARN, "train"), (2, LEARN, "train"), (3, LEARN, "train")]
    for message, (number, mode, source) in zip(images, order, strict=True):
        if number == 3:
            weights = [w.copy() for w in network.weights]
            weights[0][1, 2] = weights[1][0, 1] = 0
            network.load_weights(weights)
            network.key = 77
        network.clear_counters()
        trace = network.empty_trace(steps)
        golden = network.present(held.train[number], int(held.train_labels[number]), mode, trace)
        counters = network.counter_values()
        assert message["source"] == source
        assert (message["prediction"], message["nudged"]) == (golden.prediction, golden.nudged)
        assert message["counts"] == list(golden.counts)
        assert message["key"] == network.key
        assert {name: message["counters"][name] for name in counters} == counters
        assert message["spikes"] == spikes(trace, network, message["steps"])
        if source == "train":
            threshold = network.numbers.threshold
            shown = np.array(message["inner"]["membrane"]) * threshold
            assert np.allclose(shown, trace.membrane[: message["steps"], 2])
    flat = np.concatenate([w.ravel() for w in network.weights]).tolist()
    assert found["seen"] == found["read"] == flat


def test_the_build_is_found_again(run: Callable, make_config: Callable[..., Config], tmp_path: Path) -> None:
    run(make_config())
    stages: list[str] = []
    core_module(make_config(), stages.append)
    assert stages == []
