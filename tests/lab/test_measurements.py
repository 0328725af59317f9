"""Measurements: what they keep, what is measured again, and the pages that are written from them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from eqspike.base.errors import CommandError, UsageProblem
from eqspike.golden.configfile import load_config, resolve_preset
from eqspike.golden.network import Network
from eqspike.lab import measurements as measuring
from eqspike.lab import memristor, pages
from eqspike.lab.experiments.spec import PAGES, measurements, read_experiment, read_tables
from eqspike.lab.measurements import Measurement, Project
from eqspike.scripts import results
from tests.scripts.test_results import SWEEP

ROOT = Path(__file__).parents[2]


def read(path: str | Path) -> Any:
    return json.loads(Path(path).read_text())


@pytest.fixture
def project(tiny: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own in the test's folder, whose tables are the files of `tables/`."""
    work = Path.cwd()
    monkeypatch.setattr(results, "require_checkout", lambda what: work)
    monkeypatch.setattr(results, "read_tables", lambda: read_tables(work / "tables"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (work / "tables").mkdir()
    (work / "README.md").write_text(f"before\n{pages.BEGIN}\n{pages.END}\nafter\n")
    return work


def write_table(**changes: Any) -> None:
    """A file of a table."""
    table: dict[str, Any] = {"title": "A table", "kind": "sweep_rows", "about": "what it shows", "head": ["fault"] * 10}
    Path("tables", "01-few.yaml").write_text(yaml.safe_dump(table | changes))


def test_a_sweep_becomes_a_table(project: Path, run) -> None:
    """What was measured stands in docs/results.md, and what is named for it in the README."""
    Path("few.yaml").write_text(yaml.safe_dump(SWEEP))
    measured = {"name": "few", "command": "sweep few.yaml --out {out}", "result": "summary.json"}
    reached = [{"row": "plain", "title": "Plain ones", "bar": 1.0}, {"row": "none", "title": "None", "bar": 2.0}]
    write_table(
        measure=[measured | {"drop": ["last_accuracy"]}], parameters={"measurement": "few", "reached": reached},
        readme=["Plain ones", "None"],
    )  # fmt: skip
    assert run("results", "--run", "few").exit_code == 0
    kept = read("results/few.json")
    assert kept["seconds"] == round(kept["result"]["seconds_of_runs"], 1)
    assert "last_accuracy" not in kept["result"]["rows"][0]
    page = Path("docs/results.md").read_text()
    assert "## A table\n\nwhat it shows\n\n| fault |" in page
    assert "| basis | plain | 2 |" in page
    assert "| noise | noise <1> | 2 |" in page
    readme = Path("README.md").read_text()
    assert readme.startswith("before")
    assert readme.endswith("after\n")
    assert "| Plain ones | " in readme
    assert "| 2 seeds, ± standard error; test images, after 1 epoch | >= 1.0 % |" in readme
    assert "None" not in readme


def test_many_rows(project: Path, tiny: str, run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row is stored when it is done, and is not run again while its command and its sources are the same."""
    Path("source.txt").write_text("one")
    prepared = []
    monkeypatch.setitem(measuring.PREPARE, "measured devices", lambda: prepared.append(1))

    def rows(**given: str) -> None:
        measured = {
            "name": "many", "command": f"device {tiny} --out {{out}}", "result": "device.json",
            "drop": ["voltage", "conductance"], "sources": ["*.txt"], "prepare": "measured devices",
            "rows": [{"name": name.replace("_", ", "), "command": command} for name, command in given.items()],
        }  # fmt: skip
        write_table(measure=[measured], parameters={"measurement": "few"})

    rows(first="--points 11", Second_more="--points 12", wrong="--points 0")
    failed = run("results", "--run", "many")
    assert failed.exit_code == 1
    assert failed.stderr.splitlines()[-1].endswith("many: wrong failed; the other rows are stored")
    assert [row["name"] for row in read("results/many.json")["result"]["rows"]] == ["first", "Second, more"]
    rows(first="--points 11", Second_more="--points 12")
    again = run("results", "--run", "many")
    assert again.exit_code == 0
    assert "many: 1 of 2: first: stored" in again.stdout
    assert "many: 2 of 2: Second, more: stored" in again.stdout
    kept = read("results/many.json")
    assert kept["command"] == "eqspike results --run many"
    assert [row["name"] for row in kept["result"]["rows"]] == ["first", "Second, more"]
    assert kept["result"]["rows"][1]["command"].endswith("--out runs/results/many/second-more --points 12")
    assert "voltage" not in kept["result"]["rows"][0]["result"]
    Path("source.txt").write_text("two")
    rows(first="--points 13", Second_more="--points 12")
    assert "stored" not in run("results", "--run", "many").stdout
    assert len(prepared) == 3
    rows(first="--points 14", Second_more="--points 15")
    assert run("results", "--run", "many", "--row", "Second*").exit_code == 0
    points = [row["command"].split()[-1] for row in read("results/many.json")["result"]["rows"]]
    assert points == ["13", "15"]
    for wrong in (["--run", "many", "--row", "third"], ["--row", "first"], ["--run", "all", "--row", "first"]):
        refused = run("results", *wrong)
        assert refused.exit_code == 2
        assert "needs one --run NAME with such a row" in refused.stderr


def test_a_single_command_is_prepared_too(project: Path, tiny: str, run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it reads may have to be made before."""

    def prepare() -> None:
        Path("made.yaml").write_text(Path(tiny).read_text())

    monkeypatch.setitem(measuring.PREPARE, "fitted devices", prepare)
    measured = {"name": "one", "command": "device made.yaml --points 11 --out {out}", "result": "device.json"}
    write_table(measure=[measured | {"prepare": "fitted devices"}], parameters={"measurement": "few"})
    assert run("results", "--run", "one").exit_code == 0
    assert read("results/one.json")["result"]["kind"] == "device"


@pytest.mark.parametrize("status", [0, 1, 2])
@pytest.mark.parametrize("writes", [True, False])
@pytest.mark.parametrize("may_miss", [True, False])
def test_a_missed_clock_is_a_result(
    status: int, writes: bool, may_miss: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 1 counts where it may, and only with a file of this run, not with one that was there before."""
    path = tmp_path / "runs" / "results" / "m" / "build.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"mhz": 0}')
    os.utime(path, (1, 1))

    def call(command: list[str], cwd: Path) -> int:
        if writes:
            path.write_text('{"mhz": 19}')
        return status

    monkeypatch.setattr(measuring.subprocess, "call", call)
    monkeypatch.chdir(tmp_path)
    row = Measurement(name="m", command="build x --out {out}", result="build.json", may_miss=may_miss)
    project = Project(tmp_path, print)
    if status == 0 or (status == 1 and may_miss and writes):
        assert project.measure(row)["result"] == {"mhz": 19 if writes else 0}
        assert (tmp_path / "results" / "m.json").exists()
    else:
        with pytest.raises(CommandError, match=f"status {status}"):
            project.measure(row)


def test_words_stand_for_each_of_their_values() -> None:
    given = Measurement(
        name="{a}-{b}", command="train {a} --set n={b} --out {out}", result="x",
        each={"a": ("p", "q"), "b": ("1", "2")},
        rows=(measuring.RowCommand(name="{c}", command="--on {c}", each={"c": ("left", "right")}),),
    )  # fmt: skip
    made = list(given.expanded())
    assert [own.name for own in made] == ["p-1", "p-2", "q-1", "q-2"]
    assert made[2].command == "train q --set n=1 --out {out}"
    assert [(row.name, row.command) for row in made[0].rows] == [("left", "--on left"), ("right", "--on right")]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"head": []}, "head: [] is not valid; the table's columns"),
        ({"kind": "magic"}, "kind: 'magic' is not valid; allowed: accuracy"),
        ({"parameters": {}}, "Sweep.__init__() missing 1 required keyword-only argument: 'measurement'"),
        ({"measure": [{"name": "a", "command": "bench", "result": "b"}]}, "measure[0].command: 'bench' is not valid"),
        ({"measure": [{"name": "a", "command": "{out}", "result": "b", "prepare": "x"}]}, "measure[0].prepare: 'x'"),
        ({"measure": [{"name": "a", "colour": 1}]}, "measure[0].colour: unknown key; known here: name, command"),
    ],
)
def test_a_wrong_table(changes: dict[str, Any], said: str, project: Path) -> None:
    write_table(**({"parameters": {"measurement": "few"}} | changes))
    with pytest.raises(UsageProblem) as caught:
        read_experiment(Path("tables/01-few.yaml"))
    assert said in str(caught.value)


def test_two_measurements_of_one_name(project: Path) -> None:
    measured = {"name": "a", "command": "bench {out}", "result": "b"}
    write_table(measure=[measured, measured], parameters={"measurement": "few"})
    with pytest.raises(UsageProblem, match=r"01-few.yaml: measure: a is twice"):
        measurements(read_tables(Path("tables")))


# ---------------------------------------------------------------------------------------------------------------------
# The project's own


def test_the_pages_in_the_repository_are_those_of_its_results() -> None:
    tables, found = read_tables(), Project(ROOT, print).load()
    for page in PAGES:
        written = Path(ROOT, "docs", f"{page}.md").read_text(encoding="utf-8")
        assert written == pages.tables_page(page, tables, found), f"docs/{page}.md"
    readme = Path(ROOT, "README.md").read_text(encoding="utf-8")
    assert readme.partition(pages.BEGIN)[2].partition(pages.END)[0] == "\n" + pages.readme_table(tables, found)


def test_the_readme_shows_at_most_twelve_claims_that_are_there() -> None:
    tables = read_tables()
    claims = pages.all_claims(tables, Project(ROOT, print).load())
    named = [(table.name, what) for table in tables for what in table.header.readme]
    assert 0 < len(named) <= pages.CLAIMS == 12
    for name, what in named:
        assert what in [claim.what for claim in claims[name]], what


def test_every_row_has_its_columns() -> None:
    """Of what is measured, and where nothing is."""
    found = Project(ROOT, print).load()
    for table in read_tables():
        for known in (found, {}):
            assert {len(row) for row in table.kind.table(table.full, known)} <= {len(table.header.head)}, table.name


BY_MAKE = {"mutants", "proofs", "coverage"}
"""Written by `make mutants`, `make prove` and `make coverage`, which are not in the wheel; shown in docs/trust.md."""


def test_every_result_has_its_measurement() -> None:
    known = measurements(read_tables())
    assert {path.stem for path in Path(ROOT, "results").glob("*.json")} <= set(known) | BY_MAKE
    assert not BY_MAKE & set(known)


def test_rows_of_memristors_can_be_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row's changes make a config, and each is another one."""
    known = measurements(read_tables())
    monkeypatch.chdir(tmp_path)
    memristor.write_measured()
    first = memristor.MEASURED.read_bytes()
    memristor.write_measured()
    assert memristor.MEASURED.read_bytes() == first
    for name in ("device-cost", "compare-memristor"):
        changes = [[word for word in row.command.split() if "=" in word] for row in known[name].rows]
        configs = [repr(load_config(resolve_preset(memristor.PRESET), own)) for own in changes]
        assert len({*configs}) >= len(configs) - 2  # the simulators run the same, and 32 lanes are the preset's
    device_file = f"device.file={memristor.MEASURED}"
    assert device_file in [word for own in changes for word in own]
    Network(load_config(resolve_preset(memristor.PRESET), [device_file]))


def test_configs_of_measurements_can_be() -> None:
    """Every preset with its command's changes is valid; presets that a measurement makes are left out."""
    commands = [
        f"{own.command} {row.command}"
        for own in measurements(read_tables()).values()
        for row in (own.rows or (measuring.RowCommand(name=""),))
        if own.command.split()[0] in ("train", "compare", "build", "heal", "throughput")
    ]
    commands = [text.split() for text in commands if "runs/results/" not in text]
    assert len(commands) > 120
    presets = {path.stem for path in (ROOT / "configs").glob("*.yaml")}
    for words in commands:
        preset = next(word for word in words[1:] if word in presets or word.endswith(".yaml"))
        path = ROOT / preset if preset.endswith(".yaml") else resolve_preset(preset)
        load_config(path, [words[at + 1] for at, word in enumerate(words) if word == "--set"])


def test_baselines_can_be_trained() -> None:
    """Every measurement's settings and config are valid together."""
    from eqspike.golden.baselines.settings import read_settings
    from eqspike.scripts.baseline import command

    measured = [own for own in measurements(read_tables()).values() if own.command.split()[0] == "baseline"]
    commands = [own.command for own in measured if not own.rows]
    commands += [f"{own.command} {row.command}" for own in measured for row in own.rows]
    assert len(commands) > 25
    for text in commands:
        with command.make_context("baseline", text.format(out="x").split()[1:], resilient_parsing=False) as context:
            taken = context.params
        own = [o for o in taken["overrides"] if o.startswith("baseline.")]
        others = [o for o in taken["overrides"] if o not in own]
        config = load_config(resolve_preset(taken["config"]), others)
        read_settings(taken["name"], own).rates(config, 0)
