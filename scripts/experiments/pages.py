"""The HTML report of a folder of experiments, and the gallery in docs/ with the results in the repository."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.experiments.outcome import DIFFERS, REPRODUCED, quantity_text
from scripts.experiments.spec import ROOT, Experiment

RESULTS = ROOT / "results" / "experiments"
GALLERY = ROOT / "docs" / "gallery.md"
KEPT = ("result.json", "data.csv")
"""What is copied to `RESULTS`; the picture goes beside the gallery."""
TONES = {REPRODUCED: "good", DIFFERS: "bad"}


def _ours(goal: dict[str, Any], number: str) -> str:
    entry = goal["ours"].get(number) or (goal["ours"].get("") if number == "real" else None)
    return quantity_text(entry, goal["unit"]) if entry else "-"


def _holds(goal: dict[str, Any]) -> bool | None:
    told = [value for value in goal["holds"].values() if value is not None]
    return all(told) if told else None


def write_report(results: dict[str, dict[str, Any]], problems: dict[str, str], folder: Path) -> None:
    """Write FOLDER/report.html, one page with no outside resources, and report.json."""
    import jinja2

    from scripts.files import write_json, write_text
    from scripts.report import number

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
        {"value": str(verdicts.count(DIFFERS)), "label": "differ", "tone": "bad" if DIFFERS in verdicts else ""},
        {"value": str(len(verdicts) - verdicts.count(REPRODUCED) - verdicts.count(DIFFERS)),
         "label": "measured, nothing to compare with", "tone": ""},
        {"value": str(len(problems)), "label": "failed", "tone": "bad" if problems else ""},
    ]  # fmt: skip
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("scripts"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["number"] = number
    page = environment.get_template("experiments.html.j2").render(
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

    A result at reduced size never takes the place of a full one.
    """
    from scripts.files import write_bytes, write_text

    stored, taken = load_results(), 0
    for name, result in results.items():
        if name not in every or (result["mode"] == "quick" and stored.get(name, {}).get("mode") == "full"):
            continue
        for file in KEPT:
            write_bytes(RESULTS / name / file, (folder / name / file).read_bytes())
        write_bytes(picture(name), (folder / name / "plot.png").read_bytes())
        taken += 1
    write_text(GALLERY, gallery_page(list(every.values()), load_results()))
    return taken


def picture(name: str) -> Path:
    """The picture of an experiment in the repository."""
    return GALLERY.with_suffix("") / f"{name}.png"


def load_results() -> dict[str, dict[str, Any]]:
    """The results in the repository, by name."""
    return {
        path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*/result.json"))
    }


def _cell(lines: Sequence[str]) -> str:
    return "<br>".join(line.replace("|", "\\|") for line in lines) or "-"


def status(result: dict[str, Any] | None) -> str:
    """The verdict, and whether the experiment was run in full."""
    if result is None:
        return "not run"
    return result["verdict"] if result["mode"] == "full" else f"quick only ({result['verdict']} at reduced size)"


def gallery_page(experiments: Sequence[Experiment], stored: dict[str, dict[str, Any]]) -> str:
    """docs/gallery.md: one row and one picture for each experiment, whether it was run or not."""
    counts = {word: sum(status(stored.get(e.name)) == word for e in experiments) for word in (REPRODUCED, DIFFERS)}
    quick = sum(stored.get(e.name, {}).get("mode") == "quick" for e in experiments)
    missing = sum(e.name not in stored for e in experiments)
    lines = [
        "# Gallery: the thesis's tables and figures",
        "",
        "Written by `eqspike reproduce --write` from results/experiments/ and experiments/*.yaml; do not edit.",
        "",
        "Every experiment runs in real numbers, as the thesis does, and in the chip's fixed point (baselines have",
        "real numbers only); a number is reproduced if both hold, by the rule in its file. Numbers are means over the",
        "seeds, with their standard deviation. MNIST is `mnist5k`: 5,000 images, not 70,000, so that accuracies on it",
        'cannot be the thesis\'s. "Quick only" is a run at reduced size (few seeds, epochs and images), which shows',
        "that the experiment works and proves nothing.",
        "",
        f"{len(experiments)} experiments: {counts[REPRODUCED]} reproduced, {counts[DIFFERS]} differ, {quick} run at "
        f"reduced size only, {missing} not run; what is left has nothing in the thesis to compare with.",
        "",
        "| reference | what | to reach | ours, real numbers | ours, fixed point | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for experiment in experiments:
        told, result = experiment.told, stored.get(experiment.name)
        if result is None:
            goals = [f"{goal.quantity}: {goal.shown}" for goal in told.goals]
            cells = [_cell(goals), "not run", "not run"]
        else:
            goals = [f"{goal['quantity']}: {goal['text']}" for goal in result["goals"]]
            ours = [[_ours(goal, number) for goal in result["goals"]] for number in ("real", "fixed")]
            cells = [_cell(goals), *(_cell(each) for each in ours)]
        lines.append(
            f"| {told.reference} | [{told.title}](#{experiment.name}) | {' | '.join(cells)} | {status(result)} |"
        )
    lines.append("")
    for experiment in experiments:
        lines += _section(experiment, stored.get(experiment.name))
    return "\n".join(lines)


def _section(experiment: Experiment, result: dict[str, Any] | None) -> list[str]:
    told = experiment.told
    lines = [f'<a id="{experiment.name}"></a>', "", f"## {told.reference}: {told.title}", "", told.about, ""]
    if told.note:
        lines += [f"Set-up: {told.note}", ""]
    if result is None:
        return [*lines, f"Not run: `{experiment.command(quick=False)} --write`.", ""]
    relative = os.path.relpath(picture(experiment.name), GALLERY.parent)
    lines += [f"![{told.title}]({Path(relative).as_posix()})", ""]
    verdict = f"Verdict: {status(result)}."
    if result["verdict"] == DIFFERS:
        wrong = [goal["quantity"] for goal in result["goals"] if _holds(goal) is False]
        verdict += f" Differs in: {'; '.join(wrong)}."
        if told.why and result["mode"] == "full":
            verdict += f" Why: {told.why}"
    seeds = result["seeds"]
    many = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"
    busy = result["processor_seconds"]
    took = f"{result['seconds']:,.0f} s" + ("" if busy is None else f", {busy:,.0f} s of a processor")
    runs = f"{result['runs']} run{'s' if result['runs'] > 1 else ''}"
    return [*lines, verdict, "", f"`{experiment.command(result['mode'] == 'quick')}`: {runs}, {many}, {took}.", ""]


__all__ = ["gallery_page", "load_results", "status", "write_gallery", "write_report"]
