"""What stands in a folder before a run: whether a new one may begin there, and how one that stopped goes on.

Both ask `obstacle`, so that neither sends its user to the other in vain.
"""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eqspike.base.errors import UsageProblem
from eqspike.base.reading import read_json
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_to_dict
from eqspike.lab.configs import Changes, read_config

OWNED = ("metrics.json", "weights.npz", "config.yaml", "summary.json")
"""Files of a run or of several seeds' runs."""
ENGINES = ("golden", "golden-plain", "rtl", "board")
"""What has trained a run that 'eqspike train' can go on with; a baseline's says another name."""


def resume_command(out: Path, engine: str = "golden", port: str | None = None, baud: int | None = None) -> str:
    """The command line that goes on with the run in `out`, on the same engine."""
    words = ["eqspike", "train", "--resume", str(out)]
    words += ["--engine", engine] if engine != "golden" else []
    words += ["--port", port] if port is not None else []
    words += ["--baud", str(baud)] if baud is not None else []
    return shlex.join(words)


def obstacle(folder: Path) -> str | None:
    """Why the run of one seed in `folder` cannot go on; None where it can, be it from its beginning."""
    has = {name: (folder / name).exists() for name in OWNED}
    metrics = _read_object(folder / "metrics.json")
    if not has["config.yaml"]:
        return "its config.yaml is not there"
    if metrics.get("engine", ENGINES[0]) not in ENGINES:
        return f"it is a run of '{metrics['engine']}'"
    if has["weights.npz"]:
        return None if has["metrics.json"] else "its metrics.json is not there"
    return "its weights.npz is not there" if metrics.get("epochs") else None


def clear_folder(out: Path, force: bool) -> None:
    """See that `out` may get a run. A run that is there is left alone (`UsageProblem`, which says how to go on with it)
    unless `force`, which removes its files."""
    present = [name for name in OWNED if (out / name).exists()]
    if not present:
        return
    if force:
        for name in present:
            (out / name).unlink()
        for folder in out.glob("seed-*"):
            clear_folder(folder, force=True)
        return
    whole, problem = "eqspike train", None
    if (summary := _read_object(out / "summary.json")).get("seeds"):
        if summary.get("engine") not in ENGINES:
            problem = f"it is of '{summary.get('engine')}'"
        elif not (out / f"seed-{summary['seeds'][0]}" / "config.yaml").exists():
            whole += " CONFIG"  # no seed has begun: nothing there says what to train
    else:
        problem = obstacle(out)
    if problem is not None:
        raise UsageProblem(
            f"{out} holds a run that cannot go on: {problem}; begin anew with --force, or choose another --out"
        )
    finished = any(_read_object(out / name).get("finished") for name in ("summary.json", "metrics.json"))
    state, more = ("a finished run", " --epochs N (a greater N)") if finished else ("a run that stopped early", "")
    raise UsageProblem(
        f"{out} holds {state}: go on with '{whole} --resume {out}{more}', begin anew with --force, "
        "or choose another --out"
    )


@dataclass(frozen=True)
class Resumed:
    """A run that goes on."""

    config: Config
    seeds: int | None
    """How many seeds it has; None for a run of one seed, without folders for seeds."""
    limit: int | None


def resumed(folder: Path, name: str | None, changes: Changes, seeds: int | None, limit: int | None) -> Resumed:
    """What is in `folder`, to be continued with config `name` (None: its own) and `changes`.

    A run that was stopped before its first checkpoint begins at its beginning. Raises `UsageProblem` when there is
    nothing to continue, or when more changes than the number of epochs.
    """
    before = _read_object(folder / "summary.json")
    if before.get("seeds"):
        return _resumed_seeds(folder, name, changes, seeds, limit, before)
    if not any((folder / file).exists() for file in OWNED):
        raise UsageProblem(f"{folder}: holds no run to resume; begin one with: eqspike train CONFIG --out {folder}")
    if problem := obstacle(folder):
        raise _hopeless(folder, problem)
    if seeds is not None:
        raise UsageProblem(f"{folder}: is a run of one seed; leave out --seeds")
    if limit is None:
        limit = _read_object(folder / "metrics.json").get("limit")  # None of a broken file: `train_run` says so
    return Resumed(_resumed_config(folder, name, changes), None, limit)


def _resumed_seeds(
    folder: Path, name: str | None, changes: Changes, seeds: int | None, limit: int | None, before: dict[str, Any]
) -> Resumed:
    """Several seeds' runs, of which `before` is the summary."""
    if before.get("engine") not in ENGINES:
        raise _hopeless(folder, f"it is of '{before.get('engine')}'")
    first, seeds = before["seeds"][0], max(seeds or 0, len(before["seeds"]))
    if changes.seed not in (None, first):
        raise UsageProblem(f"{folder}: its seeds begin with {first}, not {changes.seed}")
    if (folder / f"seed-{first}" / "config.yaml").exists():
        limit = limit if limit is not None else before.get("limit")
        return Resumed(_resumed_config(folder / f"seed-{first}", name, changes), seeds, limit)
    if name is None:
        raise UsageProblem(f"{folder}: no seed has begun: go on with: eqspike train CONFIG --resume {folder}")
    return Resumed(dataclasses.replace(changes, seed=first).read(name), seeds, limit)


def _hopeless(folder: Path, problem: str) -> UsageProblem:
    return UsageProblem(
        f"{folder}: its run cannot go on: {problem}; begin anew with: eqspike train CONFIG --force --out {folder}"
    )


def _read_object(path: Path) -> dict[str, Any]:
    """A JSON file that a run wrote; empty when there is none or it is broken."""
    try:
        data = read_json(path)
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _resumed_config(folder: Path, name: str | None, changes: Changes) -> Config:
    """The config of the run in `folder`; only the number of epochs and the hardware may change."""
    old = read_config(str(folder / "config.yaml"))
    new = changes.read(name or str(folder / "config.yaml"))
    before, after = config_to_dict(old), config_to_dict(new)
    changed = []
    for section in before:
        if section in ("hardware", "boards"):
            continue
        if section == "training":
            before[section].pop("epochs")
            after[section].pop("epochs")
        if before[section] != after[section]:
            changed.append(section)
    if changed:
        raise UsageProblem(f"{folder}: its run has another {', '.join(changed)}; only training.epochs may change")
    return new
