"""`eqspike live`: the page of a chip that is not in the page: golden, the circuit in this process, or a board."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eqspike.base.errors import CommandError, Interrupted, UsageProblem
from eqspike.lab.configs import read_config
from eqspike.scripts.options import config_options
from eqspike.scripts.stages import stages

if TYPE_CHECKING:
    from eqspike.lab.engines import Connection
    from eqspike.lab.live.make import Plan, Say
    from eqspike.lab.live.tape import Tape


@click.command(
    "live",
    epilog="""\b
Examples:
  eqspike live                                   draw, on the golden model trained on drawings
  eqspike live drawings --circuit                the circuit itself, cycle by cycle
  eqspike live digits --sim                      a simulated board, through its UART
  eqspike live digits --port /dev/ttyUSB0        a board
  eqspike live --record talk.json                keep what is done
  eqspike live --replay talk.json --speed 2      and do it again
""",
)
@click.argument("config", metavar="[CONFIG]", default="drawings")
@click.option("--circuit", is_flag=True, help="The circuit, compiled by Verilator into this process.")
@click.option("--sim", is_flag=True, help="A simulated board, through its UART.")
@click.option("--port", help="The board at this serial port.")
@click.option("--baud", type=click.IntRange(1), help="With --port: the link's baud rate [default: 2,000,000].")
@click.option("--weights", type=click.Path(path_type=Path), help="Weights to begin with, weights.npz of a run.")
@click.option("--untrained", is_flag=True, help="Begin with random weights, in place of a training now.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N images of the training part.")
@click.option(
    "--web-port", type=click.IntRange(0, 65535), default=0, help="Where the page is served [default: a free port]."
)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@click.option("--record", type=click.Path(path_type=Path), help="Write what is done to this file, at the end.")
@click.option("--replay", type=click.Path(path_type=Path), help="Do what was recorded in this file; the page watches.")
@click.option("--speed", type=click.FloatRange(0.01, 1000), default=1.0, show_default=True, help="Of --replay.")
@click.option("--check", is_flag=True, help="With --replay: no page, no waiting; status 1 if it ends otherwise.")
@config_options
def command(
    config: str,
    circuit: bool,
    sim: bool,
    port: str | None,
    baud: int | None,
    weights: Path | None,
    untrained: bool,
    limit: int | None,
    web_port: int,
    show: bool,
    record: Path | None,
    replay: Path | None,
    speed: float,
    check: bool,
    overrides: Sequence[str],
    dataset: str | None,
    seed: int | None,
) -> int:
    """Serve the page of CONFIG's chip on this computer: draw, teach, train, break, and see it learn.

    The chip is the golden model unless --circuit, --sim or --port say another. The link of a board carries no spikes:
    those shown are of a golden twin, with which each image's counts, nudge and key are compared, and all weights in
    turn. The server listens on 127.0.0.1 alone. Ctrl-C ends it.
    """
    from eqspike.lab.engines import Connection
    from eqspike.lab.live.make import Plan
    from eqspike.lab.live.tape import read_tape

    if (chosen := sum((circuit, sim, port is not None))) > 1:
        raise UsageProblem(f"--circuit, --sim, --port: one of them, not {chosen}")
    if baud is not None and port is None:
        raise UsageProblem("--baud belongs to --port")
    if weights is not None and untrained:
        raise UsageProblem("--weights and --untrained: one of them")
    if check and replay is None:
        raise UsageProblem("--check belongs to --replay")
    if replay is not None and record is not None:
        raise UsageProblem("--record and --replay: one of them")
    if record is not None and record.exists():
        raise UsageProblem(f"--record {record}: is there already; name another, or remove it")
    resolved = read_config(config, overrides, seed, None, dataset)
    tape = read_tape(replay, resolved) if replay else None
    kind = "circuit" if circuit else "board" if sim or port else "golden"
    with stages("live", patience=1.0) as say:
        plan = Plan(resolved, weights, untrained, limit, say)
        if check:
            return _check(plan, kind, Connection(port, baud), say, tape)
    return _Live(plan, kind, Connection(port, baud), tape, speed, record).run(web_port, show)


def _check(plan: Plan, kind: str, connection: Connection, say: Say, tape: Tape) -> int:
    """Do a recorded session again, without a page."""
    from eqspike.lab.live.player import Player

    session = plan.session(kind, connection, say, lambda message: None)
    try:
        player = session.player = Player(tape, session.asked, None)
        while session.player is not None:
            session.work()
    finally:
        session.chip.close()
    said = "as" if player.same else "NOT as"
    click.echo(f"{len(player.messages)} things done again: weights and key are {said} they were when it was recorded")
    return 0 if player.same else 1


class _Live:
    """A chip in its thread, and its page."""

    def __init__(
        self, plan: Plan, kind: str, connection: Connection, tape: Tape | None, speed: float, record: Path | None
    ) -> None:
        from eqspike.lab.live.server import Server
        from eqspike.lab.live.worker import Worker
        from eqspike.lab.page.assembly import page

        self.plan, self.kind, self.connection = plan, kind, connection
        self.tape, self.speed, self.record = tape, speed, record
        self.worker = Worker(self._made, self._ended)
        self.server = Server(page(plan.config.name), self.worker.watched if tape else self.worker.post)

    def _made(self) -> object:
        from eqspike.lab.live.player import Player
        from eqspike.lab.live.tape import Tape

        with stages("live", patience=1.0) as say:
            session = self.plan.session(self.kind, self.connection, say, self._tell)
        if self.tape is not None:
            session.player = Player(self.tape, session.asked, self.speed)
        elif self.record is not None:
            session.tape = Tape.of(self.plan.config)
            session.tape.record("start", weights="trained" if self.plan.trained else "initial")
        self.server.publish(session.ready() | {"watches": self.tape is not None})
        return session

    def _tell(self, message: dict) -> None:
        self.server.publish(message)
        if message["type"] == "state" and message["text"]:
            click.echo(message["text"], err=True)

    def _ended(self, error: BaseException) -> None:
        self.server.publish({"type": "error", "text": str(error), "gone": True})

    def run(self, web_port: int, show: bool) -> int:
        """Until Ctrl-C, or until the chip fails."""
        worker = self.worker
        with self.server.background(web_port):
            worker.start()
            try:
                while not worker.over.is_set() and worker.session is None:
                    worker.over.wait(0.1)
                if worker.session is not None:
                    click.echo(f"{self.plan.config.name}, {worker.session.chip.title}: {self.server.url}")
                    if show:
                        click.launch(self.server.url)
                while not worker.over.is_set():
                    worker.over.wait(3600)
            except KeyboardInterrupt:
                self._save()
                worker.stop()
                raise Interrupted("interrupted: the page is gone") from None
        if isinstance(worker.failed, CommandError | OSError):
            raise worker.failed
        raise CommandError("live: the chip's thread failed, see above")

    def _save(self) -> None:
        """Write what was recorded."""
        if self.record is None or self.worker.session is None:
            return
        self.worker.call(lambda session: session.tape.save(self.record, session.digest()))
        until = time.monotonic() + 60
        while not self.record.exists() and not self.worker.over.is_set() and time.monotonic() < until:
            time.sleep(0.05)
        if not self.record.exists():
            raise CommandError(f"--record {self.record}: could not be written")
        click.echo(f"wrote {self.record}; 'eqspike live {self.plan.config.name} --replay {self.record}' does it again")
