"""Sweeps on a Dask cluster of two workers on loopback: the same numbers as here, and what becomes of trouble."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import distributed
import pytest

from eqspike.base.errors import CommandError, UsageProblem
from eqspike.lab import parallel, runner
from eqspike.lab.parallel import on_cluster
from eqspike.lab.runs import Job, Store
from tests.scripts.test_sweep import SPEC, read, sweep_text, timeless

ROOT = Path(__file__).parents[2]


def begin(folder: Path, *arguments: object) -> subprocess.Popen[bytes]:
    """`dask ...` as a user starts it, in a folder of its own."""
    folder.mkdir()
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *map(str, arguments)],
            # The tests are no part of what is installed; they give the cluster functions of their own.
            # A connection to a process that has just died is given up early.
            env=os.environ | {"PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s"},
            cwd=folder, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and its children."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def written_address(told: Path) -> str | None:
    """The address in the scheduler's file; None while Dask, which writes it in place, has not yet written all of it."""
    try:
        return read(told)["address"]
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def test_a_file_half_written(tmp_path: Path) -> None:
    told = tmp_path / "scheduler.json"
    for text, address in ((None, None), ("", None), ('{"type": "Sched', None), ('{"address": "tcp://a"}', "tcp://a")):
        if text is not None:
            told.write_text(text)
        assert written_address(told) == address


@contextlib.contextmanager
def dask(folder: Path, workers: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler's address and process, with workers, each a process that a nanny starts again when it dies."""
    told = folder / "scheduler.json"
    usual = ("--no-dashboard", "--host", "127.0.0.1", "--scheduler-file", told)
    scheduler = begin(folder / "scheduler", "scheduler", "--port", 0, *usual)
    processes = [begin(folder / "workers", "worker", "--nworkers", workers, "--nthreads", 1, *usual), scheduler]
    try:
        deadline = time.monotonic() + 120
        while (address := written_address(told)) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert address is not None, (folder / "scheduler/log").read_text()
        with distributed.Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=120)
        yield address, scheduler
    finally:
        for process in processes:
            end(process)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers."""
    with dask(tmp_path_factory.mktemp("dask"), 2) as (address, _):
        yield address


def spec(**changes: Any) -> str:
    Path("few.yaml").write_text(sweep_text(**changes))
    return "few.yaml"


def records(folder: str) -> dict[str, dict[str, Any]]:
    return {path.stem: timeless(read(path)) for path in Path(folder, "runs").glob("*.json")}


def test_the_same_numbers(cluster: str, tiny: str, run) -> None:
    """Also of measured devices, whose file only this side has, under a name relative to this folder."""
    devices = [(s, r, c) for s, (n, m) in enumerate(((9, 5), (5, 3))) for r in range(n + 1) for c in range(m)]
    lines = (f"{s},{r},{c},{1 + 0.01 * (r + c)}\n" for s, r, c in devices)
    Path("chip.csv").write_text("layer,row,column,slope_up\n" + "".join(lines))
    name = spec(rows=[*SPEC["rows"], {"name": "measured", "set": ["device.file=chip.csv"]}])
    assert run("sweep", name, "--out", "here").exit_code == 0
    result = run("sweep", name, "--dask", cluster, "--out", "there")
    assert result.exit_code == 0, result.output
    assert len(records("here")) == 8
    assert records("here") == records("there")
    here, there = (read(f"{folder}/summary.json")["rows"] for folder in ("here", "there"))
    assert [row | {"seconds": None} for row in here] == [row | {"seconds": None} for row in there]


def test_it_goes_on_here(cluster: str, tiny: str, run) -> None:
    """What a cluster trained needs not be trained by local processes, and the other way round."""
    assert run("sweep", spec(), "--dask", cluster, "--rows", "plain").exit_code == 0
    result = run("sweep", spec(), "--workers", 1)
    assert "6 runs, 2 of them stored" in result.stdout
    assert "6 runs, 6 of them stored" in run("sweep", spec(), "--dask", "tcp://127.0.0.1:1").stdout


def test_a_run_that_fails(cluster: str, tiny: str, fails) -> None:
    rows = [*SPEC["rows"], {"name": "measured", "set": ["device.file=chip.csv"]}]
    line = fails(1, "sweep", spec(rows=rows), "--dask", cluster)
    assert line.startswith("2 of 8 runs failed, the first measured, seed 0: device.file: chip.csv: cannot be read")
    assert len(records("runs/few")) == 6


def test_other_sources_there(cluster: str, tiny: str, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eqspike.lab.runs.golden_state", lambda: "new")
    line = fails(1, "sweep", spec(), "--rows", "plain", "--seeds", 0, "--dask", cluster)
    assert "has other sources of golden/: install the same eqspike there" in line


def once(folder: str, number: int) -> int:
    """Kills the worker the first time that it is number 2."""
    path = Path(folder, "died")
    if number == 2 and not path.exists():
        path.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def deadly(job: Job, golden: str, devices: dict[str, bytes]) -> runner.Answer:
    """In place of `lab.runner.remote_job`: kills the worker whenever it is given run c."""
    if job.key == "c":
        os.kill(os.getpid(), signal.SIGKILL)
    return job.key, {"golden": golden}, {}, None


def elsewhere(number: int) -> None:
    """Lacks a module."""
    raise ModuleNotFoundError("No module named 'golden'", name="golden")


def test_a_killed_worker_loses_one_job_only(cluster: str, tmp_path: Path) -> None:
    """A job whose worker died is done by another."""
    assert sorted(on_cluster(once, [(str(tmp_path), n) for n in range(6)], cluster)) == list(range(6))
    assert (tmp_path / "died").exists()


def test_a_run_that_kills_its_workers(cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It alone fails, also where others were under way beside it."""
    monkeypatch.setattr(runner, "remote_job", deadly)
    heard: list[tuple[str, str | None]] = []
    jobs = {key: Job(key, "nowhere:run", ()) for key in "abcdef"}
    runner.run_jobs(jobs, Store(tmp_path), 1, lambda *told: heard.append(told), cluster)
    assert sorted(heard) == [
        (key, None if key != "c" else "its workers were killed (not enough memory?)") for key in "abcdef"
    ]
    assert {path.stem for path in tmp_path.glob("runs/*.json")} == set("abdef")


def test_a_worker_without_eqspike(cluster: str) -> None:
    with pytest.raises(CommandError, match="a worker lacks golden: install eqspike there"):
        list(on_cluster(elsewhere, [(1,)], cluster))


def test_the_cluster_goes_away(tmp_path: Path) -> None:
    with dask(tmp_path, 1) as (address, scheduler):
        results = on_cluster(time.sleep, [(0,), (300,)], address)
        assert next(results) is None
        end(scheduler)
        with pytest.raises(CommandError, match=f"--dask {address}: "):
            next(results)


def test_no_cluster(tiny: str, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "ANSWER", 0.5)
    for address in ("tcp://127.0.0.1:1", "nonsense", "xyz://a:1"):
        line = fails(2, "sweep", spec(), "--dask", address)
        assert line.startswith(f"--dask {address}: ")
        assert line.endswith("give a scheduler's address, such as tcp://127.0.0.1:8786")
    assert "one of them" in fails(2, "sweep", spec(), "--dask", "tcp://127.0.0.1:1", "--workers", 2)


GREETINGS = {"silence": b"", "a banner": b"SSH-2.0-OpenSSH_9.6\r\n", "noise": bytes(range(255, 0, -1))}


@pytest.mark.parametrize("greeting", GREETINGS)
def test_a_server_of_another_kind(greeting: str, tiny: str, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    """What listens there says nothing, as a web server does until it is asked, or something else: one line, in time."""
    monkeypatch.setattr(parallel, "ANSWER", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        accepted = pool.submit(server.accept)
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        accepted.add_done_callback(lambda future: future.result()[0].sendall(GREETINGS[greeting]))
        line = fails(2, "sweep", spec(), "--dask", address)
        accepted.result()[0].close()
    said = "no scheduler answers within 1 s" if greeting == "silence" else "no scheduler answers there"
    assert line == f"--dask {address}: {said}; give a scheduler's address, such as tcp://127.0.0.1:8786"


def test_a_worker_is_no_scheduler(cluster: str) -> None:
    with distributed.Client(cluster, set_as_default=False) as client:
        worker = next(iter(client.scheduler_info()["workers"]))
    with pytest.raises(UsageProblem, match="is a worker, not a scheduler"):
        list(on_cluster(time.sleep, [(0,)], worker))


def test_no_workers(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster whose workers are all gone is given up."""
    monkeypatch.setattr(parallel, "WORKERLESS", 0.0)
    monkeypatch.setattr(distributed.Client, "ncores", lambda self: {})
    with pytest.raises(CommandError, match="has no worker since 0 s"):
        list(on_cluster(time.sleep, [(3,)], cluster))


def test_dask_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageProblem, match=r"--dask: distributed is missing: pip install 'eqspike\[dask\]'"):
        next(on_cluster(time.sleep, [(0,)], "tcp://127.0.0.1:1"))
