"""Make the page of a config: one file that holds the circuit, the data set, weights and everything that shows them."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eqspike.base.errors import CommandError
from eqspike.base.files import write_text
from eqspike.golden.config import Config
from eqspike.golden.data import load_split
from eqspike.golden.derived import first_key
from eqspike.golden.engine import GoldenEngine
from eqspike.lab.configs import for_simulator, in_fixed_point, read_config
from eqspike.lab.page.assembly import page
from eqspike.lab.page.material import Trained, packed
from eqspike.lab.train import train
from eqspike.lab.weights import load_weights
from eqspike.sim.harness import SimulationError
from eqspike.sim.wasm import core_module, current_verilog


@dataclass(frozen=True)
class Made:
    """A page that was written."""

    path: Path
    size: int
    """In bytes."""
    verilog: str
    """SHA-256 of its circuit's Verilog."""
    images: int
    """That it learns to check itself."""


def make_page(
    config: Config, out: Path, say: Callable[[str], None], weights: Path | None = None, untrained: bool = False
) -> Made:
    """Write the page. It begins with `weights`, else with those that the golden model learns now; `untrained`: with
    none but the initial ones. `say` is told of each stage.

    Raises `ConfigError` for real numbers, `ToolMissing` without zig, `WeightsError`, `DataError`, and `CommandError`
    where the circuit cannot be compiled.
    """
    config = for_simulator(in_fixed_point(config))
    # What is wrong with the weights or the data set is said before minutes were spent.
    trained = _loaded(config, weights) if weights else None
    load_split(config)
    try:
        module = core_module(config, say)
    except SimulationError as error:
        raise CommandError(f"page: {error}") from None
    if trained is None and not untrained:
        say(f"training the golden model, {config.training.epochs} epochs")
        trained = _train(config)
    say("learning what the page checks itself by")
    material = packed(config, module, trained)
    write_text(out, page(config.name, material))
    return Made(out, out.stat().st_size, module.verilog, about(material["about"])["check"]["images"])


def _loaded(config: Config, path: Path) -> Trained:
    saved = load_weights(path, config)
    return Trained(saved.weights, int(saved.about.get("key", first_key(config))), int(saved.about.get("epoch", 0)))


def _train(config: Config) -> Trained:
    found = train(config, GoldenEngine(config), load_split(config))
    return Trained(found.weights[: len(config.synapses)], found.key, len(found.epochs))


def about(material: str) -> dict[str, Any]:
    """What a page's engine is told of its chip, from the material of that name."""
    return json.loads(gzip.decompress(base64.b64decode(material)))


def verilog_of(path: Path) -> str:
    """SHA-256 of the Verilog that a page was made from. Raises `CommandError` for a file that is no such page."""
    found = re.search(r'<script type="application/json" id="material">(.*?)</script>', path.read_text(encoding="utf-8"))
    if found is None:
        raise CommandError(f"{path}: is no page of a chip; 'eqspike page' makes one")
    return about(json.loads(found[1])["about"])["ready"]["digest"]


def of_these_sources(name: str, path: Path) -> bool:
    """Was a page made from the circuit of that preset as the sources have it now?"""
    return verilog_of(path) == current_verilog(for_simulator(read_config(name)))


__all__ = ["Made", "about", "make_page", "of_these_sources", "verilog_of"]
