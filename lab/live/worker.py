"""The thread that owns a chip: it makes it, hears messages, and works, and nobody else touches the chip or its port."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from eqspike.base.errors import CommandError
from eqspike.lab.live.session import Session, Stopped

MOST_WAITING = 256
"""Messages that were not heard yet; a drawing that waits makes place for a newer one, others are refused beyond."""


class Worker:
    """`made` is called in the thread, which then works for the session until `stop`. A failure ends it: `failed` says
    what it was, and `over` is set."""

    def __init__(self, made: Callable[[], Session], ended: Callable[[BaseException], None]) -> None:
        self.made, self.ended = made, ended
        self.session: Session | None = None
        self.failed: BaseException | None = None
        self.over = threading.Event()
        self.news = threading.Condition()
        self.inbox: deque[object] = deque()
        self.stopping = False
        self.thread = threading.Thread(target=self._run, name="chip", daemon=True)

    def start(self) -> None:
        """Begin."""
        self.thread.start()

    def watched(self, message: object) -> str | None:
        """As `post`, of a page that only watches."""
        if isinstance(message, Mapping) and message.get("type") == "inspect":
            return self.post(message)
        return "this page only watches"

    def post(self, message: object) -> str | None:
        """A message from a page; what is wrong with it, if anything. Of drawings only the latest is kept."""
        with self.news:
            if _is_show(message):
                self.inbox = deque(each for each in self.inbox if not _is_show(each))
            if len(self.inbox) >= MOST_WAITING:
                return "too many messages wait: this one was not heard"
            self.inbox.append(message)
            self.news.notify()
        return None

    def call(self, action: Callable[[Session], Any]) -> None:
        """Let the thread do something between two images."""
        with self.news:
            self.inbox.append(action)
            self.news.notify()

    def stop(self, patience: float = 20.0) -> None:
        """End the thread; it closes the chip."""
        with self.news:
            self.stopping = True
            if self.session is not None:
                self.session.stopping = True
            self.news.notify()
        if self.thread.is_alive():
            self.thread.join(patience)

    def _run(self) -> None:
        try:
            session = self.session = self.made()
            session.stopping = self.stopping
            try:
                self._serve(session)
            finally:
                session.chip.close()
        except Stopped:
            pass
        except BaseException as error:
            self.failed = error
            if not isinstance(error, CommandError | OSError):
                raise  # a bug: its traceback is wanted
        finally:
            self.over.set()
            if self.failed is not None:
                self.ended(self.failed)

    def _serve(self, session: Session) -> None:
        session.hear({"type": "check"})
        while True:
            for message in self._news():
                message(session) if callable(message) else session.hear(message)
            if self.stopping:
                return
            if not session.work():
                self._wait(session.idle())

    def _news(self) -> list[object]:
        with self.news:
            found, self.inbox = list(self.inbox), deque()
        return found

    def _wait(self, seconds: float | None) -> None:
        with self.news:
            if not self.inbox and not self.stopping:
                self.news.wait(seconds)


def _is_show(message: object) -> bool:
    return isinstance(message, Mapping) and message.get("type") == "show"


__all__ = ["Worker"]
