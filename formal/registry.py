"""Which proofs there are."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from formal.bench import Bench

BMC, INDUCTION = "bounded", "induction"


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A property of a component. `build` writes it on a bench; with each of `cases`, it is a proof of its own."""

    file: str
    """Of rtl/."""
    name: str
    says: str
    """The property, in a sentence."""
    build: Callable[..., None]
    case: dict[str, Any] = field(default_factory=dict)
    depth: int
    """Cycles that the solvers look at; with induction, how many cycles in a row it rests on."""
    method: str
    any_state: bool
    """Cycle 0 begins in any state, not in that after reset."""
    bug: tuple[str, str]
    """A change of the file's text, with which the property must fail; in `bug_file` if that is another."""
    bug_file: str
    bug_depth: int
    cover_depth: int
    solvers: tuple[str, ...]
    weight: int
    """Long ones begin first."""

    @property
    def module(self) -> str:
        return self.build.__module__


PROOFS: list[Proof] = []


def proof(
    says: str,
    *,
    depth: int,
    bug: tuple[str, str],
    method: str = BMC,
    any_state: bool = False,
    cases: dict[str, dict[str, Any]] | None = None,
    bug_file: str = "",
    bug_depth: int = 0,
    cover_depth: int = 0,
    solvers: tuple[str, ...] = ("yices", "boolector"),
    weight: int = 0,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorator of a proof."""

    def add(build: Callable[..., None]) -> Callable[..., None]:
        assert build.__module__.startswith("formal.rtl."), build.__module__
        stem = build.__module__.removeprefix("formal.rtl.")
        file = stem.replace(".", "/") + ".py"
        for case, parameters in (cases or {"": {}}).items():
            PROOFS.append(
                Proof(
                    file=file, name=f"{stem}.{build.__name__}" + (f"[{case}]" if case else ""), says=says, build=build,
                    case=parameters, depth=depth, method=method, any_state=any_state, bug=bug,
                    bug_file=bug_file or file, bug_depth=bug_depth or depth, cover_depth=cover_depth or depth,
                    solvers=solvers, weight=weight,
                )
            )  # fmt: skip
        return build

    return add


def modules() -> Iterator[str]:
    """The modules that hold proofs."""
    import formal.rtl

    for found in pkgutil.walk_packages(formal.rtl.__path__, "formal.rtl."):
        if not found.ispkg:
            yield found.name


def all_proofs() -> list[Proof]:
    """Every proof, by file and name."""
    for module in modules():
        importlib.import_module(module)
    return sorted(PROOFS, key=lambda p: (p.file, p.name))


def bench_of(proof: Proof) -> Bench:
    """The bench of a proof."""
    bench = Bench()
    proof.build(bench, **proof.case)
    return bench


__all__ = ["BMC", "INDUCTION", "Proof", "all_proofs", "bench_of", "proof"]
