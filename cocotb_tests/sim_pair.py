"""cocotb: the learning law's pair against `golden.law.run_pair`."""

import dataclasses
import os
import pickle
from pathlib import Path

import cocotb
import numpy as np
from amaranth.lib import wiring

from cocotb_tests.bench import Mismatch
from eqspike.golden.configfile import config_from_dict, config_to_dict, load_config, resolve_preset
from eqspike.golden.law import law_config, run_pair
from eqspike.rtl.pair import Pair
from eqspike.sim import harness
from eqspike.sim.jobs import pair as law

FAULTS = {
    "slope_spread": 0.3, "threshold_spread": 0.05, "speed": 1e-2, "nonlinearity_up": 1.0, "nonlinearity_down": 0.6,
    "write_noise": 1e-3,
}  # fmt: skip


def _job(draw: str, runs: int, steps: int, **device: float) -> dict:
    preset = load_config(resolve_preset("digits"))
    synapse = dataclasses.replace(preset.synapses[-1], draw=draw)
    device = dataclasses.replace(preset.device, **device)
    config = law_config(preset.replace(synapses=(synapse, synapse), device=device), real=False)
    scale = 2**config.membrane_fraction_bits
    generator = np.random.default_rng(5)
    return {
        "config": config_to_dict(config),
        # Some drives are negative, some beyond f_max.
        "pre": generator.integers(-scale // 8, scale, (runs, steps)),
        "post": np.repeat(generator.integers(0, scale, (runs, 1)), steps, axis=1),
    }


JOBS = {
    "neuron": _job("neuron", 3, 150),
    "synapse": _job("synapse", 2, 150),
    "faults": _job("synapse", 2, 80, **FAULTS),
}


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return Pair(config_from_dict(job["config"]))


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def pair(dut: object) -> None:
    """Every state of every step."""
    job = harness.job()
    await law.runs.func(dut)
    rtl = pickle.loads((Path(os.environ["EQSPIKE_JOB"]) / "report").read_bytes())
    golden = run_pair(config_from_dict(job["config"]), job["pre"], job["post"])
    for name, values in rtl.items():
        if not np.array_equal(values, getattr(golden, name)):
            raise Mismatch(f"Mismatch: {name}")
    harness.report({"compared": {name: values.size for name, values in rtl.items()}})
