"""Functions of cells as liberty files write them: `!(A B)`, `(A*B)+C'`; evaluated, or written as Verilog."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

TOKEN = re.compile(r"\s*([A-Za-z_][\w\[\]]*|[01]|[()!'*&|+^])")
"""A name, a constant, or an operator; between two terms nothing stands for AND."""


@dataclass(frozen=True)
class Expression:
    """A node: `kind` is "pin", "const", "not", "and", "or" or "xor"."""

    kind: str
    name: str = ""
    """Of the pin; "0" or "1" of a constant."""
    parts: tuple[Expression, ...] = ()

    def pins(self) -> frozenset[str]:
        """The pins that it reads."""
        if self.kind == "pin":
            return frozenset({self.name})
        return frozenset().union(*(part.pins() for part in self.parts))

    def verilog(self, names: Mapping[str, str]) -> str:
        """As a Verilog expression of single bits, with these names in the pins' places."""
        if self.kind == "pin":
            return names[self.name]
        if self.kind == "const":
            return f"1'b{self.name}"
        if self.kind == "not":
            return f"~{self.parts[0].verilog(names)}"
        sign = {"and": " & ", "or": " | ", "xor": " ^ "}[self.kind]
        return f"({sign.join(part.verilog(names) for part in self.parts)})"

    def compiled(self) -> Callable[..., Any]:
        """A function of the pins' values, by name, that works on integers and on arrays of bits alike.

        Bits of a constant 1 and of what is inverted are all set.
        """
        return eval(f"lambda {', '.join(sorted(self.pins()))}: {self._python()}")

    def _python(self) -> str:
        if self.kind == "pin":
            return self.name
        if self.kind == "const":
            return "-1" if self.name == "1" else "0"
        if self.kind == "not":
            return f"~{self.parts[0]._python()}"
        sign = {"and": "&", "or": "|", "xor": "^"}[self.kind]
        return f"({sign.join(part._python() for part in self.parts)})"


def parse(text: str) -> Expression:
    """The function. Raises `ValueError` with the place where it goes wrong."""
    parser = _Parser(text)
    found = parser.either()
    if parser.token is not None:
        raise ValueError(f"{text!r}: nothing may stand behind the function, but {parser.token!r} does")
    return found


class _Parser:
    """By precedence: ! and ' bind closest, then ^, then AND, then OR."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text.rstrip(), 0
        self.advance()

    def advance(self) -> None:
        if self.at == len(self.text):
            self.token: str | None = None
            return
        found = TOKEN.match(self.text, self.at)
        if found is None:
            raise ValueError(f"{self.text!r}: {self.text[self.at :].strip()!r} is no part of a function")
        self.token, self.at = found[1], found.end()

    def either(self) -> Expression:
        return self._chain("or", "+|", self.both)

    def both(self) -> Expression:
        parts = [self.unlike()]
        while self.token is not None and self.token not in ")+|^":
            if self.token in "*&":
                self.advance()
            parts.append(self.unlike())
        return parts[0] if len(parts) == 1 else Expression("and", parts=tuple(parts))

    def unlike(self) -> Expression:
        return self._chain("xor", "^", self.term)

    def _chain(self, kind: str, signs: str, part: Callable[[], Expression]) -> Expression:
        parts = [part()]
        while self.token is not None and self.token in signs:
            self.advance()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Expression(kind, parts=tuple(parts))

    def term(self) -> Expression:
        token = self.token
        if token is None or token in ")'*&|+^":
            raise ValueError(f"{self.text!r}: a pin, 0, 1, ! or ( must stand before {token or 'the end'!r}")
        self.advance()
        if token == "!":
            return Expression("not", parts=(self.term(),))
        if token == "(":
            found = self.either()
            if self.token != ")":
                raise ValueError(f"{self.text!r}: a bracket is not closed")
            self.advance()
        else:
            found = Expression("const" if token in "01" else "pin", token)
        while self.token == "'":
            self.advance()
            found = Expression("not", parts=(found,))
        return found


__all__ = ["Expression", "parse"]
