"""The golden kernels as formulas: what a kernel computes, for all values at once.

The kernels of `eqspike.golden` are plain functions over integers and arrays. `run` executes the text of such a function
as Python would, but its integers may be Amaranth values: every statement that stands under a condition changes what it
changes only where the condition holds. What comes out is combinational logic whose words are as wide as they must be,
so it is exact, as the kernels are on 64 bits. Nothing is taken from the circuit.

Known: assignments, `if`, `for ... in range(...)`, `return`, arithmetic, comparisons, calls of other kernels. A kernel
that uses more raises `TypeError`, with its line.
"""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import itertools
import operator
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np
from amaranth.hdl import Assert, Const, Module, Mux, Shape, Signal, Value, ValueCastable

Number = Any
"""An integer, or an Amaranth value that stands for one."""


def run(m: Module, kernel: Callable, *arguments: Any, most: int | None = None) -> Any:
    """What `kernel` returns; arrays among the arguments (of dtype object, see `array`) are changed in place.

    A loop whose end is not known goes on `most` times at most: that this is enough is proven too.
    """
    return _Machine(m, most).call(kernel, arguments, {})


def array(shape: int | tuple[int, ...], value: Callable[..., Number] = lambda *place: 0) -> np.ndarray:
    """An array that a kernel may write, `value(*place)` at each place."""
    out = np.empty(shape, object)
    for place in np.ndindex(out.shape):
        out[place] = value(*place)
    return out


def is_symbolic(value: Any) -> bool:
    """Does it stand for more than one integer?"""
    return isinstance(value, Value | ValueCastable)


def _plain(value: Any) -> Any:
    """NumPy's integers and truth values as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _truth(value: Any) -> bool | Value:
    value = _plain(value)
    return Value.cast(value).any() if is_symbolic(value) else bool(value)


def _both(a: bool | Value, b: bool | Value) -> bool | Value:
    if isinstance(a, bool):
        return b if a else False
    if isinstance(b, bool):
        return a if b else False
    return a & b


def _not(a: bool | Value) -> bool | Value:
    return not a if isinstance(a, bool) else ~a


class _Frame:
    """One call of a kernel: its names, under which conditions its statements stand, what it has returned."""

    def __init__(self, names: dict[str, Any], known: dict[str, Any], outer: bool | Value) -> None:
        self.names, self.known = names, known
        self.outer = outer
        """What the call stands under."""
        self.guards: list[bool | Value] = []
        self.live: bool | Value = True
        """It has not returned yet."""
        self.rounds: list[bool | Value] = []
        """Of each loop around: its round goes on."""
        self.results: list[tuple[bool | Value, Any]] = []

    @property
    def here(self) -> bool | Value:
        """Does the statement run, if the call does?"""
        return functools.reduce(_both, [*self.rounds, *self.guards], self.live)


class _Machine:
    """Executes kernels. Intermediate results are signals, so that nothing is written down twice."""

    BINARY = {
        ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv,
        ast.Mod: operator.mod, ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor,
    }  # fmt: skip
    COMPARE = {
        ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
        ast.Gt: operator.gt, ast.GtE: operator.ge,
    }  # fmt: skip

    def __init__(self, m: Module, most: int | None) -> None:
        self.m, self.most = m, most
        self.guard: bool | Value = True
        """What the running statement stands under, in all calls."""

    # -----------------------------------------------------------------------------------------------------------------
    # Values

    def wire(self, value: Any) -> Any:
        """A value as a signal of its own."""
        if not is_symbolic(value):
            return value
        value = Value.cast(value)
        if isinstance(value, Const):
            return value.value
        if isinstance(value, Signal):
            return value
        out = Signal(value.shape(), name="golden")
        self.m.d.comb += out.eq(value)
        return out

    def choose(self, condition: bool | Value, yes: Any, no: Any) -> Any:
        """`yes` where the condition holds, else `no`; of tuples, each part."""
        if isinstance(condition, bool):
            return yes if condition else no
        if isinstance(yes, tuple):
            parts = [self.choose(condition, a, b) for a, b in zip(yes, no, strict=True)]
            return type(yes)(*parts) if hasattr(yes, "_fields") else tuple(parts)
        if yes is no or (not is_symbolic(yes) and not is_symbolic(no) and yes == no):
            return yes
        return self.wire(Mux(condition, yes, no))

    def binary(self, kind: type, a: Number, b: Number) -> Number:
        a, b = _plain(a), _plain(b)
        if kind in (ast.LShift, ast.RShift):
            if not is_symbolic(b):
                if not is_symbolic(a):
                    return a << b if kind is ast.LShift else a >> b
                a = Value.cast(a)
                return self.wire(a.shift_left(b) if kind is ast.LShift else _shift_right(a, b))
            cases = range(1 << Shape.cast(Value.cast(b).shape()).width)
            out = self.binary(kind, a, 0)
            for amount in cases[1:]:
                out = self.choose(_truth(b == amount), self.binary(kind, a, amount), out)
            return out
        return self.wire(self.BINARY[kind](a, b))

    # -----------------------------------------------------------------------------------------------------------------
    # Arrays

    def read(self, values: Any, place: Any) -> Any:
        """An element, also at a place that is not known."""
        if not isinstance(values, np.ndarray):
            return values[place]
        place = place if isinstance(place, tuple) else (place,)
        if any(isinstance(p, slice) for p in place) or not any(is_symbolic(p) for p in place):
            return _plain(values[tuple(_plain(p) for p in place)])
        at = next(axis for axis, p in enumerate(place) if is_symbolic(p))
        index = Value.cast(place[at])
        size = min(values.shape[at], 1 << len(index))
        elements = [self.read(values, (*place[:at], k, *place[at + 1 :])) for k in range(size)]
        # A tree, a bit of the index a level.
        for bit in index[: (size - 1).bit_length()]:
            pairs = [elements[k : k + 2] for k in range(0, len(elements), 2)]
            elements = [self.choose(bit, *reversed(pair)) if len(pair) > 1 else pair[0] for pair in pairs]
        return elements[0]

    def places(self, values: np.ndarray, place: tuple) -> list[tuple[tuple[int, ...], bool | Value]]:
        """(a place, under which condition it is meant) for all that may be meant; one outside is none."""
        axes = [
            range(min(size, 1 << len(Value.cast(p)))) if is_symbolic(p) else [_plain(p)]
            for p, size in zip(place, values.shape, strict=True)
        ]
        return [
            (known, functools.reduce(_both, (_truth(p == k) for p, k in zip(place, known, strict=True)), True))
            for known in itertools.product(*axes)
        ]

    def write(self, values: np.ndarray, place: Any, new: Any) -> None:
        """Change an element where the running statement runs."""
        place = place if isinstance(place, tuple) else (place,)
        if any(isinstance(p, slice) for p in place):
            for known in np.ndindex(values.shape):
                values[known] = self.choose(self.guard, new, _plain(values[known]))
            return
        for known, condition in self.places(values, place):
            values[known] = self.choose(_both(self.guard, condition), new, _plain(values[known]))

    # -----------------------------------------------------------------------------------------------------------------
    # Calls

    def call(self, function: Callable, arguments: tuple, named: dict[str, Any]) -> Any:
        """A kernel, or something of Python's."""
        function = getattr(function, "py_func", function)
        if function in (min, max) and any(is_symbolic(a) for a in arguments):
            first, *rest = arguments
            for other in rest:
                better = other < first if function is min else other > first
                first = self.choose(_truth(better), other, first)
            return first
        if function is abs and is_symbolic(arguments[0]):
            return self.choose(_truth(arguments[0] < 0), self.wire(-arguments[0]), arguments[0])
        if not inspect.isfunction(function) or not function.__module__.startswith("eqspike.golden"):
            return function(*arguments, **named)
        tree = _tree(function)
        names = dict(inspect.signature(function).bind(*arguments, **named).arguments)
        for name, parameter in inspect.signature(function).parameters.items():
            names.setdefault(name, parameter.default)
        frame, outer = _Frame(names, function.__globals__, self.guard), self.guard
        self.block(frame, tree.body)
        self.guard = outer
        result = None
        for condition, value in reversed(frame.results):
            result = value if result is None else self.choose(condition, value, result)
        return result

    # -----------------------------------------------------------------------------------------------------------------
    # Statements

    def block(self, frame: _Frame, statements: list[ast.stmt]) -> None:
        for statement in statements:
            here = frame.here
            if here is False:
                return
            self.guard = _both(frame.outer, here)
            handler = getattr(self, f"do_{type(statement).__name__}", None)
            if handler is None:
                raise TypeError(f"a kernel's {type(statement).__name__} is not known: {ast.unparse(statement)}")
            handler(frame, statement)

    def under(self, frame: _Frame, condition: bool | Value, statements: list[ast.stmt]) -> None:
        """Statements under a condition."""
        if condition is False or not statements:
            return
        frame.guards.append(self.wire(condition) if not isinstance(condition, bool) else condition)
        self.block(frame, statements)
        frame.guards.pop()

    def do_Expr(self, frame: _Frame, statement: ast.Expr) -> None:
        if not isinstance(statement.value, ast.Constant):
            self.value(frame, statement.value)

    def do_Pass(self, frame: _Frame, statement: ast.Pass) -> None:
        pass

    def do_Assign(self, frame: _Frame, statement: ast.Assign) -> None:
        value = self.value(frame, statement.value)
        for target in statement.targets:
            self.assign(frame, target, value)

    def do_AugAssign(self, frame: _Frame, statement: ast.AugAssign) -> None:
        old = self.value(frame, ast.parse(ast.unparse(statement.target), mode="eval").body)
        new = self.binary(type(statement.op), old, self.value(frame, statement.value))
        self.assign(frame, statement.target, new)

    def assign(self, frame: _Frame, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Tuple):
            for part, own in zip(target.elts, value, strict=True):
                self.assign(frame, part, own)
        elif isinstance(target, ast.Subscript):
            self.write(self.value(frame, target.value), self.value(frame, target.slice), value)
        else:
            old = frame.names.get(target.id)
            known = target.id in frame.names and not isinstance(old, np.ndarray)
            # What a call computes after its return is of no use to anybody: no need to keep it from changing.
            here = functools.reduce(_both, [*frame.rounds, *frame.guards], True)
            frame.names[target.id] = self.choose(here, value, old) if known else value

    def do_If(self, frame: _Frame, statement: ast.If) -> None:
        condition = self.wire(_truth(self.value(frame, statement.test)))
        self.under(frame, condition, statement.body)
        self.under(frame, _not(condition), statement.orelse)

    def do_For(self, frame: _Frame, statement: ast.For) -> None:
        assert isinstance(statement.iter, ast.Call), ast.unparse(statement.iter)
        limits = [_plain(self.value(frame, argument)) for argument in statement.iter.args]
        last = limits[1] if len(limits) > 1 else limits[0]
        if not is_symbolic(last):
            for number in range(*limits):
                frame.names[statement.target.id] = number
                self.round(frame, True, statement.body)
            return
        first, end = limits[0] if len(limits) > 1 else 0, (1 << len(Value.cast(last))) - 1
        if self.most is not None and end > self.most:
            end = self.most
            self.m.d.comb += Assert(self.wire(_truth(last <= end) | _not(self.guard)))
        for number in range(first, end):
            frame.names[statement.target.id] = number
            self.round(frame, _truth(last > number), statement.body)

    def round(self, frame: _Frame, condition: bool | Value, statements: list[ast.stmt]) -> None:
        """One round of a loop."""
        frame.rounds.append(True)
        self.under(frame, condition, statements)
        frame.rounds.pop()

    def do_Continue(self, frame: _Frame, statement: ast.Continue) -> None:
        frame.rounds[-1] = _both(frame.rounds[-1], _not(frame.here))

    def do_Return(self, frame: _Frame, statement: ast.Return) -> None:
        value = self.value(frame, statement.value) if statement.value else None
        here = frame.here
        frame.results.append((here, value))
        frame.live = _both(frame.live, _not(here))

    # -----------------------------------------------------------------------------------------------------------------
    # Expressions

    def value(self, frame: _Frame, node: ast.expr) -> Any:
        return getattr(self, f"of_{type(node).__name__}")(frame, node)

    def of_Constant(self, frame: _Frame, node: ast.Constant) -> Any:
        return node.value

    def of_Name(self, frame: _Frame, node: ast.Name) -> Any:
        if node.id in frame.names:
            return frame.names[node.id]
        return frame.known[node.id] if node.id in frame.known else getattr(builtins, node.id)

    def of_Attribute(self, frame: _Frame, node: ast.Attribute) -> Any:
        return getattr(self.value(frame, node.value), node.attr)

    def of_Subscript(self, frame: _Frame, node: ast.Subscript) -> Any:
        return self.read(self.value(frame, node.value), self.value(frame, node.slice))

    def of_Slice(self, frame: _Frame, node: ast.Slice) -> slice:
        assert node.lower is node.upper is node.step is None
        return slice(None)

    def of_Tuple(self, frame: _Frame, node: ast.Tuple) -> tuple:
        return tuple(self.value(frame, part) for part in node.elts)

    def of_BinOp(self, frame: _Frame, node: ast.BinOp) -> Number:
        return self.binary(type(node.op), self.value(frame, node.left), self.value(frame, node.right))

    def of_UnaryOp(self, frame: _Frame, node: ast.UnaryOp) -> Any:
        value = _plain(self.value(frame, node.operand))
        return _not(_truth(value)) if isinstance(node.op, ast.Not) else self.wire(-value)

    def of_BoolOp(self, frame: _Frame, node: ast.BoolOp) -> bool | Value:
        either = isinstance(node.op, ast.Or)
        out: bool | Value = True
        for part in node.values:
            truth = _truth(self.value(frame, part))
            out = _both(out, _not(truth) if either else truth)
            if out is False:
                break
        return _not(out) if either else out

    def of_Compare(self, frame: _Frame, node: ast.Compare) -> bool | Value:
        out: bool | Value = True
        left = _plain(self.value(frame, node.left))
        for kind, other in zip(node.ops, node.comparators, strict=True):
            right = _plain(self.value(frame, other))
            out = _both(out, self.wire(self.COMPARE[type(kind)](left, right)))
            left = right
        return out

    def of_IfExp(self, frame: _Frame, node: ast.IfExp) -> Any:
        condition = self.wire(_truth(self.value(frame, node.test)))
        if isinstance(condition, bool):
            return self.value(frame, node.body if condition else node.orelse)
        return self.choose(condition, self.value(frame, node.body), self.value(frame, node.orelse))

    def of_Call(self, frame: _Frame, node: ast.Call) -> Any:
        named = {keyword.arg: self.value(frame, keyword.value) for keyword in node.keywords}
        arguments = tuple(_plain(self.value(frame, argument)) for argument in node.args)
        inside = self.guard
        result = self.call(self.value(frame, node.func), arguments, named)
        self.guard = inside
        return result


def _shift_right(value: Value, amount: int) -> Value:
    """Rounded down, also where nothing but the sign is left."""
    if not value.shape().signed and amount >= len(value):
        return Const(0)
    return value.shift_right(amount)


@functools.cache
def _tree(function: Callable) -> ast.FunctionDef:
    return ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]


__all__ = ["array", "run"]
