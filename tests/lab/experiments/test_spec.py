"""The files in experiments/: one for each table and figure, all of them valid; what is said of those that are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from eqspike.base.errors import UsageProblem
from eqspike.lab.experiments.kinds.accuracy import Line, Point
from eqspike.lab.experiments.run import plan
from eqspike.lab.experiments.spec import FOLDER, Goal, choose, kind_module, read_all, read_experiment, wanted

GOOD: dict[str, Any] = {
    "title": "A curve",
    "reference": "fig 2.1",
    "about": "what the thesis shows",
    "kind": "transfer",
    "minutes": {"quick": 0.1, "full": 1},
    "goals": [{"quantity": "highest rate", "value": 1, "tolerance": 0.1}],
    "parameters": {"config": "digits", "points": 11},
    "quick": {"points": 5},
}


def written(folder: Path, **changes: Any) -> Path:
    """The file above, changed by keywords; None takes a key away."""
    data = {key: value for key, value in (GOOD | changes).items() if value is not None}
    path = folder / "fig-2-1.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


def test_there_is_a_file_for_every_table_and_figure() -> None:
    experiments = read_all()
    assert list(experiments) == list(wanted())
    assert {name: e.header.reference for name, e in experiments.items()} == wanted()
    assert len(wanted()) == 5 + 9 + 12 + 14 + 7


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_file_can_be_run(path: Path) -> None:
    experiment = read_experiment(path)
    header = experiment.header
    for quick in (True, False):
        one = type(experiment)(experiment.name, header, experiment.full, experiment.quick)
        jobs = one.kind.jobs(one.parameters(quick), one.seeds(quick)[:1])
        assert jobs
        assert len({job.key for job in jobs.values()}) > 0
    assert header.minutes.quick <= header.minutes.full
    assert len({panel.name for panel in header.panels}) == len(header.panels)
    for goal in header.goals:
        assert goal.source, goal.quantity
    if header.reference.startswith(("fig", "table")):
        assert header.goals, "what is the number to reach?"


def test_reduced_size_changes_what_it_names(tmp_path: Path) -> None:
    experiment = read_experiment(written(tmp_path))
    assert (experiment.name, experiment.full.points, experiment.quick.points) == ("fig-2-1", 11, 5)
    assert experiment.quick.config == "digits"
    assert experiment.kind is kind_module("transfer")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"title": None}, "title: is missing"),
        ({"kind": "magic"}, "kind: 'magic' is not valid; allowed: accuracy, "),
        ({"reference": "fig 9.9"}, "reference: 'fig 9.9' is not valid; allowed: "),
        ({"colour": 1}, "colour: unknown key; known here: title, "),
        ({"seeds": [1, 1]}, "seeds: [1, 1] is not valid; different seeds"),
        ({"seeds": "all"}, "seeds: 'all' is not valid; a list"),
        ({"minutes": {"quick": -1, "full": 1}}, "minutes.quick: -1.0 is not valid; allowed: 0 to 1e+06"),
        ({"parameters": {"points": 1}}, "parameters.points: 1 is not valid; allowed: 3 to 100000"),
        ({"quick": {"points": 1}}, "quick.points: 1 is not valid"),
        ({"parameters": {"pints": 1}}, "parameters.pints: unknown key; known here: config, set, dataset, low"),
        ({"parameters": []}, "parameters: [] is not valid; a mapping"),
        ({"parameters": {"set": ["neuron.leak"]}}, "parameters.set: 'neuron.leak' is not valid; a list of key=value"),
        ({"goals": [{"quantity": "a", "rule": "near"}]}, "goals[0].rule: 'near' is not valid; allowed: within, "),
        ({"goals": [{"quantity": "a"}]}, "goals[0].value: None is not valid; a number, as the rule is within"),
        ({"goals": [{"quantity": "a", "rule": "shown"}]}, "goals[0].text: '' is not valid; a text"),
        ({"page": "news"}, "page: 'news' is not valid; allowed: results, performance"),
        ({"panels": [{"xscale": "odd"}]}, "panels[0].xscale: 'odd' is not valid; allowed: linear, log"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(UsageProblem) as caught:
        read_experiment(path)
    assert str(caught.value).startswith(f"{path}: {said}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "lines: [] is not valid; at least one line"),
        ([{"name": "a"}, {"name": "a"}], "lines[0].name: 'a' is not valid; different names"),
        ([{"name": "a", "baseline": "svm"}], "lines[0].baseline: 'svm' is not valid; allowed: bptt"),
        ([{"name": "a", "x": [1]}], "lines[0].vary: [] is not valid; given where x is"),
        ([{"name": "a", "reference": "b"}], "lines[0].reference: 'b' is not valid; one of a"),
        ([{"name": "a", "x": [1], "vary": ["b={x}"], "flat": True}], "lines[0].flat: True is not valid"),
    ],
)
def test_wrong_lines(lines: list[dict[str, Any]], said: str, tmp_path: Path) -> None:
    path = written(tmp_path, kind="accuracy", parameters={"lines": lines}, quick=None)
    with pytest.raises(UsageProblem, match=r"parameters\.") as caught:
        read_experiment(path)
    assert f"parameters.{said}" in str(caught.value)


def test_a_config_that_cannot_be_names_the_file(tmp_path: Path) -> None:
    experiment = read_experiment(written(tmp_path, parameters={"set": ["neuron.leak=7"]}, quick=None))
    with pytest.raises(UsageProblem, match=r"experiments/fig-2-1\.yaml: .*neuron\.leak: 7"):
        plan([experiment], quick=False)


def test_files_that_are_no_yaml(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    with pytest.raises(UsageProblem, match="cannot be read"):
        read_experiment(path)
    path.write_text("{")
    with pytest.raises(UsageProblem, match="is not valid YAML"):
        read_experiment(path)
    path.write_text("- 1")
    with pytest.raises(UsageProblem, match="a mapping of keys"):
        read_experiment(path)
    with pytest.raises(UsageProblem, match="holds no experiments"):
        read_all(tmp_path / "nowhere")


def test_choosing() -> None:
    every = read_all()
    assert choose(every, []) == list(every.values())
    assert [e.name for e in choose(every, ["fig-2-1", "fig-2-*"])][:2] == ["fig-2-1", "fig-2-5"]
    assert [e.name for e in choose(every, ["table 2.3"])] == ["table-2-3"]
    with pytest.raises(UsageProblem, match="fig-9-9: no such experiment"):
        choose(every, ["fig-9-9"])


def test_lines_fill_in_x() -> None:
    line = Line(name="a", set=("c=1",), x=(0.5, 62.5), vary=("d={x}", "e={2x}"))
    assert line.places() == [(0.5, ("c=1", "d=0.5", "e=1")), (62.5, ("c=1", "d=62.5", "e=125"))]
    assert line.label(62.5) == "a at 62.5"
    assert Line(name="a", points=(Point(x=2, set=("b=3",)),)).places() == [(2, ("b=3",))]
    assert Line(name="a").places() == [(None, ())]
    assert Line(name="a", baseline="bptt").numbers() == ("real",)


def test_how_a_goal_is_shown() -> None:
    assert Goal(quantity="a", value=97.0, unit="%", rule="at_least").shown == ">= 97 %"
    assert Goal(quantity="a", value=1.5).shown == "1.5"
    assert Goal(quantity="a", value=1.5, text="much").shown == "much"
