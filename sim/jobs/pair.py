"""cocotb: runs of the learning-law pair; the job holds drives, the report the states of every step."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge

from eqspike.golden.configfile import config_from_dict
from eqspike.golden.derived import first_key
from eqspike.golden.draw import image_word, next_key
from eqspike.rtl.bits import Codec
from eqspike.rtl.pair import Pair
from eqspike.sim import harness
from eqspike.sim.driver import CLOCK_NS

PER_NEURON = ("membrane", "refractory", "filtered", "integrator")


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def runs(dut: object) -> None:
    """All runs of the job, from rest."""
    job = harness.job()
    config = config_from_dict(job["config"])
    pair = Pair(config)
    codecs = {name: Codec(getattr(pair, name).shape()) for name in (*PER_NEURON, "weight")}
    drive = Codec(pair.drives.payload.shape())
    pre, post = job["pre"], job["post"]
    trace = {name: np.zeros((*pre.shape, 2), np.int64) for name in (*PER_NEURON, "spikes")}
    trace |= {name: np.zeros(pre.shape, np.int64) for name in ("weight", "word")}
    for name in ("restart", "word_data", "drives__valid", "drives__payload"):
        getattr(dut, name).value = 0
    dut.rst.value = 1
    Clock(dut.clk, CLOCK_NS, unit="ns").start()
    edge, done, settled = RisingEdge(dut.clk), RisingEdge(dut.done), ReadOnly()
    await edge
    await edge
    dut.rst.value = 0
    await edge
    key = first_key(config)
    for run in range(pre.shape[0]):
        dut.word_data.value = int(image_word(next_key(key, run)))
        dut.restart.value = 1
        await edge
        dut.restart.value = 0
        for _ in range(pair.restart_cycles):
            await edge
        for step in range(pre.shape[1]):
            payload = {"pre": int(pre[run, step]), "post": int(post[run, step])}
            dut.drives__payload.value = drive.pack(payload)
            dut.drives__valid.value = 1
            await edge
            dut.drives__valid.value = 0
            await done
            await settled
            for name, codec in codecs.items():
                trace[name][run, step] = codec.unpack(int(getattr(dut, name).value))
            spikes = int(dut.spikes.value)
            trace["spikes"][run, step] = spikes & 1, spikes >> 1
            trace["word"][run, step] = int(dut.word.value)
            await edge
    harness.report(trace)
