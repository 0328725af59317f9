"""What can be counted does not grow unseen: cycles an image takes, rows of weights it moves, cells a core is made of.

`counted.yaml` holds the numbers. A change that makes one smaller is told of too: write the new number there.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from eqspike.fpga.build import run_synthesis
from eqspike.golden.configfile import load_config, resolve_preset
from eqspike.golden.data import load_split
from eqspike.golden.modes import INFER, LEARN
from eqspike.golden.network import Network
from eqspike.lab.configs import for_simulator
from eqspike.sim.engine import RtlEngine

FILE = Path(__file__).with_name("counted.yaml")
COUNTED = yaml.safe_load(FILE.read_text(encoding="utf-8"))
IMAGES = 4
"""Two of them are learned, two are inferred."""
SMALL = ("toy",)
"""In the default run."""


@pytest.mark.parametrize(
    "preset",
    [pytest.param(name, marks=() if name in SMALL else pytest.mark.soak) for name in sorted(COUNTED["images"])],
)
def test_cycles_and_rows_of_an_image(preset: str) -> None:
    config = load_config(resolve_preset(preset))
    part, network = load_split(config), Network(config)
    modes = [LEARN, INFER] * (IMAGES // 2)
    with RtlEngine(for_simulator(config)) as engine:
        report = engine.present(
            part.train_images[:IMAGES], part.train_labels[:IMAGES], modes, network.weights, network.key
        )
    counted = {"cycles": sum(report.image_cycles), "rows": sum(report.measured["rows"])}
    assert counted == COUNTED["images"][preset], f"{FILE.name}: images: {preset}"


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("preset", "board"), [tuple(key.split(" on ")) for key in sorted(COUNTED["cells"])])
def test_cells_of_a_core(preset: str, board: str, tmp_path: Path) -> None:
    """As synthesised, before placement. Two hundredths more may be another version of Yosys."""
    had = COUNTED["cells"][f"{preset} on {board}"]
    found = run_synthesis(load_config(resolve_preset(preset)), board, tmp_path)
    for kind, cells in had.items():
        assert abs(found["cells"][kind] - cells) <= cells * 0.02, f"{FILE.name}: cells: {preset} on {board}: {kind}"
