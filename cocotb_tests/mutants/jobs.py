"""Which tests a change of a file of rtl/ is put to, one after another until one fails: quick and near ones first."""

from __future__ import annotations

import importlib
from functools import lru_cache

from cocotb_tests.mutations import CORE

Job = tuple[str, str]
"""A module of cocotb tests and one of its jobs, as `cocotb_tests.mutations.target` takes them."""

CORES = (
    "core", "core_banks", "core_chunk_banks", "core_sparse", "pulse_desynch_collision", "core_filter",
    "core_wide_banks", "core_sweep", "core_gather", "pulse_naive", "pulse_desynch", "odd_5-3-2", "odd_9-1-1",
    "odd_sparse-7-5-3", "odd_pulse-7-5-3", "odd_banks-24-18-3",
    "odd_naive-16-9-4", "odd_banks-41-7-7-3", "odd_7-5-3",
)  # fmt: skip
DEVICES = ("odd_devices-16-9-9-4",)
"""Slow: only for what devices consist of."""

NEAR: dict[str, tuple[str, ...]] = {
    "accumulator.py": ("sim_accumulator", f"{CORE}:core_gather"),
    "adder.py": ("sim_crossbar:tree_1 tree_5 tree_16 neurons", "sim_device:all"),
    "bank.py": (f"{CORE}:core_banks", "sim_crossbar:neurons"),
    "bias.py": ("sim_bias",),
    "counters.py": ("sim_counters",),
    "crossbar.py": ("sim_crossbar:neurons chance devices_all synapses", "sim_crossbar"),
    "current.py": ("sim_current", "sim_crossbar:neurons both"),
    "device.py": (
        "sim_device:all all_alike measured", "sim_device", "sim_crossbar:devices_all devices_stuck devices_measured",
    ),
    "draw.py": ("sim_draw", "sim_crossbar:neurons synapses chance", "sim_device:all"),
    "emit.py": (f"{CORE}:pulse_desynch_collision pulse_naive", "sim_crossbar:chance neurons synapses"),
    "forward.py": (f"{CORE}:core_wide_banks core_banks", "sim_crossbar:neurons both"),
    "generator.py": ("sim_generator",),
    "image_end.py": (f"{CORE}:core_sweep",),
    "input_counts.py": ("sim_input_counts", f"{CORE}:core_sweep"),
    "input_store.py": ("sim_inputs:prefetch inputs", "sim_inputs"),
    "inputs.py": ("sim_inputs:prefetch inputs eager", "sim_inputs"),
    "input_steps.py": ("sim_input_steps",),
    "lane.py": ("sim_lane",),
    "layout.py": (f"{CORE}:core_banks core", "sim_crossbar:neurons", "sim_counters"),
    "neuron.py": ("sim_neuron", "sim_lane"),
    "nudge.py": ("sim_nudge",),
    "number.py": ("sim_number", "sim_neuron", "sim_rate", "sim_crossbar:neurons synapses", "sim_device"),
    "pair.py": ("sim_pair",),
    "pairs.py": ("sim_pairs",),
    "products.py": ("sim_products", f"{CORE}:core_sweep"),
    "program.py": (
        "sim_crossbar:neurons synapses both chance devices_all devices_stuck", "sim_device:all stuck measured states",
    ),
    "pulse.py": ("sim_pulse",),
    "rate.py": ("sim_rate",),
    "sequencer.py": (f"{CORE}:core core_banks core_sparse pulse_naive core_chunk_banks", "sim_ports:reset banks"),
    "core.py": (f"{CORE}:core core_banks", "sim_ports:reset"),
    "spike_list.py": ("sim_spike_list",),
    "sums.py": ("sim_sums",),
    "sweep.py": ("sim_sweep", f"{CORE}:core_sweep"),
    "weight_port.py": ("sim_weight_port", f"{CORE}:core core_banks"),
    "image_port.py": ("sim_image_port",),
    "link/uart.py": ("sim_uart",),
    "link/cobs.py": ("sim_cobs",),
    "link/frame.py": ("sim_frame",),
}  # fmt: skip
"""File -> tests of its component, `module` (all its jobs) or `module:job job`."""
LINK = ("sim_link:mixed rushed wide",)
HOST = ("sim_ports",)
SEEN_BY_LINK = ("link/", "core.py", "weight_port.py", "image_port.py", "counters.py", "streams.py")
"""Files, or folders, whose changes are put to the link's tests as well."""
OF_DEVICES = {"device.py", "program.py", "draw.py", "number.py", "weight_port.py", "crossbar.py", "bank.py"}


@lru_cache
def _expand(entry: str) -> tuple[Job, ...]:
    module, _, names = entry.partition(":")
    if names:
        return tuple((module, name) for name in names.split())
    try:
        jobs = importlib.import_module(f"cocotb_tests.{module}").JOBS
    except ModuleNotFoundError:
        return ()
    return tuple((module, name) for name in jobs)


@lru_cache
def jobs_of(file: str) -> tuple[Job, ...]:
    """The jobs for a change of this file, in order, each once."""
    entries = list(NEAR.get(file, ()))
    if not file.startswith("link/"):
        entries.append(f"{CORE}:{' '.join(CORES)}")
        if file in OF_DEVICES:
            entries.append(f"{CORE}:{' '.join(DEVICES)}")
        entries += HOST
    if file.startswith(SEEN_BY_LINK):
        entries += LINK
    return tuple(dict.fromkeys(job for entry in entries for job in _expand(entry)))
