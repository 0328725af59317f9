"""What golden/kernel.py asks of the kernels' text, for numba does not say when it drops a write."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from eqspike.golden import kernel

GOLDEN = Path(kernel.__file__).parent


def is_kernel(node: ast.AST) -> bool:
    """Is it a function that numba compiles?"""
    return isinstance(node, ast.FunctionDef) and bool(
        {"kernel", "inlined"} & {d.id for d in node.decorator_list if isinstance(d, ast.Name)}
    )


def hidden_writes(function: ast.FunctionDef) -> list[str]:
    """Arrays that the function writes and that it took from a tuple together with others, in one assignment."""
    unpacked = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            for target in node.targets:
                if isinstance(target, ast.Tuple):
                    pairs = zip(target.elts, node.value.elts, strict=True)
                    unpacked |= {t.id for t, v in pairs if isinstance(t, ast.Name) and isinstance(v, ast.Attribute)}
    stores = [n for n in ast.walk(function) if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store)]
    return sorted({s.value.id for s in stores if isinstance(s.value, ast.Name)} & unpacked)


def kernels(text: str) -> list[ast.FunctionDef]:
    """The kernels of a file."""
    return [node for node in ast.walk(ast.parse(text)) if is_kernel(node)]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.py")), ids=lambda path: path.name)
def test_arrays_that_are_written_have_an_assignment_of_their_own(path: Path) -> None:
    found = {function.name: hidden_writes(function) for function in kernels(path.read_text(encoding="utf-8"))}
    assert not {name: arrays for name, arrays in found.items() if arrays}


def test_one_that_has_not_is_found() -> None:
    text = "@kernel\ndef step(t):\n    a, b, c, d = t.a, t.b, t.c, t.d\n    c[0] = a[0]\n    e = t.e\n    e[0] = 1\n"
    assert [hidden_writes(function) for function in kernels(text)] == [["c"]]
