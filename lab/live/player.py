"""Does a recorded session again: in the order of the tape, at its times or as fast as it goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from eqspike.base.errors import UsageProblem
from eqspike.golden import pad
from eqspike.lab.live.asked import Asked, WrongMessage
from eqspike.lab.live.tape import Tape

if TYPE_CHECKING:
    from eqspike.lab.live.session import Session

Message = dict[str, Any]


class Player:
    """What is left of a tape. `speed`: times as fast as it was recorded; None: without waiting. Raises `UsageProblem`
    for an entry that its chip cannot do."""

    def __init__(self, tape: Tape, asked: Asked, speed: float | None = 1.0) -> None:
        self.tape, self.speed = tape, speed
        self.messages = [(entry[0], message) for entry in tape.done for message in _messages(entry, asked)]
        self.at = 0
        self.began: float | None = None
        self.same: bool | None = None
        """At the end: does the chip hold what it held when the session was recorded?"""

    def wait(self) -> float:
        """Seconds until the next is due."""
        if self.speed is None or self.at == len(self.messages):
            return 0.0
        now = time.monotonic()
        self.began = now if self.began is None else self.began
        return max(self.messages[self.at][0] / self.speed - (now - self.began), 0.0)

    def work(self, session: Session) -> bool:
        """Do the next, when it is due; at the end compare, say so, and leave the session."""
        if self.wait() > 0:
            return False
        if self.at == len(self.messages):
            self.same = session.digest() == self.tape.digest
            session.player = None
            said = "as" if self.same else "NOT as"
            session.say(f"the recorded session is over: weights and key are {said} they were when it was recorded")
            return True
        message = self.messages[self.at][1]
        self.at += 1
        if message["type"] in ("show", "teach", "train"):
            session.present(message)
        else:
            session.do(message)
        return True


def _messages(entry: list[Any], asked: Asked) -> Iterator[Message]:
    """The messages of an entry, checked."""
    _, what, fields = entry
    where = f"done: {what}"
    if what == "train":
        count = fields.get("images")
        if type(count) is not int or not 1 <= count <= 10**7:
            raise UsageProblem(f"{where}: images: a whole number from 1")
        yield from ({"type": "train"} for _ in range(count))
        return
    try:
        if what in ("show", "teach") and "pixels" not in fields and len(fields.get("strokes") or ()) < 10_000:
            drawn = pad.reduced(pad.picture(fields.get("strokes") or ()))
            fields = {**fields, "pixels": ((2 * drawn * asked.white + pad.FULL) // (2 * pad.FULL)).tolist()}
        yield asked({"type": what, **fields})
    except (WrongMessage, TypeError, ValueError, OverflowError) as error:
        raise UsageProblem(f"{where}: {error}") from None


__all__ = ["Player"]
