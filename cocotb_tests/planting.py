"""Plant bugs in the RTL's text, many in one simulator.

Of each bug, a copy of the package `eqspike.rtl` is made in which its text stands; of each job, one without a bug. One
process (`python -m cocotb_tests.planting FOLDER`) turns the components of all into Verilog: it forks for each, so that
each imports its own copy and the other packages are imported once. A top module holds an instance of each, behind
signals of its own. One simulator then gives the instances, one after another, to the test of the module as its design
(`cocotb_tests.sim_planted`); the others have no clock meanwhile and cost nothing. Ports and golden model are those of
the unchanged project.
"""

from __future__ import annotations

import json
import multiprocessing
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from cocotb_tests import bench, mutations
from cocotb_tests.mutations import CORE, MUTATIONS, Mutation
from eqspike.base.files import write_text
from eqspike.sim import harness

PROJECT = Path(__file__).resolve().parent.parent
LARGEST = 16
"""Bugs in one batch: enough to share the start of a simulator, few enough that the cores share the batches."""


@dataclass(frozen=True)
class Instance:
    """One component of a batch, with a bug or without."""

    name: str
    job: str
    mutation: Mutation | None = None


@dataclass(frozen=True)
class Batch:
    """Bugs that one module finds, and so in one simulator."""

    module: str
    mutations: tuple[Mutation, ...]

    def __str__(self) -> str:
        jobs = sorted({mutation.job for mutation in self.mutations})
        return f"{self.module.removeprefix('eqspike.sim.jobs.')}-{'-'.join(jobs)}"

    @property
    def instances(self) -> list[Instance]:
        """The component of each job without a bug, then all bugs."""
        jobs = sorted({mutation.job for mutation in self.mutations})
        plain = [Instance(f"plain_{job}", job) for job in jobs]
        return plain + [Instance(f"bug_{i}", m.job, m) for i, m in enumerate(self.mutations)]


def batches(planted: Sequence[Mutation] = tuple(MUTATIONS)) -> list[Batch]:
    """All bugs in batches of one module each; bugs of one job stay together."""
    found: list[Batch] = []
    for module, of_module in groupby(sorted(planted, key=lambda m: (m.module, m.job)), key=lambda m: m.module):
        held: list[Mutation] = []
        for _, of_job in groupby(of_module, key=lambda m: m.job):
            family = list(of_job)
            if held and len(held) + len(family) > LARGEST:
                found.append(Batch(module, tuple(held)))
                held = []
            held += family
        found.append(Batch(module, tuple(held)))
    return found


def changed_text(mutation: Mutation) -> str:
    """The file of the RTL with the bug, whose place must stand in it exactly once."""
    text = (PROJECT / "rtl" / mutation.file).read_text(encoding="utf-8")
    found = text.count(mutation.old)
    assert found == 1, f"{mutation.name}: {mutation.old!r} stands {found} times in rtl/{mutation.file}, not once"
    return text.replace(mutation.old, mutation.new)


def plant(instance: Instance, folder: Path) -> None:
    """Copy the package `rtl` into `folder`/`name`, with the bug when there is one."""
    copy = folder / instance.name / "rtl"
    shutil.copytree(PROJECT / "rtl", copy, ignore=shutil.ignore_patterns("__pycache__"))
    if instance.mutation:
        (copy / instance.mutation.file).write_text(changed_text(instance.mutation), encoding="utf-8")


def outcomes(batch: Batch, folder: Path) -> dict[str, str | None]:
    """What the test said of each instance: None when it passed, else the message; `folder` is for scratch."""
    instances = batch.instances
    for instance in instances:
        plant(instance, folder)
    write_text(folder / "plan", json.dumps([[batch.module, i.job, i.name] for i in instances]))
    subprocess.run(
        [sys.executable, "-m", "cocotb_tests.planting", str(folder)],
        cwd=PROJECT,
        check=True,
    )
    build = harness.Build((folder / "top.v").read_text(encoding="utf-8"), "top", "icarus")
    module = batch.module if batch.module == CORE else f"cocotb_tests.{batch.module}"
    jobs = {i.name: mutations.target(batch.module, i.job)[1] for i in instances}
    failures: dict[str, str] = {}
    try:
        bench.run(build, "cocotb_tests.sim_planted", {"module": module, "jobs": jobs})
    except harness.SimulationError as error:
        if not error.failures:
            raise
        failures = {name.removeprefix("planted/instance="): message for name, message in error.failures.items()}
    assert failures.keys() <= jobs.keys(), failures
    return {name: failures.get(name) for name in jobs}


# ---------------------------------------------------------------------------------------------------------------------
# Inside the process that writes Verilog


def _to_rtlil(plan: tuple[Path, str, str, str]) -> str:
    """The component of one instance as RTLIL whose modules begin with the instance's name. Runs in a fork."""
    folder, module, job, name = plan
    import eqspike

    # The bench's codec has brought modules of the unchanged circuit: forgotten, so that the copy's are imported.
    for loaded in [loaded for loaded in sys.modules if f"{loaded}.".startswith("eqspike.rtl.")]:
        del sys.modules[loaded]
    del eqspike.rtl
    eqspike.__path__.insert(0, str(folder / name))
    from eqspike import rtl

    assert Path(rtl.__file__).is_relative_to(folder / name), f"{rtl.__file__} is not the changed copy"
    component = mutations.target(module, job)[0]
    kind = type(component)
    assert kind is getattr(sys.modules[kind.__module__], kind.__name__), f"{kind} was imported before the fork"
    return harness.to_rtlil(component, name)


def shell(name: str, text: str) -> str:
    """A module whose signals bear the names of the component's ports: the test drives and reads these. (Icarus passes
    nothing on from an unconnected port that is driven from outside, except in the topmost module.)"""
    body = re.search(rf"^module {name}\(.*?^endmodule", text, re.DOTALL | re.MULTILINE).group()
    # A port without bits is [-1:0].
    ports = re.findall(r"^  (input|output) (\[-?\d+:0\] )?(\S+ ?);$", body, re.MULTILINE)
    signals = [f"  {'reg' if way == 'input' else 'wire'} {width}{port};" for way, width, port in ports]
    links = ", ".join(f".{port}({port})" for _, _, port in ports)
    return "\n".join([f"module shell_{name};", *signals, f"  {name} component ({links});", "endmodule"])


def _main(folder: Path) -> None:
    plan = [(folder, *entry) for entry in json.loads((folder / "plan").read_text(encoding="utf-8"))]
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        texts = pool.map(_to_rtlil, plan, chunksize=1)
    text = harness.rtlil_to_verilog("\n".join(texts))
    names = [name for *_, name in plan]
    top = ["module top;", *(f"  shell_{name} {name} ();" for name in names), "endmodule"]
    write_text(folder / "top.v", "\n".join([text, *(shell(name, text) for name in names), *top, ""]))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
