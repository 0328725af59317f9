"""What the component tests share: clock and reset, ports by name, corner values, comparisons that are counted.

A component's test is a cocotb module with `JOBS` (name -> what to build and how to stimulate it), `make(job)`, which
returns the component, and one cocotb test. `simulate` runs a job of it; `cocotb_tests.mutations` runs the same modules
on RTL with planted bugs.
"""

from __future__ import annotations

import importlib
import random
from collections import Counter
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import NoReturn

import numpy as np
from amaranth.hdl import Const
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly, Timer

from eqspike.base import tools
from eqspike.golden.configfile import config_from_dict, config_to_dict
from eqspike.rtl.bits import Codec
from eqspike.sim import harness

CLOCK_NS = 2
TIMEOUT = {"timeout_time": 5, "timeout_unit": "ms"}
"""Simulated time after which a test has hung."""


class Mismatch(AssertionError):
    """The RTL differs from the golden model."""


def config_data(**sections: object) -> dict:
    """Plain data of a config, which a job can carry; `sections` as in YAML, the rest at its default."""
    return config_to_dict(config_from_dict(sections))


def simulate(module: str, job: str, simulator: str) -> dict:
    """Build the component of a job and run the module's test on it; returns what `Bench.report` gave."""
    sim = importlib.import_module(f"cocotb_tests.{module}")
    build = harness.Build(verilog(module, job), f"{module}_{job}", simulator)
    return run(build, sim.__name__, sim.JOBS[job])


@lru_cache(4)
def verilog(module: str, job: str) -> str:
    """The component of a job as Verilog; most are built for both simulators, one after the other."""
    sim = importlib.import_module(f"cocotb_tests.{module}")
    return harness.to_verilog(sim.make(sim.JOBS[job]), f"{module}_{job}")


def run(build: harness.Build, module: str, job: dict) -> dict:
    """Run a cocotb module on a build, quick to start."""
    with plain_python():
        return build.run(module, job)


def plain_python() -> AbstractContextManager[None]:
    """In the simulator the golden kernels run as plain Python: for so few neurons, compiling would take longer."""
    return tools.environment(NUMBA_DISABLE_JIT="1")


class Bench:
    """A component in the simulator.

    A cycle begins at a falling edge: `drive` the inputs, `settle`, `get` the outputs, and `cycle` passes the rising
    edge. So every value read is the one that the rising edge will see, in any simulator.
    """

    def __init__(self, dut: object, component: wiring.Component, seed: int) -> None:
        self.dut, self.component, self.seed = dut, component, seed
        self.random = random.Random(seed)
        self.compared: Counter[str] = Counter()
        """Comparisons by name."""
        self.seen: Counter[str] = Counter()
        """Situations that the stimulus is meant to reach."""
        self.now = 0
        dut._log.info(f"seed {seed}")
        self.ports, self.inputs = {}, []
        self.unread: set[str] = set()
        """Outputs that the test has not looked at."""
        for path, member, value in component.signature.flatten(component):
            if isinstance(value, Const):
                continue
            name = "__".join(map(str, path))
            self.ports[name] = (getattr(dut, name), Codec(member.shape))
            if member.flow == In:
                self.inputs.append(name)
            else:
                self.unread.add(name)
        names = (name.removesuffix("__valid") for name in self.unread if name.endswith("__valid"))
        self.streams = [name for name in names if f"{name}__ready" in self.inputs and f"{name}__payload" in self.ports]
        """Streams out of the component."""
        self.offered: dict[str, tuple[int, str]] = {}
        """Stream -> (cycle, bits) of what was offered and not taken."""

    async def start(self) -> None:
        """All inputs 0, clock and reset; leaves at the start of a cycle."""
        for name in self.inputs:
            self.drive(**{name: 0})
        self.dut.rst.value = 1
        Clock(self.dut.clk, CLOCK_NS, unit="ns").start()
        for _ in range(3):
            await FallingEdge(self.dut.clk)
        self.dut.rst.value = 0
        await FallingEdge(self.dut.clk)

    def drive(self, **values: object) -> None:
        """Set inputs: integers, lists for arrays, dicts for structs (or the packed bits as an integer)."""
        for name, value in values.items():
            port, codec = self.ports[name]
            port.value = codec.pack(value)

    async def settle(self) -> None:
        """Wait until outputs follow the inputs of this cycle. What a stream offers must stay until it is taken."""
        await ReadOnly()
        for name in self.streams:
            valid, ready, payload = (self.ports[f"{name}__{part}"][0].value for part in ("valid", "ready", "payload"))
            cycle, bits = self.offered.pop(name, (None, ""))
            if cycle == self.now - 1 and (valid != 1 or str(payload) != bits):
                self.fail(name, payload if valid == 1 else "nothing", f"what was offered before, {bits}")
            if valid == 1 and ready == 0:
                self.offered[name] = self.now, str(payload)

    async def settle_combinational(self) -> None:
        """Wait until the outputs of a component without a clock follow its inputs."""
        await Timer(1, unit="ns")

    async def cycle(self) -> None:
        """Pass the rising edge, to the start of the next cycle."""
        await FallingEdge(self.dut.clk)
        self.now += 1

    def get(self, name: str) -> object:
        """A port's value in its shape: an integer, a list or a dict."""
        port, codec = self.ports[name]
        self.unread.discard(name)
        value = port.value
        if not value.is_resolvable:
            self.fail(name, value, "a defined value")
        return codec.unpack(int(value))

    def check(self, name: str, golden: object, rtl: object = None, **context: object) -> None:
        """Compare the port `name` (or `rtl`) with the golden value; `context` goes into the message."""
        if rtl is None:
            rtl = self.get(name)
        self.compared[name] += len(golden) if isinstance(golden, list) else 1
        if rtl != golden:
            self.fail(name, rtl, golden, **context)

    def fail(self, name: str, rtl: object, golden: object, **context: object) -> NoReturn:
        """End the test with a `Mismatch`."""
        where = "".join(f", {key} {value}" for key, value in context.items())
        raise Mismatch(f"Mismatch: {name}: RTL {rtl}, golden {golden} (cycle {self.now}, seed {self.seed}{where})")

    def pick(self, low: int, high: int, *corners: int) -> int:
        """A random integer of low..high: often an end, nearly an end, around zero, or one of `corners`."""
        kind = self.random.random()
        if kind < 0.3:
            ends = (low, low + 1, -1, 0, 1, high - 1, high)
            return self.random.choice([v for v in (*ends, *corners) if low <= v <= high])
        if kind < 0.5:
            return min(max(self.random.randint(-8, 8), low), high)
        return self.random.randint(low, high)

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self.random.random() < probability

    def report(self) -> None:
        """Say what was compared and seen. The test is not done unless it has looked at every output."""
        assert not self.unread, f"outputs never read: {sorted(self.unread)}"
        harness.report({"compared": dict(self.compared), "seen": dict(self.seen), "seed": self.seed})


TRAINS = ("silent", "densest", "burst", "pause", "slow", "random", "random", "random")
"""What `spike_trains` makes, train by train."""


def spike_trains(bench: Bench, steps: int, period: int, refractory: int) -> np.ndarray:
    """Spikes of shape (steps, trains), each train as dense as the refractory period allows at most; bursts and pauses
    take `period` steps."""
    spikes = np.zeros((steps, len(TRAINS)), np.int64)
    for n, kind in enumerate(TRAINS):
        last = -refractory
        for t in range(steps):
            wants = {
                "silent": False,
                "densest": True,
                "burst": t // period % 2 == 0,
                "pause": t // period % 2 == 1,
                "slow": t % 9 == 0,
                "random": bench.chance(0.4),
            }[kind]
            if wants and t - last >= refractory:
                spikes[t, n], last = 1, t
    return spikes
