"""`eqspike asic`: a network's core as standard cells, timed, checked against the golden model, with what it takes."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.lib import wiring

from eqspike.asic.activity import Activity, count, read_record, settle
from eqspike.asic.core import Built, build, described
from eqspike.asic.energy import TRANSITION_NS, energy
from eqspike.asic.library import Library, read_library
from eqspike.asic.run import run
from eqspike.asic.simulated import simulated
from eqspike.asic.swap import swap_gate
from eqspike.asic.timing import WIRES_FF, time_core
from eqspike.asic.tools import Tools
from eqspike.base import tools as base
from eqspike.base.errors import CommandError
from eqspike.base.files import write_json, write_text
from eqspike.base.locks import locked
from eqspike.golden.config import Config
from eqspike.golden.network import Network
from eqspike.lab.compare import learning_job
from eqspike.lab.configs import in_fixed_point
from eqspike.rtl.core import Core
from eqspike.rtl.lane import Lane
from eqspike.rtl.neuron import Lif
from eqspike.rtl.pulse import PulseTail
from eqspike.rtl.rate import RhoBar
from eqspike.sim.harness import SimulationError

SCRATCH = ".scratch-"
DEFAULT_LIBRARY = "osu018_stdcells.lib"
THESIS_PJ = 10.0
"""What the thesis prices a SynOp at (section 2.5)."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of a run."""

    liberty: Path | None = None
    """None: the standard cells of Debian's package."""
    gate: int = 0
    """Gate clocks for so many flip-flops or more; 0: none."""
    own: int = 0
    """Gate the clocks of registers of so many flip-flops or more, by comparing their words; 0: of none."""
    check: int = 0
    """Training images that the gates learn beside the golden model; 0: no energy, too."""
    simulator: str = "verilator"
    swap: bool = False
    """After the check, swap a gate and check again: it must be found."""
    neuron: bool = True
    """Map a LIF neuron and a whole lane by themselves, too."""


def _silent(_: str) -> None:
    pass


def run_asic(config: Config, out: Path, asked: Asked, *, say: Callable[[str], None] = _silent) -> dict[str, Any]:
    """Do what is asked and write OUT/asic.json and OUT/core.v, whole or not at all; what asic.json holds.

    Raises `ToolMissing`, `UsageProblem` (the liberty file), `FlowFailed`, `NetlistProblem`, `CommandError`.
    """
    in_fixed_point(config)
    base.opensta()
    library = read_library(asked.liberty or base.qflow_file(DEFAULT_LIBRARY))
    began = time.monotonic()
    with locked(out):
        for left in out.glob(f"{SCRATCH}*"):
            shutil.rmtree(left, ignore_errors=True)
        (out / "asic.json").unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=out) as scratch:
            tools = Tools(folder=Path(scratch).resolve(), out=out)
            result = _measure(config, tools, library, asked, say)
            verilog = (tools.folder / "core.v").read_text(encoding="utf-8")
        result["seconds"] = round(time.monotonic() - began, 1)
        write_text(out / "core.v", verilog)
        write_json(out / "asic.json", result)
    return result


def _measure(
    config: Config, tools: Tools, library: Library, asked: Asked, say: Callable[[str], None]
) -> dict[str, Any]:
    core = Core(config)
    neurons = _neurons(config, core, tools, library, say) if asked.neuron else None
    built = build(core, tools, library, say, asked.gate or None, asked.own or None)
    say("timing")
    timings = [time_core(tools, library, built.netlist, wire) for wire in WIRES_FF]
    result = {
        "kind": "asic",
        "config": config.name,
        "layers": list(config.network.layers),
        "lanes": core.lanes,
        "library": {"name": library.name, "file": library.path.name, "voltage": library.voltage},
        "gate": asked.gate,
        "self_gate": asked.own,
        **described(built, library),
        "timing": [
            {"wire_ff": t.wire_ff, "ns": t.ns, "mhz": round(t.mhz, 1), "from": t.begins, "to": t.ends} for t in timings
        ],
        "neurons": neurons,
        "swapped": None,
        "check": None,
        "energy": None,
        "versions": _versions(),
    }
    if asked.check:
        report, record = _check(config, built, tools, library, asked, say)
        result["check"] = report
        if report["passed"]:
            say("energy")
            result["energy"] = _energy(config, built, library, asked, record)
            if asked.swap:
                result["swapped"] = _swapped(config, built, library, asked, say, record)
    return result


def neuron_parts(config: Config, core: Core | None = None) -> dict[str, wiring.Component]:
    """A LIF neuron; what its synapses are programmed by, a rho-bar block or tails of pulses; a lane, which has both."""
    bits = (core or Core(config)).neurons.current_bits
    return {
        "lif": Lif(config, bits),
        "signal": PulseTail(config) if config.pulses else RhoBar(config),
        "lane": Lane(config, bits),
    }


def _neurons(
    config: Config, core: Core, tools: Tools, library: Library, say: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """A LIF neuron, and a lane: the same with what its synapses are programmed by, each by itself."""
    found = {}
    for name, component in neuron_parts(config, core).items():
        if name == "signal":
            continue  # the lane less the neuron, without its pipeline
        built = build(component, tools, library, lambda stage, name=name: say(f"{name}: {stage}"))
        whole = described(built, library)
        found[name] = {key: whole[key] for key in ("cells", "cell_count", "flip_flops", "area_um2")}
    return found


def _check(
    config: Config, built: Built, tools: Tools, library: Library, asked: Asked, say: Callable[[str], None]
) -> tuple[dict[str, Any], Path]:
    """The comparison of the netlist with the golden model, and the record of its run."""
    text = simulated(built.netlist, library, built.observer, config.training.seed)
    job = learning_job(config, asked.check)
    record = tools.folder / "record.txt"
    shown = 0

    def advance(more: int) -> None:
        nonlocal shown
        shown += more
        if shown < asked.check:
            say(f"image {shown + 1} of {asked.check}")

    say(f"build for {asked.simulator}")
    try:
        report = run(text, job, asked.simulator, record, advance)
    except SimulationError as error:
        raise CommandError(f"asic: the gates do not do what the golden model does: {error}") from None
    report.pop("weights")
    return {
        **report,
        "words_compared": sum(report["compared"].values()),
        "passed": report["mismatches"] == 0 and report["images"] == asked.check,
    }, record


def _swapped(
    config: Config, built: Built, library: Library, asked: Asked, say: Callable[[str], None], record: Path
) -> dict[str, Any]:
    """What the same check says when a gate is another one."""
    say("swap a gate")
    gate = swap_gate(built.netlist, library, read_record(record, built.netlist, library), config.training.seed)
    text = simulated(built.netlist, library, built.observer, config.training.seed)
    say(f"{gate}: {asked.simulator}")
    try:
        report = run(text, learning_job(config, asked.check), asked.simulator, record)
    except SimulationError as error:
        return {"gate": gate, "mismatches": 0, "first_mismatch": None, "stopped": str(error), "found": True}
    first, mismatches = report["first_mismatch"], report["mismatches"]
    return {"gate": gate, "mismatches": mismatches, "first_mismatch": first, "stopped": None, "found": mismatches > 0}


def _energy(config: Config, built: Built, library: Library, asked: Asked, record: Path) -> dict[str, Any]:
    """What the images of the check took, from their first pixel to their last result."""
    activity = _activity(built, library, record, asked.check)
    synops = _synops(config, asked.check)
    rows = []
    for wire in WIRES_FF:
        used = energy(built.netlist, library, activity, wire * 1e-3)
        rows.append(
            {
                "wire_ff": wire,
                "nj_a_cycle": used.total / activity.cycles / 1e3,
                "nj_an_image": used.total / asked.check / 1e3,
                "pj_a_synop": used.total / synops,
                "shares": {part: value / used.total for part, value in used.parts.items()},
            }
        )
    return {
        "images": asked.check, "cycles": activity.cycles, "synops": synops, "transition_ns": TRANSITION_NS,
        "thesis_pj_a_synop": THESIS_PJ, "wires": rows,
    }  # fmt: skip


def _activity(built: Built, library: Library, record: Path, images: int) -> Activity:
    netlist = built.netlist
    given = read_record(record, netlist, library)
    valid = np.unpackbits(settle(netlist, library, given)[netlist.ports["results__valid"].nets[0]])
    ready = given[netlist.ports["results__ready"].nets[0]]
    taken = np.flatnonzero(valid[: len(ready)] & ready)
    if len(taken) != images:
        raise CommandError(f"asic: the record shows {len(taken)} results of {images} images")
    return count(netlist, library, given, 0, int(taken[-1]))


def _synops(config: Config, images: int) -> int:
    """Counted by the golden model on the same images."""
    job, network = learning_job(config, images), Network(config)
    network.clear_counters()
    for image, label, mode, epoch in zip(job["images"], job["labels"], job["modes"], job["epochs"], strict=True):
        network.set_epoch(epoch)
        network.present(image, int(label), mode)
    return int(network.counter_values()["synops"])


def _versions() -> dict[str, str]:
    found = base.versions()
    return {name: found[name] for name in ("amaranth", "yosys", "verilator", "iverilog")}


__all__ = ["DEFAULT_LIBRARY", "Asked", "neuron_parts", "run_asic"]
