"""Messages that wait for a reader: what is out of date makes place, so a reader that never comes costs little."""

from __future__ import annotations

from typing import Any

MOST = 64
"""Answers that wait; the oldest goes. Of what only shows how things stand (training images, weights, states) just the
latest waits."""


class Box:
    """In order of their coming. What is kept of each kind is bounded, so all is."""

    def __init__(self) -> None:
        self.waiting: dict[object, str] = {}
        self.answers = 0

    def put(self, message: dict[str, Any], text: str) -> None:
        """A message, and it as text."""
        key = latest(message)
        if key is not None:
            self.waiting.pop(key, None)
        else:
            self.answers += 1
            key = self.answers
            numbered = [each for each in self.waiting if isinstance(each, int)]
            if len(numbered) >= MOST:
                del self.waiting[numbered[0]]
        self.waiting[key] = text

    def first(self) -> str | None:
        """What came first, which then waits no longer."""
        return self.waiting.pop(next(iter(self.waiting)), None) if self.waiting else None


def latest(message: dict[str, Any]) -> str | None:
    """The kind of a message of which only the latest is of interest; None for one that answers a request."""
    if message["type"] == "image":
        return "train" if message["source"] == "train" else None
    return message["type"] if message["type"] in ("ready", "check", "state", "weights") else None


__all__ = ["Box", "latest"]
