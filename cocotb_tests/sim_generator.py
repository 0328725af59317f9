"""cocotb: the seeded generator (rtl.generator) against golden.draw."""

from __future__ import annotations

import cocotb
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.draw import MASK32, WARM_UP, image_word, next_key, xorshift32
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.generator import Generator
from eqspike.sim import harness

JOBS = {
    "random_sign": {"config": config_data(learning={"random_sign": True})},
    "one_sign": {"config": config_data(learning={"random_sign": False})},
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=1600 + _seed)

IMAGES = 60


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return Generator(config_from_dict(job["config"]))


async def _strobe(bench: Bench, **values: int) -> None:
    """Inputs of one cycle; then some cycles without."""
    bench.drive(**values)
    await bench.cycle()
    bench.drive(**dict.fromkeys(values, 0))
    while bench.chance(0.3):
        await bench.cycle()


async def _expect(bench: Bench, **golden: int) -> None:
    """The outputs of a cycle."""
    await bench.settle()
    for name, value in golden.items():
        bench.check(name, value)
    await bench.cycle()


@cocotb.test(**TIMEOUT)
async def generator(dut: object) -> None:
    """Images from keys that were set or came by themselves, the keys whose word is special among them."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    config = config_from_dict(job["config"])
    key = fixed_numbers(config).seed
    await bench.start()
    for _ in range(IMAGES):
        if bench.chance(0.5):
            key = bench.random.choice((0, 1, MASK32, bench.random.getrandbits(32)))
            await _strobe(bench, key_load=1, key_data=key)
            bench.seen["key 0"] += key == 0
        await _expect(bench, key=key)
        await _strobe(bench, begin=1)
        for _ in range(WARM_UP):
            await _expect(bench, warm=0)
            await _strobe(bench, warm_up=1)
        await _expect(bench, warm=1)
        # Nothing more once it is warm.
        await _strobe(bench, warm_up=1)
        word = int(image_word(key))
        await _expect(bench, word=word)
        await _strobe(bench, draw_sign=1)
        sign = word & 1 if config.learning.random_sign else 0
        bench.seen["negative"] += sign
        for _ in range(10):
            await _expect(bench, word=word, negative=sign)
            await _strobe(bench, next_word=1)
            word = int(xorshift32(word))
        if bench.chance(0.8):
            key = int(next_key(key))
            await _strobe(bench, next_key=1)
    bench.report()
