"""The tool that plants small changes: where it finds them, what it makes of them, what it takes for an explanation."""

from __future__ import annotations

import itertools
import json
from collections import Counter

import pytest
import yaml

from cocotb_tests.mutants import equivalent, sites, trial
from cocotb_tests.mutants.__main__ import COUNT, COUNTED, SEED
from cocotb_tests.mutants.jobs import jobs_of
from eqspike.base.files import write_text

TEXT = '''"""A file."""

LATENCY = 2


class Part(wiring.Component):
    """With a text."""

    def __init__(self, bits: int = 3) -> None:
        assert bits > 1
        super().__init__({"a": In(bits + 1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        best = Signal(bits - 1, init=5)
        m.d.comb += [self.a.eq(x & ~y), self.b.eq(Mux(c, d, e))]
        with m.If(self.count[low:] == 0):
            m.d.sync += self.b.eq(1)
            m.next = "IDLE"
        with m.Else():
            m.next = "BUSY"
        return m
'''


def _found(text: str) -> set[tuple[str, str]]:
    return {(mutant.kind, mutant.after) for mutant in sites.of_text("part.py", text)}


def test_every_kind_of_change_is_found() -> None:
    found = _found(TEXT)
    assert {kind for kind, _ in found} == {
        "constant", "operator", "comparison", "condition", "dropped", "arms", "slice", "state",
    }  # fmt: skip
    assert ("constant", "LATENCY = 1") in found
    assert ("constant", "best = Signal(bits - 1, init=6)") in found
    assert ("operator", "m.d.comb += [self.a.eq(x | ~y), self.b.eq(Mux(c, d, e))]") in found
    assert ("operator", "m.d.comb += [self.a.eq(x & y), self.b.eq(Mux(c, d, e))]") in found
    assert ("dropped", "m.d.comb += [*(), self.b.eq(Mux(c, d, e))]") in found
    assert ("arms", "m.d.comb += [self.a.eq(x & ~y), self.b.eq(Mux(c, e, d))]") in found
    assert ("comparison", "with m.If(self.count[low:] != 0):") in found
    assert ("condition", "with m.If(1):") in found
    assert ("slice", "with m.If(self.count[(low) + 1:] == 0):") in found
    assert ("dropped", "pass") in found
    assert ("state", 'm.next = "IDLE"') in found


def test_widths_texts_and_assertions_are_left_alone() -> None:
    """Nor are there two changes that make the same text."""
    mutants = sites.of_text("part.py", TEXT)
    assert not any(word in m.before for m in mutants for word in ("assert", "super", "bits: int", '"""'))
    assert not any("bits + 1" in m.after or "bits - 2" in m.after for m in mutants)
    changed = [mutant.changed(TEXT) for mutant in mutants]
    assert len(set(changed)) == len(changed)
    assert TEXT not in changed


def test_the_rtl_has_thousands_and_each_can_be_named() -> None:
    mutants, texts = sites.all_mutants(), sites.texts()
    assert len(mutants) > 4000
    assert len({mutant.key for mutant in mutants}) == len(mutants)
    for mutant in mutants[::8]:
        compile(mutant.changed(texts[mutant.file]), mutant.file, "exec")
    assert {mutant.file for mutant in mutants} == {file for file in texts if not file.endswith("__init__.py")}


def test_a_draw_depends_on_its_seed_alone_and_has_its_share_of_each_file() -> None:
    first = [mutant.key for mutant in itertools.islice(sites.drawn(3), 1000)]
    assert first == [mutant.key for mutant in itertools.islice(sites.drawn(3), 1000)]
    assert first != [mutant.key for mutant in itertools.islice(sites.drawn(4), 1000)]
    whole = sites.all_mutants()
    have = Counter(key.split(":")[0] for key in first)
    for file, count in Counter(mutant.file for mutant in whole).items():
        assert abs(have[file] - count * 1000 / len(whole)) < 2


def test_every_file_has_jobs() -> None:
    for file in sites.texts():
        jobs = jobs_of(file)
        assert jobs
        assert len(set(jobs)) == len(jobs)


def _change(file: str, before: str, after: str) -> sites.Mutant:
    text = sites.texts()[file]
    start = text.index(before)
    return sites.Mutant(file, "RhoBar.elaborate", "test", before, after, 0, start, start + len(before), after)


def test_what_becomes_of_a_change() -> None:
    """One of each; the one that hangs takes its simulator with it, and the last is tried all the same."""
    changes = {
        "killed": ("(self.delayed + self.leaving)", "(self.delayed - self.leaving)"),
        "passed": ("(self.delayed + self.leaving)", "(self.leaving + self.delayed)"),
        "no change": ("(self.delayed + self.leaving)", "((self.delayed + self.leaving))"),
        "does not build": ("(self.delayed + self.leaving)", "(self.delayed + self.nowhere)"),
    }
    tried = [("filter_4", _change("rate.py", *change)) for change in changes.values()]
    outcomes = trial.run("sim_rate", tried)
    assert [outcome.word for outcome in outcomes] == list(changes)
    assert outcomes[0].message.startswith("Mismatch: ")
    assert "nowhere" in outcomes[3].message


def test_what_yosys_writes_as_no_verilog_does_not_build(tmp_path, monkeypatch) -> None:
    """`1'h1:` without a statement was a traceback, after which the same batch was tried again for ever."""
    empty = "  always @* begin\n    casez (a)\n      1'h1:\n    endcase\n  end\n"
    modules = {"\\mutant0002x": "", "\\mutant0003x.part": empty, "\\mutant0004x": empty, "top": ""}
    write_text(
        tmp_path / "top.v",
        "".join(f"module {name} (a);\n  input a;\n{body}endmodule\n" for name, body in modules.items()),
    )
    monkeypatch.setenv("EQSPIKE_BUILD", str(tmp_path / "build"))
    with pytest.raises(trial.Unreadable, match=r"^mutant0003x: syntax error$"):
        trial._build(tmp_path)


def test_explanations_are_of_changes_that_are_there() -> None:
    assert equivalent.load(sites.all_mutants()).keys() <= {mutant.key for mutant in sites.all_mutants()}


def test_an_explanation_of_nothing_is_refused(tmp_path) -> None:
    mutants = sites.of_text("part.py", TEXT)
    entry = {"file": "part.py", "scope": "", "before": "LATENCY = 2", "after": ["LATENCY = 1"], "reason": "a test"}
    path = tmp_path / "equivalent.yaml"
    path.write_text(yaml.safe_dump([entry]))
    assert equivalent.load(mutants, path) == {"part.py:: LATENCY = 2 -> LATENCY = 1": "a test"}
    for wrong in ({"before": "LATENCY = 7"}, {"after": ["LATENCY = 9"]}, {"scope": "Part"}, {"reason": " "}):
        path.write_text(yaml.safe_dump([entry | wrong]))
        with pytest.raises(equivalent.EquivalentError, match=r"equivalent\.yaml: entry 1"):
            equivalent.load(mutants, path)


def test_what_is_kept_is_of_these_changes() -> None:
    """Nothing of results/mutants.json survived unexplained, and its counts are those of its list."""
    path = trial.PROJECT / "results" / "mutants.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["result"]
    assert kept["seed"] == SEED
    counts = kept["counts"]
    assert 0 < sum(counts.get(status, 0) for status in COUNTED) <= COUNT
    assert counts.get("survived", 0) == 0
    whole: Counter[str] = Counter()
    for own in kept["files"].values():
        whole.update(own)
    assert dict(whole) == counts
