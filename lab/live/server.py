"""The local server of a live page: one page at /, messages at /socket, nothing else, for this computer alone.

It listens on loopback. A page of elsewhere that is open in the same browser could still speak to it: so the Host must
be this server's, and where a browser says from which page a request comes (Origin), that must be this one.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server as Listening
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from eqspike.base.errors import CommandError
from eqspike.lab.live.box import Box, latest

ADDRESS = "127.0.0.1"
LARGEST = 4 * 2**20
"""Bytes of a message from the page: half of the synapses of mnist by name are 1 MB."""
QUEUE = 4
"""Messages of one page that were received and not yet heard."""
QUIET = logging.getLogger("eqspike.lab.live")
QUIET.setLevel(logging.CRITICAL)  # a page that was closed is nothing to speak of

Message = dict[str, Any]


class Server:
    """Serves `page`, HTML, and gives every page the same messages (`publish`, from any thread). `heard` is given what
    pages ask, on the server's thread, and says what is wrong with it, if anything."""

    def __init__(self, page: str, heard: Callable[[object], str | None]) -> None:
        self.page, self.heard = page.encode(), heard
        self.boxes: dict[Box, asyncio.Event] = {}
        self.standing: dict[str, tuple[Message, str]] = {}
        """The latest of what a page that comes later must know, by kind."""
        self.loop: asyncio.AbstractEventLoop | None = None
        self.lock = threading.Lock()
        """Of the boxes, which are filled by who publishes and emptied by the server's thread."""
        self.port = 0

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{ADDRESS}:{self.port}/"

    def publish(self, message: Message) -> None:
        """Give every page a message. Called from one thread; it never waits for a page."""
        text = as_json(message)
        with self.lock:
            if latest(message) == message["type"]:
                self.standing[message["type"]] = message, text
            boxes = list(self.boxes.items())
            for box, _ in boxes:
                box.put(message, text)
        if boxes and self.loop is not None:
            with suppress(RuntimeError):  # it has just been closed
                self.loop.call_soon_threadsafe(lambda: [event.set() for _, event in boxes])

    @contextmanager
    def background(self, port: int = 0) -> Iterator[Server]:
        """Serve from a thread of its own, meanwhile. Raises `CommandError` where the port is taken."""
        ready: threading.Event = threading.Event()
        failed: list[Exception] = []
        stop: list[Callable[[], None]] = []

        async def main() -> None:
            ended = asyncio.Event()
            stop.append(lambda: self.loop.call_soon_threadsafe(ended.set))
            try:
                async with self.listening(port):
                    ready.set()
                    await ended.wait()
            except CommandError as error:
                failed.append(error)
            finally:
                ready.set()

        thread = threading.Thread(target=lambda: asyncio.run(main()), name="page", daemon=True)
        thread.start()
        ready.wait()
        if failed:
            raise failed[0]
        try:
            yield self
        finally:
            with suppress(RuntimeError):
                stop[0]()
            thread.join(10)

    def listening(self, port: int = 0) -> _Opened:
        """Serve while this async context lasts. Raises `CommandError` where the port is taken."""
        return _Opened(self, port)

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """What is no socket, and what may not be one."""
        names = {f"{name}:{self.port}" for name in (ADDRESS, "localhost")}
        host, origin = (request.headers.get_all(name) for name in ("Host", "Origin"))
        if len(host) != 1 or host[0].lower() not in names:
            return _response(HTTPStatus.FORBIDDEN, "this server is for pages of this computer\n")
        if any(each.lower() not in {f"http://{name}" for name in names} for each in origin):
            return _response(HTTPStatus.FORBIDDEN, "this server is for its own page\n")
        path = request.path.partition("?")[0]
        if path == "/":
            return _response(HTTPStatus.OK, self.page, "text/html; charset=utf-8")
        if path != "/socket":
            return _response(HTTPStatus.NOT_FOUND, "there is only one page here: /\n")
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        """A page, from its coming to its going."""
        box, event = Box(), asyncio.Event()
        with self.lock:
            for message, text in self.standing.values():
                box.put(message, text)
            self.boxes[box] = event
        event.set()
        sending = asyncio.create_task(_send(socket, box, event, self.lock))
        try:
            async for text in socket:
                if (wrong := self._hear(text)) is not None:
                    message = {"type": "error", "text": wrong}
                    with self.lock:
                        box.put(message, as_json(message))
                    event.set()
        except ConnectionClosed:
            pass
        finally:
            with self.lock:
                del self.boxes[box]
            sending.cancel()

    def _hear(self, text: str | bytes) -> str | None:
        """Pass a message on; what is wrong with it, if anything."""
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return "a message is JSON"
        return self.heard(message)


class _Opened:
    def __init__(self, server: Server, port: int) -> None:
        self.server, self.port = server, port

    async def __aenter__(self) -> Listening:
        server = self.server
        try:
            self.listening = await serve(
                server._serve, ADDRESS, self.port, process_request=server._answer, compression=None,
                max_size=LARGEST, max_queue=QUEUE, logger=QUIET, server_header=None,
            )  # fmt: skip
        except OSError as error:
            raise CommandError(f"port {self.port} of {ADDRESS}: {error.strerror or error}; take another") from None
        server.port = self.listening.sockets[0].getsockname()[1]
        server.loop = asyncio.get_running_loop()
        return self.listening

    async def __aexit__(self, *_: object) -> None:
        self.listening.close()
        await self.listening.wait_closed()
        self.server.loop = None


async def _send(socket: ServerConnection, box: Box, event: asyncio.Event, lock: threading.Lock) -> None:
    """Send what waits in the box, one message at a time: the next is taken when the page has taken this one."""
    with suppress(ConnectionClosed):
        while True:
            await event.wait()
            event.clear()
            while True:
                with lock:
                    text = box.first()
                if text is None:
                    break
                await socket.send(text)


def _response(status: HTTPStatus, body: str | bytes, kind: str = "text/plain; charset=utf-8") -> Response:
    body = body.encode() if isinstance(body, str) else body
    headers = {
        "Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store", "Connection": "close",
        "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
    }  # fmt: skip
    return Response(status.value, status.phrase, Headers(headers), body)


def as_json(message: Message) -> str:
    """A message as text; bytes of packed fields as base64."""
    return json.dumps(message, separators=(",", ":"), default=_packed)


def _packed(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} cannot be sent")


__all__ = ["ADDRESS", "Message", "Server", "as_json"]
