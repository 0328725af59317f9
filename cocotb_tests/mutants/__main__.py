"""`make mutants`: draw changes of rtl/, put each to the tests until one fails, and keep what became of it.

A run that was stopped goes on where it was. Exit status: 0 when enough were drawn and each is found or explained
(the rerun of another seed: 98 %), 1 when not, 2 when the tool itself cannot work.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

from cocotb_tests.mutants import equivalent, sites, trial
from cocotb_tests.mutants.jobs import jobs_of
from cocotb_tests.mutants.sites import Mutant
from cocotb_tests.mutations import WHOLE
from eqspike.base.files import write_text

SEED, COUNT = 1, 1000
BATCH = 28
"""Changes in one simulator."""
WORTH = 8
"""So many pay for the start of a simulator; fewer wait until nothing else is left."""
ENOUGH = 0.98
"""Share that a rerun must find or explain."""
COUNTED = ("killed", "survived", "equivalent")


class Run:
    """The changes of one seed and what is known of them."""

    def __init__(self, seed: int, count: int, path: Path, only: str, later: str) -> None:
        self.seed, self.count, self.path, self.later = seed, count, path, later
        everything = sites.all_mutants()
        self.reasons = equivalent.load(everything)
        self.order = [mutant for mutant in sites.drawn(seed) if mutant.file.startswith(only)]
        self.states: dict[str, dict] = {}
        """By key: `status` once it is decided; `passed`, the number of jobs that found nothing; `changed`."""
        self.seconds = 0.0
        if path.exists():
            kept = json.loads(path.read_text(encoding="utf-8"))
            self.seconds = kept["seconds"]
            known = {mutant.key for mutant in everything}
            self.states = {key: state for key, state in kept["result"]["mutants"].items() if key in known}
        for key, state in self.states.items():
            if state.get("status") == "survived" and key in self.reasons:
                state["status"] = "equivalent"
            elif state.get("status") == "equivalent" and key not in self.reasons:
                state["status"] = "survived"

    def retry(self) -> None:
        """Put what survived to all jobs again."""
        self.states = {key: state for key, state in self.states.items() if state.get("status") != "survived"}

    def state(self, mutant: Mutant) -> dict:
        """What is known of a change."""
        return self.states.setdefault(mutant.key, {"passed": 0, "changed": False})

    def open(self) -> list[Mutant]:
        """The next changes in the order that are not decided, no more than are needed."""
        found, counted = [], 0
        for mutant in self.order:
            status = self.states.get(mutant.key, {}).get("status")
            if status is None:
                found.append(mutant)
            counted += status is None or status in COUNTED
            if counted >= self.count:
                break
        return found

    def window(self) -> list[Mutant]:
        """Those of `open` that are not of `later`."""
        return [mutant for mutant in self.open() if not (self.later and mutant.file.startswith(self.later))]

    def drawn(self) -> list[tuple[Mutant, dict]]:
        """The changes of the draw that are decided, up to as many as were asked for."""
        found, counted = [], 0
        for mutant in self.order:
            state = self.states.get(mutant.key, {})
            if counted < self.count and "status" in state:
                found.append((mutant, state))
                counted += state["status"] in COUNTED
        return found

    def settle(self, mutant: Mutant) -> bool:
        """Pass over jobs that the change does not concern; is it decided?"""
        state, jobs = self.state(mutant), jobs_of(mutant.file)
        while state["passed"] < len(jobs) and not trial.concerns(*jobs[state["passed"]], mutant):
            state["passed"] += 1
        if state["passed"] == len(jobs):
            explained = mutant.key in self.reasons
            status = ("equivalent" if explained else "survived") if state["changed"] else "no change"
            state["status"] = status
        return "status" in state

    def note(self, mutant: Mutant, job: tuple[str, str], outcome: trial.Outcome) -> None:
        """Take one job's outcome."""
        state = self.state(mutant)
        if outcome.word in (trial.KILLED, trial.NOT_BUILT):
            state.update(status=outcome.word, by=":".join(job), message=outcome.message[:120])
        else:
            state["passed"] += 1
            state["changed"] |= outcome.word == trial.PASSED

    def save(self, seconds: float) -> None:
        """Write the results: whole or not at all."""
        counts = Counter(state["status"] for _, state in self.drawn())
        files: dict[str, Counter] = {}
        for mutant, state in self.drawn():
            files.setdefault(mutant.file, Counter())[state["status"]] += 1
        for mutant in self.open():
            counts["open"] += 1
            files.setdefault(mutant.file, Counter())["open"] += 1
        command = f"make mutants MUTANTS_ARGS='--seed {self.seed} --count {self.count}'"
        result = {
            "seed": self.seed, "asked": self.count, "sites": len(self.order), "counts": dict(sorted(counts.items())),
            "files": {file: dict(sorted(own.items())) for file, own in sorted(files.items())},
            "mutants": dict(sorted(self.states.items())),
        }  # fmt: skip
        kept = {"command": command, "seconds": round(self.seconds + seconds, 1), "result": result}
        write_text(self.path, json.dumps(kept, indent=1) + "\n")


def batches(run: Run, workers: int) -> list[tuple[str, list[tuple[str, Mutant]]]]:
    """(module, (job, change)...) for each worker: of components before cores, and of those the fullest jobs."""
    waiting: dict[str, dict[str, list[Mutant]]] = {}
    for mutant in run.window():
        if not run.settle(mutant):
            module, job = jobs_of(mutant.file)[run.state(mutant)["passed"]]
            waiting.setdefault(module, {}).setdefault(job, []).append(mutant)
    found = []
    sizes = {module: sum(map(len, by_job.values())) for module, by_job in waiting.items()}
    for module in sorted(waiting, key=lambda m: (sizes[m] < WORTH, m in WHOLE, -sizes[m])):
        by_job = sorted(waiting[module].items(), key=lambda item: -len(item[1]))
        tried = [(job, mutant) for job, mutants in by_job for mutant in mutants]
        while tried and len(found) < workers:
            found.append((module, tried[:BATCH]))
            tried = tried[BATCH:]
    return found[:workers]


def _try(batch: tuple[str, list[tuple[str, Mutant]]]) -> tuple[list[trial.Outcome], dict, dict]:
    warnings.simplefilter("ignore")
    return trial.run(*batch), trial.LIMITS, trial.ENTERED


def _progress(run: Run, began: float) -> str:
    counts = Counter(state["status"] for _, state in run.drawn())
    done = sum(counts[status] for status in COUNTED)
    bar = "#" * (30 * done // run.count)
    said = ", ".join(f"{counts[status]} {status}" for status in (*COUNTED, "no change", "does not build"))
    return f"[{bar:30}] {done}/{run.count}: {said}; {time.monotonic() - began:.0f} s"


def work(run: Run, workers: int, seconds: float) -> None:
    """Try until all are decided or the time is over."""
    began = time.monotonic()
    trial.load_known()
    pool = multiprocessing.get_context("fork").Pool(workers) if workers > 1 else contextlib.nullcontext()
    with pool:
        while time.monotonic() - began < seconds:
            todo = batches(run, workers)
            if not todo:
                if run.window():
                    continue  # The last of the window were settled without a trial.
                break
            made = pool.map(_try, todo, chunksize=1) if workers > 1 else [_try(todo[0])]
            for (module, tried), (outcomes, limits, entered) in zip(todo, made, strict=True):
                trial.LIMITS.update(limits)
                trial.ENTERED.update(entered)
                for (job, mutant), outcome in zip(tried, outcomes, strict=True):
                    run.note(mutant, (module, job), outcome)
                words = Counter(outcome.word for outcome in outcomes)
                print(f"{module}: {dict(words)}", file=sys.stderr)
            run.save(time.monotonic() - began)
            trial.save_known()
            print(_progress(run, began), end="\r" if sys.stdout.isatty() else "\n", flush=True)
    run.save(time.monotonic() - began)
    print(_progress(run, began))


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--count", type=int, default=COUNT, help="changes that build and alter the circuit")
    parser.add_argument("--out", type=Path, help="results/mutants.json, of another seed mutants-seed-S.json")
    parser.add_argument("--only", default="", help="files of rtl/ that begin so")
    parser.add_argument("--later", default="", help="files that begin so are left for another run")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop then; the next run goes on")
    parser.add_argument("--retry", action="store_true", help="try again what survived")
    options = parser.parse_args()
    name = "mutants" if options.seed == SEED else f"mutants-seed-{options.seed}"
    path = options.out or trial.PROJECT / "results" / f"{name}.json"
    try:
        run = Run(options.seed, options.count, path, options.only, options.later)
        if options.retry:
            run.retry()
        work(run, options.workers, options.seconds)
    except (equivalent.EquivalentError, trial.BrokenTrial) as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2
    drawn = run.drawn()
    for mutant, state in drawn:
        if state["status"] == "survived":
            print(f"survived: {mutant.key}")
    counts = Counter(state["status"] for _, state in drawn)
    counted = sum(counts[status] for status in COUNTED)
    least = 1.0 if options.seed == SEED else ENOUGH
    return int(counted < options.count or counted - counts["survived"] < least * counted)


if __name__ == "__main__":
    sys.exit(main())
