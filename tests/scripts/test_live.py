"""`eqspike live`: what it refuses, in one line each. The rest is in tests/lab/live."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--sim", "--circuit"), "--circuit, --sim, --port: one of them, not 2"),
        (("--sim", "--port", "x"), "--circuit, --sim, --port: one of them, not 2"),
        (("--baud", 9600), "--baud belongs to --port"),
        (("--weights", "w.npz", "--untrained"), "--weights and --untrained: one of them"),
        (("--check",), "--check belongs to --replay"),
        (("--record", "a.json", "--replay", "b.json"), "--record and --replay: one of them"),
        (("--record", "../tiny.yaml"), "--record ../tiny.yaml: is there already"),
        (("--replay", "none.json"), "none.json: cannot be read: No such file"),
        (("--weights", "none.npz"), "none.npz: cannot be read: No such file"),
        (("--set", "number.format=real"), "number.format: 'real'"),
        (("--dataset", "idx:none"), "none"),
    ],
)
def test_refused(tiny: str, fails, options: tuple[object, ...], said: str) -> None:
    assert said in fails(2, "live", tiny, *options)


def test_a_port_that_is_not_there(tiny: str, run) -> None:
    """The chip is made in its thread; its error is the command's."""
    result = run("live", tiny, "--untrained", "--port", "./none")
    assert result.exit_code == 1
    assert "eqspike: ./none: " in result.stderr
    assert "Traceback" not in result.stderr


def test_a_session_without_a_page(tiny: str, run, fails) -> None:
    """Done again with --check: as it was recorded, or not."""
    from eqspike.golden.configfile import load_config
    from eqspike.lab.live.tape import Tape
    from tests.lab.live.stand_ins import session, work

    config = load_config(Path(tiny))
    own, _ = session(config)
    tape = own.tape = Tape.of(config)
    tape.record("start", weights="initial")
    for _ in range(4):
        own.hear({"type": "next"})
    work(own)
    tape.save(Path("tape.json"), own.digest())
    again = ("live", tiny, "--untrained", "--replay", "tape.json", "--check")
    done = run(*again)
    assert (done.exit_code, done.stdout) == (
        0, "5 things done again: weights and key are as they were when it was recorded\n"
    )  # fmt: skip
    Path("tape.json").write_text(json.dumps(json.loads(Path("tape.json").read_text()) | {"digest": ""}))
    assert run(*again).exit_code == 1
    assert "seed: 7; this chip's is 8" in fails(2, *again, "--seed", 8)
