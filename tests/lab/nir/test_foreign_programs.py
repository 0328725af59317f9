"""Plain graphs in the programs that they are made for, and graphs that these made: `foreign.py` runs there.

EQSPIKE_FOREIGN_PYTHON names a Python in which some of them are installed (pip install snntorch norse sinabs nirtorch);
without it this Python is asked. snnTorch writes files with NIR 1.0.8, Sinabs asks for NIR up to 1.0.4.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eqspike.golden.config import Config
from eqspike.golden.data import load_split
from eqspike.golden.modes import INFER
from eqspike.golden.network import Network
from eqspike.lab.configs import read_config
from eqspike.lab.nir.agreement import agreement
from eqspike.lab.nir.fit import fitted
from eqspike.lab.nir.layered import answers, input_spikes
from eqspike.lab.nir.plain import to_plain
from eqspike.lab.nir.read import from_graph, imported_network, read_graph
from eqspike.lab.nir.shown import Shown, fixed_phase
from eqspike.lab.nir.simulate import output_spikes
from eqspike.lab.nir.write import graph_bytes

pytestmark = pytest.mark.soak
PYTHON = os.environ.get("EQSPIKE_FOREIGN_PYTHON", sys.executable)
SCRIPT = Path(__file__).parent / "foreign.py"
LIBRARIES = ("snntorch", "norse", "sinabs", "nirtorch")
STEPS = {"snntorch": 1e-4, "norse": 1e-3, "sinabs": 1.0}
"""The unit of time of a step in what each writes."""


def foreign(*arguments: object, may_fail: bool = False) -> str:
    """What `foreign.py` prints; a program that is not there, or (`may_fail`) whose NIR does not know v_reset, skips."""
    done = subprocess.run([PYTHON, SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False)
    missing = "ModuleNotFoundError" in done.stderr or "PackageNotFoundError" in done.stderr
    if missing or (may_fail and "unexpected keyword argument 'v_reset'" in done.stderr):
        pytest.skip((done.stderr.strip().splitlines() or ["no reason"])[-1])
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def digits() -> Config:
    return read_config("digits")


@pytest.fixture(scope="module")
def trained(digits: Config) -> Network:
    """Digits after five epochs, which is about 95 %."""
    network, part = Network(digits), load_split(digits)
    for epoch in range(5):
        network.set_epoch(epoch)
        network.learn(part.train_images, part.train_labels)
    return network


@pytest.fixture
def images(digits: Config, tmp_path: Path) -> Shown:
    """All 359 test images of Digits as spikes, also in a file."""
    part, config = load_split(digits), fixed_phase(digits)
    spikes = input_spikes(config, part.test_images)
    np.savez(tmp_path / "spikes.npz", spikes=spikes)
    return Shown(config, part.test_images, part.test_labels, "test images", spikes)


@pytest.mark.parametrize("library", LIBRARIES)
def test_plain_graphs_are_loaded(library: str, digits: Config, trained: Network, images: Shown, tmp_path: Path) -> None:
    """The same answers as NIR's own equations give, on all images; nearly so in Sinabs, which subtracts the threshold
    at a spike, whatever the file says."""
    version = foreign("version", library)
    graph = to_plain(digits, trained.real_weights(), sinabs=library == "sinabs")
    (tmp_path / "p.nir").write_bytes(graph_bytes(graph, resets=False))
    foreign("run", library, tmp_path / "p.nir", tmp_path / "spikes.npz", tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as out:
        found = out["spikes"]
    wanted = output_spikes(graph, graph.metadata["dt"], images.spikes, digits.neuron.refractory)
    alike, total = np.mean(answers(digits, found) == answers(digits, wanted)), len(images.images)
    right, by_nir = (images.right(answers(digits, spikes)) / total for spikes in (found, wanted))
    print(
        f"{library} {version}: {alike:.1%} of {total} the same answer, {np.mean(found == wanted):.4%} the same spikes; "
        f"right: {right:.1%}, {by_nir:.1%} by NIR"
    )
    assert found.sum() > 1000
    if library == "sinabs":
        assert alike > 0.9
    else:
        assert np.mean(found == wanted) > 0.999
        assert alike > 0.99


@pytest.mark.parametrize("library", LIBRARIES[:3])
def test_what_they_write_is_imported(
    library: str, digits: Config, trained: Network, images: Shown, tmp_path: Path
) -> None:
    """A network of 64-32-10 neurons built there: less than two points are lost on the way to the chip."""
    version = foreign("version", library)
    weights = trained.real_weights()
    network = {f"weight_{n}": w[:-1].T for n, w in enumerate(weights)}
    network |= {f"bias_{n}": w[-1] / digits.neuron.refractory for n, w in enumerate(weights)}
    np.savez(tmp_path / "network.npz", leak=digits.neuron.leak, **network)
    files = [tmp_path / name for name in ("network.npz", "spikes.npz", "made.nir", "out.npz")]
    foreign("make", library, *files, may_fail=True)
    with np.load(tmp_path / "out.npz") as out:
        before = images.right(answers(digits, out["spikes"]))
    plain = from_graph(read_graph(tmp_path / "made.nir"), digits, STEPS[library], approximate=True)
    found, fit = fitted(plain)
    seen = agreement(found, plain, imported_network(found), fit)
    results = imported_network(found).present_all(images.images, images.labels, INFER)
    after, total = images.right(results[:, 0]), len(images.images)
    print(f"{library} {version}: {before / total:.1%} right there, {after / total:.1%} on the chip; fitted: {fit}")
    print(*seen.lines(), sep="\n")
    assert before / total > 0.85
    assert after / total > before / total - 0.02
