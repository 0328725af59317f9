"""The places of rtl/ where a small change can be planted, found in the syntax trees of its files.

What only says how wide something is (members, `Signal` without its initial value, layouts, shapes) is left out: a bit
more is no fault. So are annotations, assertions and texts.
"""

from __future__ import annotations

import ast
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

RTL = Path(__file__).resolve().parent.parent.parent / "rtl"

OPERATORS = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&"), ast.BitXor: ("^", "|"),
    ast.LShift: ("<<", ">>"), ast.RShift: (">>", "<<"), ast.Mult: ("*", "+"), ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "+"),
}  # fmt: skip
COMPARISONS = {
    ast.Lt: ("<", ("<=", ">=")), ast.LtE: ("<=", ("<", ">")), ast.Gt: (">", (">=", "<=")), ast.GtE: (">=", (">", "<")),
    ast.Eq: ("==", ("!=",)), ast.NotEq: ("!=", ("==",)),
}  # fmt: skip
NAMES = {"any": "all", "all": "any", "min": "max", "max": "min", "rotate_right": "rotate_left", "reversed": "list"}
MEMBERS = {
    "Kind": ("NOP", "LOAD", "ROW", "PAIR", "PEEK", "POKE"),
    "Mode": ("INFER", "LEARN", "INFER_FIRST_SPIKE"),
    "Stage": ("IDLE", "FILL", "BEGIN", "LOAD", "SERVE", "WAIT", "UPDATE", "DRAIN", "RESULT"),
}
"""Enumerations whose members are exchanged, each for the next one."""
WIDTHS = {"In", "Out", "Signal", "signed", "unsigned", "StructLayout", "ArrayLayout", "UnionLayout", "Memory", "like"}
"""Calls whose arguments say how wide something is; what begins at `init` is looked at."""


@dataclass(frozen=True)
class Mutant:
    """One change: in `file`, the bytes from `start` to `end` become `text`."""

    file: str
    scope: str
    """Class and function, with dots."""
    kind: str
    before: str
    """The lines around the place, as they are and (`after`) as they become, without indentation."""
    after: str
    number: int
    """Of those of the file that read alike."""
    start: int
    end: int
    text: str

    @cached_property
    def key(self) -> str:
        """What it is called in results: it stays when other lines of the file change."""
        return f"{self.file}:{self.scope}: {self.before} -> {self.after}" + (f" ({self.number})" if self.number else "")

    def changed(self, source: str) -> str:
        """The file's text with the change."""
        raw = source.encode()
        return (raw[: self.start] + self.text.encode() + raw[self.end :]).decode()


class _Finder(ast.NodeVisitor):
    """Edits (scope, kind, start, end, text) of one file."""

    def __init__(self, source: str) -> None:
        self.raw = source.encode()
        starts = [0, *(m.end() for m in re.finditer(rb"\n", self.raw))]
        self.starts = starts
        self.scope: list[str] = []
        self.edits: list[tuple[str, str, int, int, str]] = []
        self.states = sorted(set(re.findall(r'm\.next = "(\w+)"', source)))

    def _span(self, node: ast.AST) -> tuple[int, int]:
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def _text(self, node: ast.AST) -> str:
        start, end = self._span(node)
        return self.raw[start:end].decode()

    def _edit(self, kind: str, start: int, end: int, text: str) -> None:
        self.edits.append((".".join(self.scope), kind, start, end, text))

    def _replace(self, kind: str, node: ast.AST, text: str) -> None:
        self._edit(kind, *self._span(node), text)

    def _token(self, kind: str, left: ast.AST, right: ast.AST, old: str, new: str) -> None:
        """Replace an operator between two operands."""
        begin, end = self._span(left)[1], self._span(right)[0]
        at = self.raw.index(old.encode(), begin, end)
        self._edit(kind, at, at + len(old), new)

    def _swap(self, kind: str, first: ast.AST, second: ast.AST) -> None:
        if self._text(first) != self._text(second):
            (a, b), (c, d) = self._span(first), self._span(second)
            between = self.raw[b:c].decode()
            self._edit(kind, a, d, self._text(second) + between + self._text(first))

    # -----------------------------------------------------------------------------------------------------------------

    def _named(self, node: ast.ClassDef | ast.FunctionDef) -> None:
        if node.name.endswith(("_layout", "_shape")):
            return
        self.scope.append(node.name)
        for statement in node.body:
            self.visit(statement)
        self.scope.pop()

    visit_ClassDef = visit_FunctionDef = _named

    def visit_Assert(self, node: ast.Assert) -> None:
        """Left out, as are imports and errors."""

    visit_Raise = visit_Import = visit_ImportFrom = visit_Assert

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id == "__all__":
            return
        if isinstance(target, ast.Attribute) and target.attr == "next" and isinstance(node.value, ast.Constant):
            self._replace("dropped", node, "pass")
            if len(self.states) > 1:
                other = self.states[self.states.index(node.value.value) - 1]
                self._replace("state", node.value, f'"{other}"')
            return
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if re.match(r"m\.d\b", self._text(node.target)):
            if isinstance(node.value, ast.List) and len(node.value.elts) > 1:
                for element in node.value.elts:
                    self._replace("dropped", element, "*()")
            else:
                self._replace("dropped", node, "pass")
        self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return  # a docstring
        if isinstance(node.value, ast.Call) and self._text(node.value.func) == "connect":
            self._replace("dropped", node, "pass")
        self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        if self._text(node.test) != "TYPE_CHECKING":
            for value in ("True", "False"):
                self._replace("condition", node.test, value)
            self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            for value in ("True", "False"):
                self._replace("condition", test, value)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        (a, b), (c, d), (e, f) = self._span(node.body), self._span(node.test), self._span(node.orelse)
        first, test, second = self._text(node.body), self._text(node.test), self._text(node.orelse)
        middle, rest = self.raw[b:c].decode(), self.raw[d:e].decode()
        self._edit("arms", a, f, second + middle + test + rest + first)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if type(node.op) in OPERATORS:
            self._token("operator", node.left, node.right, *OPERATORS[type(node.op)])
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        self._token("operator", node.values[0], node.values[1], old, new)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        start, _ = self._span(node)
        length = 4 if isinstance(node.op, ast.Not) else 1
        self._edit("operator", start, start + length, "")
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        if len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
            old, others = COMPARISONS[type(node.ops[0])]
            for new in others:
                self._token("comparison", node.left, node.comparators[0], old, new)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._replace("constant", node, str(not node.value))
        elif isinstance(node.value, int):
            for other in {node.value + 1, max(node.value - 1, 0)} - {node.value}:
                self._replace("constant", node, str(other))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Texts are names."""

    def visit_Slice(self, node: ast.Slice) -> None:
        for bound, change in ((node.lower, "+ 1"), (node.upper, "- 1")):
            if bound is not None and not isinstance(bound, ast.Constant):
                self._replace("slice", bound, f"({self._text(bound)}) {change}")
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name) and node.attr in MEMBERS.get(node.value.id, ()):
            members = MEMBERS[node.value.id]
            other = members[(members.index(node.attr) + 1) % len(members)]
            self._replace("member", node, f"{node.value.id}.{other}")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "__init__":
            return
        if name in WIDTHS:
            for keyword in node.keywords:
                if keyword.arg == "init":
                    self.visit(keyword.value)
            return
        if name in NAMES:
            end = self._span(node.func)[1]
            self._edit("function", end - len(name), end, NAMES[name])
        plain = not any(isinstance(argument, ast.Starred) for argument in node.args)
        if name == "Mux":
            self._swap("arms", node.args[1], node.args[2])
        elif name == "Cat" and len(node.args) > 1 and plain:
            self._swap("order", node.args[0], node.args[1])
        elif name in ("If", "Elif"):
            for value in ("1", "0"):
                self._replace("condition", node.args[0], value)
        arguments = node.args[:1] if name == "Const" else node.args
        for part in (node.func, *arguments, *node.keywords):
            self.visit(part)


def of_text(file: str, source: str) -> list[Mutant]:
    """All changes of one file's text."""
    finder = _Finder(source)
    for statement in ast.parse(source).body:
        finder.visit(statement)
    found, alike = [], Counter()
    for scope, kind, start, end, text in sorted(finder.edits, key=lambda edit: edit[2:]):
        first = finder.raw.rfind(b"\n", 0, start) + 1
        last = finder.raw.find(b"\n", end)
        before = finder.raw[first:last].decode()
        after = finder.raw[first:start].decode() + text + finder.raw[end:last].decode()
        before, after = (" ".join(part.split()) for part in (before, after))
        number = alike[scope, before, after]
        alike[scope, before, after] += 1
        found.append(Mutant(file, scope, kind, before, after, number, start, end, text))
    return found


def texts() -> dict[str, str]:
    """File of rtl/ -> its text."""
    paths = sorted(RTL.rglob("*.py"))
    return {path.relative_to(RTL).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def all_mutants() -> list[Mutant]:
    """All changes, by file."""
    return [mutant for file, source in texts().items() for mutant in of_text(file, source)]


def drawn(seed: int) -> Iterator[Mutant]:
    """All changes in an order of chance in which every beginning is spread over all files as the whole is."""
    chance = random.Random(seed)
    by_file: dict[str, list[Mutant]] = {}
    for mutant in all_mutants():
        by_file.setdefault(mutant.file, []).append(mutant)
    places = []
    for mutants in by_file.values():
        chance.shuffle(mutants)
        shift = chance.random()
        places += [((i + shift) / len(mutants), mutant) for i, mutant in enumerate(mutants)]
    yield from (mutant for _, mutant in sorted(places, key=lambda place: place[0]))
