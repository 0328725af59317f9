"""cocotb: images in and results out (rtl.image_port) against models of them, cycle by cycle."""

from __future__ import annotations

import cocotb
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.configfile import config_from_dict
from eqspike.rtl.image_port import ImagePort, ResultPort
from eqspike.rtl.layout import Layout
from eqspike.rtl.nudge import OutputRates
from eqspike.rtl.streams import Mode
from eqspike.sim import harness

_CONFIG = config_data(network={"layers": [6, 4, 3]})
JOBS = {
    "images": {"banks": 1, "prefetch": False, "config": _CONFIG},
    "images_banks": {"banks": 3, "prefetch": False, "config": _CONFIG},
    "images_prefetch": {"banks": 2, "prefetch": True, "config": _CONFIG},
    "results": {"results": True, "config": _CONFIG},
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=1720 + _seed)

CYCLES = 3000


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    config = config_from_dict(job["config"])
    if job.get("results"):
        return ResultPort(config, OutputRates(config, Layout(config, 2)))
    return ImagePort(config, job["banks"], job["prefetch"])


@cocotb.test(**TIMEOUT)
async def ports(dut: object) -> None:
    """Any inputs in any cycle."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    bench.streams = []  # Inputs change as no stream's may; so do outputs.
    await bench.start()
    await (_results if job.get("results") else _images)(bench)
    bench.report()


async def _images(bench: Bench) -> None:
    port = bench.component
    everyone = (1 << port.banks) - 1
    label = mode = next_label = next_mode = None
    for _ in range(CYCLES):
        image = {"pixel": bench.pick(0, 15), "label": bench.random.randrange(3), "mode": bench.random.choice([0, 1, 2])}
        valid, fill, begin, empty = (bench.random.getrandbits(1) for _ in range(4))
        ready = [int(bench.chance(0.8)) for _ in range(port.banks)]
        loaded = bench.random.choice((everyone, everyone, bench.random.randint(0, everyone)))
        bench.drive(images__valid=valid, images__payload=image, fill=fill, begin=begin, empty=empty, loaded=loaded)
        bench.drive(**{f"pixels__{bank}__ready": bit for bank, bit in enumerate(ready)})
        await bench.settle()
        takes = 1 if port.prefetch else fill
        bench.check("images__ready", int(all(ready) and takes))
        bench.check("offered", int(loaded == everyone) if port.prefetch else valid)
        bench.check("filled", 1 if port.prefetch else int(loaded == everyone))
        for bank in range(port.banks):
            bench.check(f"pixels__{bank}__valid", int(valid and takes))
            bench.check(f"pixels__{bank}__payload", image["pixel"])
        if label is not None:
            bench.check("label", label)
            bench.check("mode", Mode(mode).value)
        await bench.cycle()
        if begin:
            bench.seen["begin"] += 1
            label, mode = (next_label, next_mode) if port.prefetch else (image["label"], image["mode"])
        if valid and empty:
            next_label, next_mode = image["label"], image["mode"]


async def _results(bench: Bench) -> None:
    golden: dict[str, object] = {}
    valid = known = late = 0
    shape = bench.component.results.payload.shape()
    outputs = 3
    most = (1 << shape.members["counts"].elem_shape.width) - 1
    last = bench.component.steps_done.shape().width
    for cycle in range(CYCLES):
        strobes = ("begin", "restart", "judge", "nudged", "give")
        # The first cycle sets what has no value after reset.
        given = (
            {name: int(cycle == 0 or bench.chance(0.15)) for name in strobes} if cycle else dict.fromkeys(strobes, 1)
        )
        given["first_valid"] = int(bench.chance(0.3))
        given["first_spike"], given["prediction"] = (bench.random.randrange(outputs) for _ in range(2))
        given["counts"] = [bench.pick(0, most) for _ in range(outputs)]
        steps = bench.pick(0, min((1 << last) - 1, 60))
        ready = int(bench.chance(0.4))
        bench.drive(steps_done=steps, results__ready=ready, **given)
        await bench.settle()
        bench.check("results__valid", valid)
        if golden:
            payload = bench.get("results__payload")
            for name, value in golden.items():
                bench.check(name, value, payload[name])
        await bench.cycle()
        if given["first_valid"] and not known:
            golden["first_step"] = late if cycle else 0
            bench.seen["first spike"] += 1
        known = 0 if given["restart"] else known or given["first_valid"]
        late = steps
        valid = 1 if given["give"] else int(valid and not ready)
        if given["nudged"] or given["begin"]:
            golden["nudged"] = int(given["nudged"])
        if given["judge"]:
            golden |= {"prediction": given["prediction"], "counts": given["counts"]}
        if given["give"]:
            golden |= {"first_valid": given["first_valid"], "first_spike": given["first_spike"]}
        bench.seen["offered"] += valid
