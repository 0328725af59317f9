"""The local server: who may speak to it, what it answers, and what pages cost it that never read."""

from __future__ import annotations

import base64
import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from eqspike.base.errors import CommandError
from eqspike.lab.live.box import MOST, Box
from eqspike.lab.live.server import LARGEST, Server
from eqspike.lab.live.worker import MOST_WAITING, Worker

PROC = Path("/proc")
PAGE = "<!doctype html><p>a page"


@pytest.fixture
def asked() -> list[object]:
    return []


@pytest.fixture
def server(asked: list[object]) -> Iterator[Server]:
    """A server that hears all."""
    with Server(PAGE, asked.append).background() as server:
        yield server


def get(server: Server, path: str = "/", **headers: str) -> tuple[int, bytes]:
    """(status, body) of a request, as it is given."""
    own = {"Host": f"127.0.0.1:{server.port}", "Connection": "close"} | {k.title(): v for k, v in headers.items()}
    with socket.create_connection(("127.0.0.1", server.port), 10) as line:
        text = "".join(f"{name}: {value}\r\n" for name, value in own.items())
        line.sendall(f"GET {path} HTTP/1.1\r\n{text}\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def opened(server: Server, **options: Any) -> Any:
    return connect(f"ws://127.0.0.1:{server.port}/socket", **options)


def test_one_page_and_nothing_else(server: Server) -> None:
    assert get(server) == (200, PAGE.encode())
    assert get(server, "/?a=b") == (200, PAGE.encode())
    for path in ("/../../etc/passwd", "/%2e%2e/etc/passwd", "//etc/passwd", "/index.html", "/socket/x", "/favicon.ico"):
        assert get(server, path)[0] == 404, path
    assert get(server, "/socket")[0] == 426  # it is a socket


def test_foreign_pages_are_refused(server: Server) -> None:
    """Pages of elsewhere that are open in the same browser, and names that lead here (DNS rebinding)."""
    own = f"http://127.0.0.1:{server.port}"
    for path in ("/", "/socket"):
        others = ("http://evil.example", "null", "http://127.0.0.1:1", own.replace("http", "https"), f"{own}.evil")
        for origin in others:
            assert get(server, path, origin=origin)[0] == 403, origin
        for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1:1"):
            assert get(server, path, host=host)[0] == 403, host
    assert get(server, host=f"localhost:{server.port}", origin=f"http://localhost:{server.port}")[0] == 200
    with pytest.raises(InvalidStatus) as caught, opened(server, origin="http://evil.example"):
        pass
    assert caught.value.response.status_code == 403
    with opened(server, origin=own):
        pass


@pytest.mark.skipif(not PROC.exists(), reason="needs Linux")
def test_it_listens_on_loopback_alone(server: Server) -> None:
    lines = [line.split() for name in ("tcp", "tcp6") for line in (PROC / "net" / name).read_text().splitlines()[1:]]
    listening = [local for _, local, _, state, *_ in lines if state == "0A" and local.endswith(f":{server.port:04X}")]
    assert listening == [f"0100007F:{server.port:04X}"]


def test_a_taken_port(server: Server) -> None:
    with pytest.raises(CommandError, match=rf"port {server.port} of 127\.0\.0\.1: .*; take another"):
        with Server(PAGE, lambda message: None).background(server.port):
            pass


def test_messages_go_both_ways(server: Server, asked: list[object]) -> None:
    """A page that comes later is told how things stand; packed fields are base64."""
    server.publish({"type": "ready", "name": "x"})
    server.publish({"type": "weights", "layers": [[1]]})
    server.publish({"type": "weights", "layers": [[2]]})
    server.publish({"type": "judged", "right": 3})  # nobody was there to hear it
    with opened(server) as page, opened(server) as other:
        for each in (page, other):
            assert [json.loads(each.recv(timeout=5)) for _ in range(2)] == [
                {"type": "ready", "name": "x"}, {"type": "weights", "layers": [[2]]}
            ]  # fmt: skip
        server.publish({"type": "image", "source": "show", "spikes": b"\x01\xff"})
        for each in (page, other):
            assert base64.b64decode(json.loads(each.recv(timeout=5))["spikes"]) == b"\x01\xff"
        page.send('{"type": "next"}')
        page.send("[" * 100_000)
        page.send(b"\xff")
        for _ in range(2):
            assert json.loads(page.recv(timeout=5)) == {"type": "error", "text": "a message is JSON"}
        assert asked == [{"type": "next"}]
        page.send("x" * (LARGEST + 1))
        with pytest.raises(ConnectionClosed):
            page.recv(timeout=5)
        other.send('{"type": "next"}')
        other.send("nothing")
        other.recv(timeout=5)
        assert len(asked) == 2


def test_box() -> None:
    """Of what shows how things stand the latest waits; of answers so many."""
    box = Box()
    for n in range(3 * MOST):
        box.put({"type": "image", "source": "train"}, f"train {n}")
        box.put({"type": "weights"}, f"weights {n}")
        box.put({"type": "image", "source": "show"}, f"show {n}")
    found = list(iter(box.first, None))
    assert len(found) == MOST + 2
    assert found[-3:] == [f"train {n}", f"weights {n}", f"show {n}"]
    assert found[0] == f"show {2 * MOST}"
    assert box.first() is None


def memory() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(not PROC.exists(), reason="needs Linux")
def test_a_page_that_never_reads(server: Server) -> None:
    """It costs less than 20 MB for as many messages as a minute has: 60 images and 4 times all weights a second."""
    image = {"type": "image", "source": "train", "spikes": bytes(4000), "pixels": [16] * 64}
    weights, answer = {"type": "weights", "layers": [[-2048] * 2410]}, image | {"source": "teach"}
    with socket.create_connection(("127.0.0.1", server.port)) as line, opened(server) as good:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.sendall(
            f"GET /socket HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        until = time.monotonic() + 10
        while len(server.boxes) < 2:
            assert time.monotonic() < until
            time.sleep(0.01)
        before = memory()
        for second in range(60):
            for _ in range(60):
                server.publish(image)
            for _ in range(4):
                server.publish(weights)
            server.publish(answer | {"id": second})
            if second % 10 == 0:
                time.sleep(0.05)
        # One that reads is served meanwhile, with the latest.
        while json.loads(good.recv(timeout=10)).get("id") != 59:
            pass
        assert memory() - before < 20e6


def test_a_worker_keeps_the_latest_drawing_and_a_bounded_number(asked: list[object]) -> None:
    """Its session is made in its thread; a failure of the chip ends it, and is told."""
    began, told = threading.Event(), []

    def made() -> object:
        began.wait(10)
        raise CommandError("there is no chip")

    worker = Worker(made, told.append)
    worker.start()
    for n in range(1000):
        assert worker.post({"type": "show", "id": n}) is None
    assert list(worker.inbox) == [{"type": "show", "id": 999}]
    answers = [worker.post({"type": "next"}) for _ in range(MOST_WAITING)]
    assert answers.count(None) == MOST_WAITING - 1
    assert "too many messages wait" in answers[-1]
    assert worker.watched({"type": "train", "on": True}) == "this page only watches"
    began.set()
    assert worker.over.wait(10)
    assert str(worker.failed) == "there is no chip"
    assert told == [worker.failed]
