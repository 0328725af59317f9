"""cocotb: the test of one module, on each instance of a top module that `cocotb_tests.planting` made.

The job says which module, and for each instance the job of that module. The test of an instance fails as the module's
own test does; one that compares whole cores fails when it has counted a mismatch. With `outcomes`, a file, in the job
(`cocotb_tests.mutants.trial`) each instance has limits, and its outcome stands there even if the simulator breaks down.
"""

from __future__ import annotations

import importlib
import json
import os
import pickle
import signal
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import cocotb
from cocotb.triggers import with_timeout
from cocotb.utils import get_sim_time

from cocotb_tests.bench import TIMEOUT, Mismatch
from eqspike.sim import harness

PLAN = harness.job()
SCRATCH = Path(os.environ["EQSPIKE_JOB"])
LEAST_COMPARED = 300
"""Comparisons that a component without a bug must pass."""


def _test_of(module: str) -> tuple[Callable[[object], Coroutine], dict[str, object]]:
    """The one cocotb test of a module, and its limit of simulated time."""
    kind = type(cocotb.test(lambda dut: None))
    (test,) = (value for value in vars(importlib.import_module(module)).values() if isinstance(value, kind))
    limit = dict(zip(("timeout_time", "timeout_unit"), test.timeout, strict=True)) if test.timeout else TIMEOUT
    return test.func, limit


FUNCTION, LIMIT = _test_of(PLAN["module"])


@cocotb.test(**LIMIT)
@cocotb.parametrize(instance=[cocotb.Param(name, name=name) for name in PLAN["jobs"]])
async def planted(dut: object, instance: str) -> None:
    """The module's test, which sees this instance as the whole design."""
    if "outcomes" in PLAN:
        await _guarded(dut, instance)
    else:
        await _test(dut, instance)


async def _test(dut: object, instance: str) -> None:
    place = SCRATCH / instance
    place.mkdir()
    (place / "job").write_bytes(pickle.dumps(PLAN["jobs"][instance]))
    os.environ["EQSPIKE_JOB"] = str(place)
    await FUNCTION(getattr(dut, instance))
    report = pickle.loads((place / "report").read_bytes())
    if report.get("mismatches"):
        raise Mismatch(f"Mismatch: {report['first_mismatch']}")
    compared = sum(report["compared"].values())
    assert compared > LEAST_COMPARED, f"only {compared} comparisons"


def _say(**line: object) -> None:
    with Path(PLAN["outcomes"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


async def _guarded(dut: object, instance: str) -> None:
    """The test within the limits of its job, which the first instance of the job sets; what it says is written down at
    once. A simulator that no longer gives time to Python ends at the limit of processor time."""
    job, limits = PLAN["names"][instance], PLAN["limits"]
    _say(begin=instance)
    began, cpu = get_sim_time("ns"), time.process_time()
    message = ""
    try:
        if job in limits:
            (ns, seconds), (factor, more_ns, more_seconds) = limits[job], PLAN["allow"]
            signal.setitimer(signal.ITIMER_VIRTUAL, factor * seconds + more_seconds)
            await with_timeout(cocotb.start_soon(_test(dut, instance)), round(factor * ns + more_ns), "ns")
        else:
            await _test(dut, instance)
    except BaseException as error:
        message = f"{type(error).__name__}: {error}".removeprefix("Mismatch: ")[:300]
        raise
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        used = get_sim_time("ns") - began, time.process_time() - cpu
        limits.setdefault(job, used)
        _say(name=instance, message=message, ns=used[0], cpu=used[1])
