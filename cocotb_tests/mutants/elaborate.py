"""Turn many changed copies of the RTL into one design; a process of its own: `python -m ... FOLDER`.

The folder's `plan` has for each instance its module, job, name, and the file and text that its copy of rtl/ differs by
(null for none). A fork each imports its copy, which is in memory only; other packages are imported once. `done` then
says of each what happened, and of each job which functions made its component; `top.v` holds all instances that differ
from the one without a change of their job.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import json
import multiprocessing
import re
import signal
import sys
import warnings
from pathlib import Path

from cocotb_tests import mutations
from cocotb_tests.mutants import sites
from cocotb_tests.mutations import CORE
from cocotb_tests.planting import shell
from eqspike.base.files import write_text
from eqspike.sim import harness

PACKAGE = "eqspike.rtl"
SECONDS = 60
"""Of processor, after which an elaboration has hung."""


class _Copy(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports a copy of rtl/ whose modules' code is given."""

    def __init__(self, codes: dict[str, tuple[object, bool]]) -> None:
        self.codes = codes

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        if name not in self.codes:
            return None
        return importlib.util.spec_from_loader(name, self, is_package=self.codes[name][1])

    def exec_module(self, module: object) -> None:
        exec(self.codes[module.__name__][0], module.__dict__)


def _module(file: str) -> str:
    return ".".join([PACKAGE, *Path(file).with_suffix("").parts]).removesuffix(".__init__")


CODES: dict[str, tuple[object, bool]] = {}
"""Module -> its code without a change, and whether it is a package."""


def _compiled(file: str, text: str) -> tuple[object, bool]:
    return compile(text, f"rtl/{file}", "exec"), file.endswith("__init__.py")


def _give_up(*_: object) -> None:
    raise TimeoutError(f"no end after {SECONDS} seconds")


def _watch(entered: set[str]) -> None:
    """Note the functions of rtl/ that are called, as `file:Class.function`."""

    def profile(frame: object, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith("rtl/"):
            entered.add(f"{code.co_filename[4:]}:{code.co_qualname.split('.<')[0]}")

    sys.setprofile(profile)


def _to_rtlil(entry: tuple[str, str, str, str | None, str | None, bool]) -> tuple[str | None, str, list[str]]:
    """(RTLIL, or None; the error, or nothing; where it is `watched`, which functions made it) of one instance. Runs
    in a fork."""
    module, job, name, file, text, watched = entry
    import eqspike

    # The bench's codec has brought modules of the unchanged circuit: forgotten, so that the copy's are imported.
    for loaded in [loaded for loaded in sys.modules if f"{loaded}.".startswith(f"{PACKAGE}.")]:
        del sys.modules[loaded]
    if hasattr(eqspike, "rtl"):
        del eqspike.rtl
    signal.signal(signal.SIGVTALRM, _give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    warnings.simplefilter("ignore")
    try:
        codes = CODES | ({_module(file): _compiled(file, text)} if file else {})
        sys.meta_path.insert(0, _Copy(codes))
        entered: set[str] = set()
        if watched:
            _watch(entered)
        component = mutations.target(module, job)[0]
        kind = type(component)
        assert kind is getattr(sys.modules[kind.__module__], kind.__name__), f"{kind} was imported before the fork"
        text = harness.to_rtlil(component, name)
        sys.setprofile(None)
        return text, "", sorted(entered)
    except Exception as error:  # whatever a change breaks
        return None, f"{type(error).__name__}: {error}"[:300], []


def _modules(rtlil: str) -> dict[str, str]:
    """Name -> text of the modules of a design in RTLIL."""
    parts = re.finditer(r"^(?:attribute [^\n]*\n)*module \\(\S+)\n.*?^end$", rtlil, re.DOTALL | re.MULTILINE)
    return {part.group(1): part.group() for part in parts}


def _different(rtlil: str, name: str, plain: str, plain_name: str) -> str:
    """What of an instance's design is not as in the one without a change; the other modules are taken from there."""
    own, theirs = _modules(rtlil), _modules(plain)
    alike = {
        module: module.replace(name, plain_name, 1)
        for module, text in own.items()
        if theirs.get(module.replace(name, plain_name, 1)) == text.replace(f"\\{name}", f"\\{plain_name}")
    }
    cells = {module: set(re.findall(rf"^  cell \\({name}\S*) ", text, re.MULTILINE)) for module, text in own.items()}
    # A module that holds a changed one is another, too.
    while held := {module for module in alike if any(cell not in alike for cell in cells[module])}:
        alike = {module: other for module, other in alike.items() if module not in held}
    kept = [text for module, text in own.items() if module not in alike]
    return re.sub(
        rf"^  cell \\({name}\S*) ",
        lambda m: f"  cell \\{alike.get(m.group(1), m.group(1))} ",
        "\n".join(kept),
        flags=re.MULTILINE,
    )


def _own(verilog: str, name: str) -> dict[str, str]:
    """Modules of one instance in Verilog of many, by what stands behind its name."""
    parts = re.finditer(rf"^module \\?{name}([^\s(]*).*?^endmodule", verilog, re.DOTALL | re.MULTILINE)
    return {part.group(1): part.group() for part in parts}


def _same(own: dict[str, str], plain: dict[str, str], name: str, plain_name: str) -> bool:
    """Do all modules of an instance read as those of the one without a change? Yosys' numbers are counted anew."""

    def normal(text: str) -> str:
        numbers: dict[str, str] = {}
        text = re.sub(r"\b_\d+_\b", lambda m: numbers.setdefault(m.group(), f"_n{len(numbers)}_"), text)
        return text.replace(name, plain_name)

    return all(module in plain and normal(text) == normal(plain[module]) for module, text in own.items())


def _verilog(rtlil: dict[str, str], plain: str, collisions: bool) -> tuple[str, dict[str, str]]:
    """(Verilog of all, errors by instance)."""
    try:
        return harness.rtlil_to_verilog("\n".join([plain, *rtlil.values()]), collisions), {}
    except Exception as error:  # Yosys refuses one of them: which?
        if not rtlil:
            raise
        if len(rtlil) == 1:
            return "", {name: f"{type(error).__name__}: {error}"[:300] for name in rtlil}
    bad: dict[str, str] = {}
    for name, text in rtlil.items():
        bad.update(_verilog({name: text}, plain, collisions)[1])
    good = {name: text for name, text in rtlil.items() if name not in bad}
    return _verilog(good, plain, collisions)[0], bad


def _main(folder: Path) -> None:
    asked = json.loads((folder / "plan").read_text(encoding="utf-8"))
    plan, known = asked["instances"], asked["known"]
    CODES.update({_module(file): _compiled(file, text) for file, text in sites.texts().items()})
    tasks = [(*entry, entry[3] is None and entry[1] not in known) for entry in plan]
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        made = pool.map(_to_rtlil, tasks, chunksize=1)
    said: dict[str, str] = {}
    rtlil: dict[str, str] = {}
    plain: dict[str, tuple[str, str]] = {}
    entered: dict[str, list[str]] = {}
    for (_, job, name, file, _), (text, error, functions) in zip(plan, made, strict=True):
        if text is None:
            said[name] = f"does not build: {error}"
        elif file is None:
            plain[job] = name, text
            if functions:
                entered[job] = functions
        elif own := _different(text, name, plain[job][1], plain[job][0]):
            rtlil[name] = own
        else:
            said[name] = "no change"
    text, bad = _verilog(rtlil, "\n".join(text for _, text in plain.values()), plan[0][0] == CORE)
    said.update({name: f"does not build: {error}" for name, error in bad.items()})
    jobs = {name: job for _, job, name, *_ in plan}
    originals = {job: _own(text, name) for job, (name, _) in plain.items()}
    for name in rtlil.keys() - bad.keys():
        if _same(_own(text, name), originals[jobs[name]], name, plain[jobs[name]][0]):
            said[name] = "no change"
    left = [name for name in jobs if name not in said]
    top = ["module top;", *(f"  shell_{name} {name} ();" for name in left), "endmodule"]
    write_text(folder / "top.v", "\n".join([text, *(shell(name, text) for name in left), *top, ""]))
    write_text(folder / "done", json.dumps({"said": said, "entered": entered}))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
