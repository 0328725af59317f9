"""Reads a liberty file: groups, attributes and values, as the format nests them; `library.py` says what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from eqspike.base.errors import UsageProblem

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([{}();:,])|([^\s{}();:,"]+)', re.DOTALL)


@dataclass
class Group:
    """`kind (arguments) { attributes, groups }`."""

    kind: str
    arguments: list[str]
    attributes: dict[str, list[str]] = field(default_factory=dict)
    """Name -> its values; one where the file has `name : value`."""
    groups: list[Group] = field(default_factory=list)

    def named(self, *kinds: str) -> Iterator[Group]:
        """Its groups of these kinds."""
        return (group for group in self.groups if group.kind in kinds)

    def one(self, name: str, otherwise: str = "") -> str:
        """A simple attribute."""
        return " ".join(self.attributes[name]) if name in self.attributes else otherwise


def read_groups(path: Path) -> Group:
    """The library, the file's outermost group. Raises `UsageProblem` with file and line."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageProblem(f"--liberty {path}: {error.strerror}: a liberty file is needed (.lib)") from None
    # A comment or a continued line becomes as many line ends, so that lines keep their numbers.
    text = COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)
    text = re.sub(r"\\[ \t]*\n", "\n", text)
    reader = _Reader(path, _tokens(text))
    found = reader.statements(Group("file", []), outermost=True)
    libraries = list(found.named("library"))
    if len(libraries) != 1:
        raise UsageProblem(f"--liberty {path}: holds {len(libraries)} libraries; a liberty file holds one `library`")
    return libraries[0]


def _tokens(text: str) -> list[tuple[str, bool, int]]:
    """(token, whether it is a sign of the format, line)."""
    found, line, at = [], 1, 0
    for match in TOKEN.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        if match[2] is not None:
            found.append((match[2], True, line))
        else:
            found.append((match[1] if match[1] is not None else match[3], False, line))
    return found


class _Reader:
    def __init__(self, path: Path, tokens: list[tuple[str, bool, int]]) -> None:
        self.path, self.tokens, self.at = path, tokens, 0

    def fail(self, wanted: str) -> UsageProblem:
        if self.at < len(self.tokens):
            token, _, line = self.tokens[self.at]
            return UsageProblem(f"--liberty {self.path}: line {line}: {token!r}: {wanted} is needed")
        return UsageProblem(f"--liberty {self.path}: ends too early: {wanted} is needed")

    def sign(self, signs: str) -> bool:
        """Whether one of these signs comes next."""
        return self.at < len(self.tokens) and self.tokens[self.at][1] and self.tokens[self.at][0] in signs

    def statements(self, group: Group, outermost: bool = False) -> Group:
        """What stands in a group, up to its closing bracket."""
        while self.at < len(self.tokens):
            if self.sign("}") and not outermost:
                self.at += 1
                return group
            if self.sign(";"):
                self.at += 1
                continue
            if self.sign("{}():,"):
                raise self.fail("a name")
            self._statement(group)
        if not outermost:
            raise self.fail("}")
        return group

    def _statement(self, group: Group) -> None:
        name, _, line = self.tokens[self.at]
        self.at += 1
        if self.sign(":"):
            self.at += 1
            values = []
            # A line's end ends a value, too: many files leave the semicolon out.
            while not self.sign(";}") and self.at < len(self.tokens) and self.tokens[self.at][2] == line:
                values.append(self.tokens[self.at][0])
                self.at += 1
            group.attributes[name] = values
            return
        if not self.sign("("):
            raise self.fail(f": or ( behind {name}")
        self.at += 1
        values = []
        while not self.sign(")"):
            if self.at >= len(self.tokens):
                raise self.fail(")")
            if not self.sign(","):
                values.append(self.tokens[self.at][0])
            self.at += 1
        self.at += 1
        if self.sign("{"):
            self.at += 1
            group.groups.append(self.statements(Group(name, values)))
        else:
            group.attributes[name] = values


__all__ = ["Group", "read_groups"]
