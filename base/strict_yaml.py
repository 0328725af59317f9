"""The one reader of YAML: of presets, sweeps, experiments, metadata and the values of `--set`.

It takes mappings, lists, texts and numbers, and refuses in one line, with the line's number, what would be taken for
something else than its writer meant: a key that is given twice, numbers that one version of YAML reads in another way
than the next (012, 1:30, 1_000), numbers that no computer holds, tags, characters that a terminal obeys.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from eqspike.base.errors import UsageProblem
from eqspike.base.printable import cut, printable, shown
from eqspike.base.reading import read_text

MOST_BYTES = 2**20
DEEPEST = 30
MOST_VALUES = 200_000
"""Values of a document, those that an alias (*name) repeats counted each time."""
MOST_DIGITS = 18
"""Of a whole number."""

DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
HEXADECIMAL = re.compile(r"[-+]?0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class YamlError(UsageProblem, ValueError):
    """A text that is not taken; the message begins with the line."""


def parse_yaml(text: str) -> object:
    """What the text holds: None, bool, int, float, str, lists, and dicts whose keys are str. Raises `YamlError`."""
    if len(text) > MOST_BYTES:
        raise YamlError(f"is not taken: {len(text):,} characters; at most {MOST_BYTES:,}")
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        return None if node is None else loader.value(node)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(
            f"line {line} is not valid YAML: the character U+{error.character:04X} is not allowed"
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1} " if mark else ""
        problem = cut(printable(error.problem or error.context or "unknown"), 120)
        raise YamlError(f"{where}is not valid YAML: {problem}") from None
    except yaml.YAMLError as error:
        raise YamlError(f"is not valid YAML: {cut(printable(str(error)), 120)}") from None
    except (ValueError, ArithmeticError) as error:  # PyYAML's slips: an escape beyond the last character, "\U99999999"
        if isinstance(error, YamlError):
            raise
        raise YamlError("is not valid YAML: an escape that is no character") from None


def read_yaml(path: Path) -> object:
    """What a YAML file that a user gave holds. Raises `UsageProblem`, which names the file."""
    try:
        return parse_yaml(read_text(path, MOST_BYTES))
    except OSError as error:
        raise UsageProblem(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageProblem(f"{path}: is not a text file (UTF-8)") from None
    except YamlError as error:
        raise UsageProblem(f"{path}: {error}") from None


def _refuse(node: Node | yaml.Event, what: str) -> NoReturn:
    raise YamlError(f"line {node.start_mark.line + 1}: {what}")


class _Loader(yaml.SafeLoader):
    """PyYAML's parser; what its nodes mean is decided here. It is PyYAML's Python parser on purpose: the one in C
    recurses without a limit."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0
        self.values = 0
        self.weights: dict[int, int] = {}
        """Values below each whole node, by its id."""
        self.checked: set[int] = set()

    def compose_node(self, parent: Node | None, index: object) -> Node:
        """A node, counted; its parts are composed by this method too."""
        event, before = self.peek_event(), self.values
        if self.depth >= DEEPEST:
            _refuse(event, f"is nested more than {DEEPEST} levels deep")
        if getattr(event, "tag", None) not in (None, "!"):
            _refuse(event, f"tags such as {cut(printable(event.tag), 40)} are not taken")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        if isinstance(event, yaml.AliasEvent):
            if id(node) not in self.weights:
                _refuse(event, f"the alias *{printable(event.anchor)} stands in what it repeats")
            self.values += self.weights[id(node)]
        else:
            self.values += 1
            self.weights[id(node)] = self.values - before
        if self.values > MOST_VALUES:
            _refuse(event, f"there are more than {MOST_VALUES:,} values")
        return node

    def value(self, node: Node) -> object:
        """The plain data of a node."""
        if isinstance(node, MappingNode):
            self._check_keys(node)
            self.flatten_mapping(node)  # << takes over the keys of another mapping
            return {self.scalar(key): self.value(item) for key, item in node.value}
        if isinstance(node, SequenceNode):
            return [self.value(item) for item in node.value]
        return self.scalar(node)

    def _check_keys(self, node: MappingNode) -> None:
        """Every key is a text and there once. Only keys that stand in the mapping itself: << fills up behind them."""
        if id(node) in self.checked:
            return
        self.checked.add(id(node))
        lines: dict[str, int] = {}
        for key, _ in node.value:
            name = self.scalar(key) if isinstance(key, ScalarNode) else None
            if not isinstance(name, str) or "\n" in name:
                _refuse(key, f"the key {shown(name) if isinstance(key, ScalarNode) else 'there'} is not a word")
            if name in lines:
                _refuse(key, f"the key {shown(name)} is given twice, first in line {lines[name]}")
            lines[name] = key.start_mark.line + 1

    def scalar(self, node: ScalarNode) -> object:
        """A single value."""
        kind, text = node.tag.rpartition(":")[2], node.value
        if kind == "null":
            return None
        if kind == "bool":
            return self.bool_values[text.lower()]
        if kind == "int":
            return _whole(node, text)
        if kind == "float":
            return _float(node, text)
        if wrong := next((c for c in text if not c.isprintable() and c not in "\n\t"), None):
            _refuse(node, f"the character U+{ord(wrong):04X} cannot be shown and is not taken")
        return text


def _whole(node: Node, text: str) -> int:
    decimal = DECIMAL.fullmatch(text)
    if not decimal and not HEXADECIMAL.fullmatch(text):
        _ambiguous(node, text)
    if len(text) > MOST_DIGITS:
        _refuse(node, f"a whole number of {len(text):,} digits; at most {MOST_DIGITS}")
    return int(text) if decimal else int(text, 16)


def _float(node: Node, text: str) -> float:
    if NOT_FINITE.fullmatch(text):
        return float(
            text.replace(".", "", 1)
        )  # whoever asks for a number says that it must be finite, and names the key
    if not FLOAT.fullmatch(text):
        _ambiguous(node, text)
    number = float(text)
    if abs(number) == float("inf") or (number == 0 and re.search("[1-9]", re.split("[eE]", text)[0])):
        _refuse(node, f"{cut(text, 60)} is too {'large' if number else 'small'} for a number")
    return number


def _ambiguous(node: Node, text: str) -> NoReturn:
    _refuse(node, f"{cut(text, 60)} can be read in two ways: write plain decimal digits, or a text in quotes")
