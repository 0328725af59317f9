"""The HTML report of a folder of experiments, and the gallery in docs/ with the results in the repository."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eqspike.lab.experiments.outcome import Outcome, judge, quantity_text
from eqspike.lab.experiments.spec import ROOT, Experiment
from eqspike.lab.pages import environment
from eqspike.lab.verdict import BETTER, DIFFERS, REPRODUCED

RESULTS = ROOT / "results" / "experiments"
GALLERY = ROOT / "docs" / "gallery.md"
KEPT = ("result.json", "data.csv")
"""What is copied to `RESULTS`; the picture goes beside the gallery."""
TONES = {REPRODUCED: "good", BETTER: "good", DIFFERS: "bad"}


def _ours(goal: dict[str, Any], number: str) -> str:
    entry = goal["ours"].get(number) or (goal["ours"].get("") if number == "real" else None)
    return quantity_text(entry, goal["unit"]) if entry else "-"


def _holds(goal: dict[str, Any]) -> bool | None:
    """Does our number hold, or is it better than the thesis's? None where it is not judged."""
    if goal.get("better"):
        judged = [value or number in goal["better"] for number, value in goal["holds"].items() if value is not None]
        return all(judged)
    judged = [value for value in goal["holds"].values() if value is not None]
    return all(judged) if judged else None


def write_report(results: dict[str, dict[str, Any]], problems: dict[str, str], folder: Path) -> None:
    """Write FOLDER/report.html, one page with no outside resources, and report.json."""
    from eqspike.base.files import write_json, write_text
    from eqspike.lab.report_parts import number

    shown = []
    for name, result in results.items():
        picture = base64.b64encode((folder / name / "plot.png").read_bytes()).decode()
        goals = [
            goal | {
                "real": _ours(goal, "real"), "fixed": _ours(goal, "fixed"),
                "holds": {True: "yes", False: "no", None: "-"}[_holds(goal)],
                "tone": {True: "good", False: "bad", None: ""}[_holds(goal)],
            }
            for goal in result["goals"]
        ]  # fmt: skip
        shown.append(
            result | {
                "goals": goals, "picture": f"data:image/png;base64,{picture}", "seeds": len(result["seeds"]),
                "tone": TONES.get(result["verdict"], ""), "differs": result["verdict"] == DIFFERS,
            }
        )  # fmt: skip
    quick = any(result["mode"] == "quick" for result in results.values())
    verdicts = [result["verdict"] for result in results.values()]
    tiles = [
        {"value": str(verdicts.count(REPRODUCED)), "label": "reproduced", "tone": "good"},
        {"value": str(verdicts.count(BETTER)), "label": "better than the thesis's", "tone": "good"},
        {"value": str(verdicts.count(DIFFERS)), "label": "differ", "tone": "bad" if DIFFERS in verdicts else ""},
        {"value": str(sum(said not in (REPRODUCED, BETTER, DIFFERS) for said in verdicts)),
         "label": "measured, nothing to compare with", "tone": ""},
        {"value": str(len(problems)), "label": "failed", "tone": "bad" if problems else ""},
    ]  # fmt: skip
    pages = environment(html=True)
    pages.filters["number"] = number
    page = pages.get_template("experiments.html.j2").render(
        title="EqSpike: the thesis's tables and figures",
        subtitle=f"{len(results)} experiments, {'reduced' if quick else 'full'} size, in real numbers and fixed point",
        tiles=tiles, experiments=shown, problems=problems, quick=quick,
    )  # fmt: skip
    write_text(folder / "report.html", page)
    write_json(folder / "report.json", {"experiments": list(results.values()), "failed": problems})


# ---------------------------------------------------------------------------------------------------------------------
# The gallery


def write_gallery(every: dict[str, Experiment], results: dict[str, dict[str, Any]], folder: Path) -> int:
    """Take results over into the repository and write the gallery; returns how many were taken.

    A result at reduced size never takes the place of a full one. Those that were there are judged anew, by what their
    files now say.
    """
    from eqspike.base.files import write_bytes, write_json, write_text

    stored, taken = load_results(), 0
    for name, result in results.items():
        if name not in every or (result["mode"] == "quick" and stored.get(name, {}).get("mode") == "full"):
            continue
        for file in KEPT:
            write_bytes(RESULTS / name / file, (folder / name / file).read_bytes())
        write_bytes(picture(name), (folder / name / "plot.png").read_bytes())
        taken += 1
    for name, result in load_results().items():
        if name in every and (judged := result | _judged(every[name], result)) != result:
            write_json(RESULTS / name / "result.json", judged)
    write_text(GALLERY, gallery_page(list(every.values()), load_results()))
    return taken


def _judged(experiment: Experiment, result: dict[str, Any]) -> dict[str, Any]:
    """Verdict and goals of a stored result by the experiment's file as it is now, as far as it measured them."""
    found = result["quantities"]
    goals = tuple(goal for goal in experiment.header.goals if goal.quantity in found)
    header = dataclasses.replace(experiment.header, goals=goals)
    return judge(dataclasses.replace(experiment, header=header), Outcome(quantities=found))


def picture(name: str) -> Path:
    """The picture of an experiment in the repository."""
    return GALLERY.with_suffix("") / f"{name}.png"


def load_results() -> dict[str, dict[str, Any]]:
    """The results in the repository, by name."""
    return {
        path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*/result.json"))
    }


def status(result: dict[str, Any] | None) -> str:
    """The verdict, and whether the experiment was run in full."""
    if result is None:
        return "not run"
    return result["verdict"] if result["mode"] == "full" else f"quick only ({result['verdict']} at reduced size)"


def gallery_page(experiments: Sequence[Experiment], stored: dict[str, dict[str, Any]]) -> str:
    """docs/gallery.md: one row and one picture for each experiment, whether it was run or not."""
    shown = [_shown(experiment, stored.get(experiment.name)) for experiment in experiments]
    words = [item["status"] for item in shown]
    counts = {
        "all": len(shown),
        "reproduced": words.count(REPRODUCED),
        "better": words.count(BETTER),
        "differ": words.count(DIFFERS),
        "quick": sum(stored.get(e.name, {}).get("mode") == "quick" for e in experiments),
        "missing": sum(e.name not in stored for e in experiments),
    }
    return environment().get_template("gallery.md.j2").render(counts=counts, experiments=shown)


def _shown(experiment: Experiment, result: dict[str, Any] | None) -> dict[str, Any]:
    """What the gallery shows of an experiment."""
    header = experiment.header
    shown: dict[str, Any] = {"name": experiment.name, "header": header, "status": status(result), "result": result}
    if result is None:
        goals = [f"{goal.quantity}: {goal.shown}" for goal in header.goals]
        return shown | {"cells": [goals, ["not run"], ["not run"]], "command": experiment.command(quick=False)}
    goals = [f"{goal['quantity']}: {goal['text']}" for goal in result["goals"]]
    ours = [[_ours(goal, number) for goal in result["goals"]] for number in ("real", "fixed")]
    seeds, busy = result["seeds"], result["processor_seconds"]
    return shown | {
        "cells": [goals, *ours],
        "command": experiment.command(result["mode"] == "quick"),
        "picture": Path(os.path.relpath(picture(experiment.name), GALLERY.parent)).as_posix(),
        "differs": [goal["quantity"] for goal in result["goals"] if _holds(goal) is False]
        if result["verdict"] == DIFFERS
        else [],
        "why": header.why if result["verdict"] == DIFFERS and result["mode"] == "full" else "",
        "seeds": f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}",
        "took": f"{result['seconds']:,.0f} s" + ("" if busy is None else f", {busy:,.0f} s of a processor"),
    }
