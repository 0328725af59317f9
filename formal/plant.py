"""A proof's bench on the circuit as it is, or on a copy with a planted bug."""

from __future__ import annotations

import importlib
import multiprocessing
import shutil
import sys
from pathlib import Path

from formal import registry, solve
from formal.registry import Proof

PROJECT = Path(__file__).resolve().parent.parent


def changed_text(proof: Proof) -> str:
    """The file of the RTL with the proof's bug, whose place must stand in it exactly once."""
    text = (PROJECT / "rtl" / proof.bug_file).read_text(encoding="utf-8")
    old, new = proof.bug
    found = text.count(old)
    if found != 1:
        raise ValueError(f"{proof.name}: {old!r} stands {found} times in rtl/{proof.bug_file}, not once")
    return text.replace(old, new)


def plant(proof: Proof, folder: Path) -> None:
    """Copy the package `rtl` into `folder`, with the bug."""
    copy = folder / "rtl"
    shutil.copytree(PROJECT / "rtl", copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / proof.bug_file).write_text(changed_text(proof), encoding="utf-8")


def text_of(proof: Proof, bugged: Path | None = None) -> str:
    """The proof's bench as RTLIL, on the circuit or on the copy in `bugged`. In a process of its own, which imports
    that copy."""
    if bugged is None:
        return solve.rtlil_of(registry.bench_of(proof))
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sender, proof.name, proof.module, bugged))
    process.start()
    sender.close()
    try:
        made, text = receiver.recv()
    except EOFError:
        made, text = False, "the process ended"
    process.join()
    if not made:
        raise solve.Unanswered(f"with its bug it does not build: {text}")
    return text


def _send(sender: object, name: str, module: str, folder: Path) -> None:
    """In a fork: forget the circuit and the proofs, import the copy and the proof anew."""
    try:
        import eqspike

        forgotten = ("eqspike.rtl.", "eqspike.sim.", "formal.rtl.")
        for loaded in [loaded for loaded in sys.modules if f"{loaded}.".startswith(forgotten)]:
            del sys.modules[loaded]
        for package in ("rtl", "sim"):
            if hasattr(eqspike, package):
                delattr(eqspike, package)
        eqspike.__path__.insert(0, str(folder))
        registry.PROOFS.clear()
        importlib.import_module(module)
        from eqspike import rtl

        if not Path(rtl.__file__).is_relative_to(folder):
            raise ImportError(f"{rtl.__file__} is not the changed copy")
        (proof,) = (p for p in registry.PROOFS if p.name == name)
        sender.send((True, solve.rtlil_of(registry.bench_of(proof))))
    except Exception as error:
        sender.send((False, f"{type(error).__name__}: {error}"))
    finally:
        sender.close()


__all__ = ["PROJECT", "changed_text", "plant", "text_of"]
