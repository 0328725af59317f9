"""cocotb: runs of the learning-law pair; the job holds drives, the report the states of every step."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge

from cocotb_tests import harness
from cocotb_tests.driver import CLOCK_NS, field_of, pack
from golden.config import config_from_dict
from golden.number import MASK32, WEYL, image_word, seed_word
from rtl.pair import Pair

PER_NEURON = ("membrane", "refractory", "filtered", "integrator")


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def runs(dut: object) -> None:
    """All runs of the job, from rest."""
    job = harness.job()
    config = config_from_dict(job["config"])
    pair = Pair(config)
    layouts = {name: getattr(pair, name).shape() for name in PER_NEURON}
    drive = pair.drives.payload.shape()
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
    key = seed_word(config.training.seed)
    bits = pair.crossbar.weight_bits
    for run in range(pre.shape[0]):
        dut.word_data.value = int(image_word((key + run * WEYL) & MASK32))
        dut.restart.value = 1
        await edge
        dut.restart.value = 0
        for _ in range(8 + pair.crossbar.extra_stages):
            await edge
        for step in range(pre.shape[1]):
            payload = {"pre": int(pre[run, step]), "post": int(post[run, step])}
            dut.drives__payload.value = pack(drive, payload)
            dut.drives__valid.value = 1
            await edge
            dut.drives__valid.value = 0
            await done
            await settled
            for name, layout in layouts.items():
                word = int(getattr(dut, name).value)
                trace[name][run, step] = field_of(layout, word, 0), field_of(layout, word, 1)
            spikes = int(dut.spikes.value)
            trace["spikes"][run, step] = spikes & 1, spikes >> 1
            weight = int(dut.weight.value)
            trace["weight"][run, step] = weight - (1 << bits) if weight >> (bits - 1) else weight
            trace["word"][run, step] = int(dut.word.value)
            await edge
    harness.report(trace)
