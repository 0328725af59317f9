"""A search for settings: Optuna proposes, the laboratory trains, the validation part judges.

The best of many trials is the luckiest too. So it, and the config as it was, are trained once more with seeds that no
trial had: what is said of it at the end are these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eqspike.base.errors import CommandError, UsageProblem
from eqspike.golden.config import Config
from eqspike.golden.configfile import read_number
from eqspike.golden.validation import ConfigError, log2_exact
from eqspike.lab.configs import Changes
from eqspike.lab.runner import Batch
from eqspike.lab.runs import Job, Store, train_job
from eqspike.lab.seeds import spread
from eqspike.lab.text import LAST_MEAN

if TYPE_CHECKING:
    import optuna

STUDY = "study.log"
"""File of what Optuna knows, in the search's folder."""
WIDE = 50
"""Ranges of numbers whose ends are so many times apart are searched by ratio."""


@dataclass(frozen=True)
class Space:
    """The values that a key may take: low..high, or one of some."""

    key: str
    low: float = 0.0
    high: float = 0.0
    kind: str = "numbers"
    """powers (of two, as fixed point wants them), whole, numbers, or choices."""
    choices: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Space:
        """From KEY=LOW..HIGH or KEY=A,B,C. Raises `UsageProblem`."""
        key, equals, values = text.partition("=")
        low, dots, high = values.partition("..")
        if not key or not equals or not values:
            raise UsageProblem(f"--over {text}: write KEY=LOW..HIGH or KEY=A,B,C")
        if not dots:
            choices = tuple(values.split(","))
            if len(set(choices)) < 2 or len(set(choices)) < len(choices) or "" in choices:
                raise UsageProblem(f"--over {text}: write two different values or more, or LOW..HIGH")
            return cls(key, kind="choices", choices=choices)
        try:
            ends = read_number("LOW", low), read_number("HIGH", high)
        except ConfigError as error:
            raise UsageProblem(f"--over {text}: {error}") from None
        if not ends[0] < ends[1]:
            raise UsageProblem(f"--over {text}: LOW must be below HIGH")
        if "^" in values:
            if None in (powers := tuple(map(log2_exact, ends))):
                raise UsageProblem(f"--over {text}: with ^, both ends are powers of two")
            return cls(key, *powers, kind="powers")
        return cls(key, *ends, kind="whole" if all(end.isdigit() for end in (low, high)) else "numbers")

    def suggest(self, trial: optuna.Trial) -> str:
        """The trial's value, as `--set` takes it."""
        if self.kind == "choices":
            return trial.suggest_categorical(self.key, self.choices)
        if self.kind == "powers":
            return f"2^{trial.suggest_int(self.key, int(self.low), int(self.high))}"
        if self.kind == "whole":
            return str(trial.suggest_int(self.key, int(self.low), int(self.high)))
        wide = self.low > 0 and self.high / self.low >= WIDE
        return f"{trial.suggest_float(self.key, self.low, self.high, log=wide):.6g}"


@dataclass(frozen=True)
class Plan:
    """What is searched for, and how."""

    config: str
    spaces: tuple[Space, ...]
    overrides: tuple[str, ...] = ()
    dataset: str | None = None
    epochs: int | None = None
    trials: int = 30
    seeds: int = 2
    """Of each trial: 0, 1, ...; the confirmation takes as many as `confirm`, from `seeds` on."""
    confirm: int = 5
    seed: int = 0
    """Of Optuna's proposals."""
    workers: int = 1
    folder: Path = field(default_factory=Path)

    def resolve(self, changes: Sequence[str], seed: int) -> Config:
        """The config of a trial and seed, with a validation part. Raises `ConfigError`."""
        own = Changes(
            overrides=(*self.overrides, *changes), seed=seed, epochs=self.epochs, dataset=self.dataset, validation=True
        )
        return own.read(self.config)

    def jobs(self, changes: Sequence[str], seeds: Sequence[int]) -> list[Job]:
        """A training a seed."""
        return [train_job(self.resolve(changes, seed)) for seed in seeds]


def score(plan: Plan, jobs: Sequence[Job]) -> list[float]:
    """Validation accuracy of each training; those that are stored are not run again. Raises `CommandError`."""
    batch = Batch(Store(plan.folder), {job.key: job for job in jobs})
    batch.look()
    batch.run(lambda job, problem: None, plan.workers)
    if batch.problems:
        raise CommandError(next(iter(batch.problems.values())))
    return [batch.stored[job.key][LAST_MEAN] for job in jobs]


def open_study(plan: Plan) -> optuna.Study:
    """The search in the plan's folder, which goes on where it was. Raises `UsageProblem` without Optuna, and for a
    folder that holds a search for something else."""
    try:
        import optuna
    except ModuleNotFoundError:
        raise UsageProblem("eqspike search needs Optuna: pip install 'eqspike[search]'") from None
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    plan.folder.mkdir(parents=True, exist_ok=True)
    storage = JournalStorage(JournalFileBackend(str(plan.folder / STUDY)))
    study = optuna.create_study(direction="maximize", storage=storage, study_name="search", load_if_exists=True)
    about = repr((plan.config, plan.spaces, plan.overrides, plan.dataset, plan.epochs, plan.seeds))
    if study.user_attrs.setdefault("about", about) != about:
        raise UsageProblem(f"{plan.folder}: holds a search with other settings; choose another --out")
    study.set_user_attr("about", about)
    # One that goes on shall not propose again what it began with.
    study.sampler = optuna.samplers.TPESampler(seed=plan.seed + len(study.trials))
    return study


def run_search(plan: Plan, said: Callable[[str], None]) -> dict[str, Any]:
    """Run the trials that are missing, then the confirmation; what search.json holds. `said` is told of each trial."""
    plan.resolve((), 0)  # what is wrong without any change is wrong before the first trial
    study = open_study(plan)
    from optuna.trial import TrialState

    ended = TrialState.COMPLETE, TrialState.FAIL
    for number in range(len(study.get_trials(states=ended)), plan.trials):
        trial = study.ask()
        changes = tuple(f"{space.key}={space.suggest(trial)}" for space in plan.spaces)
        trial.set_user_attr("set", list(changes))
        try:
            found = spread(score(plan, plan.jobs(changes, range(plan.seeds))))
        except ConfigError as error:
            study.tell(trial, state=TrialState.FAIL)
            said(f"[{number + 1}/{plan.trials}] {error}")
            continue
        study.tell(trial, found["mean"])
        said(f"[{number + 1}/{plan.trials}] {' '.join(changes)}: {100 * found['mean']:.2f} %")
    return summary(plan, study)


def summary(plan: Plan, study: optuna.Study) -> dict[str, Any]:
    """The trials, the best first; and how the best, and the config as it was, do with fresh seeds."""
    done = [trial for trial in study.trials if trial.value is not None]
    if not done:
        raise CommandError(f"no trial of {len(study.trials)} is a config that can be: every line above says why")
    trials = [{"set": trial.user_attrs["set"], "accuracy": trial.value} for trial in done]
    trials.sort(key=lambda trial: -trial["accuracy"])
    fresh = range(plan.seeds, plan.seeds + plan.confirm)
    return {
        "kind": "search",
        "config": plan.config,
        "set": list(plan.overrides),
        "seeds": list(range(plan.seeds)),
        "fresh_seeds": list(fresh),
        "keys": [space.key for space in plan.spaces],
        "trials": trials,
        "best": trials[0]["set"],
        "confirmed": spread(score(plan, plan.jobs(trials[0]["set"], fresh))),
        "as_it_was": spread(score(plan, plan.jobs((), fresh))),
    }
