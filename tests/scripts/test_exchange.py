"""`eqspike export` and `eqspike import`: a network goes out and comes back; what cannot be said is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from eqspike.golden.config import hardware_for
from eqspike.lab.nir.read import from_graph
from eqspike.lab.nir.write import graph_bytes
from eqspike.rtl.layout import Layout
from tests.lab.nir.test_graph import plain


def test_commands(tiny: str, run, tmp_path: Path) -> None:
    """Export and import, and the same answers with the imported files."""
    assert run("train", tiny, "--epochs", 2, "--out", "a").exit_code == 0
    result = run("export", tiny, "--weights", "a/weights.npz", "-o", "n.nir")
    assert result.exit_code == 0
    assert "of 24 test images" in result.stdout
    result = run("import", "n.nir", "-o", "b")
    assert result.exit_code == 0
    assert (
        "9-5-3, fixed; weights differ from the graph's by at most 0: relative, 0 % (rms), 0 % (largest)"
        in result.stdout
    )
    assert "of 24 test images of random, " in result.stdout
    assert not any(word in result.stdout for word in ("approximate", "fitted", "costs"))
    with np.load("a/weights.npz") as one, np.load("b/weights.npz") as two:
        for name in ("layer_0", "layer_1"):
            assert np.array_equal(one[name], two[name])
    assert run("infer", "b/config.yaml", "--weights", "b/weights.npz").exit_code == 0
    assert run("import", "n.nir", "-o", "b").exit_code == 2
    assert run("import", "n.nir", "-o", "b", "--real", "--force").exit_code == 0
    assert run("export", tiny, "--weights", "a/weights.npz", "--format", "npz", "-o", "real.npz").exit_code == 0
    with np.load("a/weights.npz") as one, np.load("real.npz") as two:
        assert np.array_equal(one["layer_0"] * 2.0**-10, two["layer_0"])
    real = ("--set", "number.format=real")
    assert run("infer", tiny, *real, "--weights", "real.npz").exit_code == 0


def test_refused_on_the_command_line(tiny: str, run, fails) -> None:
    assert run("train", tiny, "--epochs", 1, "--out", "a").exit_code == 0
    Path("text.nir").write_text("no graph")
    assert fails(2, "import", "text.nir", "-o", "b").startswith("text.nir: is not a NIR graph: ")
    assert fails(2, "import", "none.nir", "-o", "b") == "none.nir: cannot be read: no such file"
    said = fails(2, "export", tiny, "--weights", "a/weights.npz", "--format", "hex", "--board", "x", "-o", "w.hex")
    assert said.startswith("--board x: tiny has no such board")
    real = ("--set", "number.format=real")
    assert run("train", tiny, *real, "--epochs", 0, "--out", "r").exit_code == 0
    said = fails(2, "export", tiny, *real, "--weights", "r/weights.npz", "--format", "hex", "-o", "w.hex")
    assert said == "--format hex: the chip's memory holds fixed point; number.format is real"
    assert not Path("b").exists()
    assert not Path("w.hex").exists()


# ---------------------------------------------------------------------------------------------------------------------
# Graphs of other programs


def test_plain_graphs_are_taken_nearly(tmp_path: Path, fails, run, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.nir").write_bytes(graph_bytes(plain()))
    said = fails(2, "import", "p.nir", "-o", "b")
    assert said.startswith("node 'lif1': resets to 0 at a spike, without a refractory period")
    result = run("import", "p.nir", "-o", "b", "--approximate")
    assert result.exit_code == 0
    notes = [line for line in result.stdout.splitlines() if line.startswith("approximate: node ")]
    assert ["lif1" in notes[0], "lif2" in notes[1]] == [True, True]
    assert any("'fc2': one-way from 'lif1' to 'lif2'; the chip's synapses there are two-way" in n for n in notes)
    assert any("'fc1': acts at once" in n for n in notes)
    found = from_graph(plain(two_way=True), approximate=True)
    assert not any("one-way" in note for note in found.approximations)
    assert found.config.network.layers == (4, 3, 2)
    assert found.config.neuron.leak == 2.0**-6
    np.testing.assert_allclose(found.weights[1][:-1], plain().nodes["fc2"].weight.T)
    assert not found.weights[1][-1].any()


CASE = Path(__file__).parents[1] / "lab" / "nir" / "files" / "float32-leak-0.875.nir"


def test_what_an_import_says(tmp_path: Path, run, monkeypatch) -> None:
    """A network that snnTorch wrote: fitted, or as given with what that costs, in fixed point and in real numbers."""
    monkeypatch.chdir(tmp_path)
    given = ("import", CASE, "--config", "digits", "--dt", "1e-4", "--approximate")
    said = run(*given, "-o", "a").stdout.splitlines()
    assert any(line.startswith("fitted: weights times ") for line in said)
    assert any(line.startswith("64-32-10, fixed; weights differ from the fitted ones by at most ") for line in said)
    assert any(line.startswith("wins back ") for line in said)
    assert not any("mainly because" in line for line in said)
    said = run(*given, "--as-given", "--real", "-o", "b").stdout.splitlines()
    assert "64-32-10, real; weights differ from the graph's by at most 0: relative, 0 % (rms), 0 % (largest)" in said
    assert not any(line.startswith(("fitted", "wins back")) for line in said)
    line = next(line for line in said if line.startswith("of 100 test images of digits, "))
    assert line.endswith("; mainly because of this: synapses after the first layer are two-way")
    share = [
        json.loads(Path(f"{name}.json").read_text())["accuracy"]
        for name in "ab"
        if run("infer", f"{name}/config.yaml", "--weights", f"{name}/weights.npz", "--out", f"{name}.json").exit_code
        == 0
    ]
    assert share[0] > 0.92  # of 359: what the graph has, less than two points
    assert share[1] < 0.75


def test_plain_export(tiny: str, run, fails) -> None:
    """The differences, and the agreement of the plain graph beside the full one's; the file comes back nearly."""
    assert run("train", tiny, "--epochs", 2, "--out", "a").exit_code == 0
    weights = ("--weights", "a/weights.npz")
    full = run("export", tiny, *weights, "-o", "f.nir").stdout.splitlines()
    said = run("export", tiny, *weights, "--plain", "-o", "p.nir").stdout.splitlines()
    assert len([line for line in said if line.startswith("plain: ")]) == 6
    assert "plain: the bias is a constant current of weight / 2; the chip's is a spike every 2 steps" in said
    assert said[-3].startswith("plain graph: of 24 test images, ")
    assert said[-2] == f"full graph: {full[0]}"
    assert run("export", tiny, *weights, "--plain", "--sinabs", "-o", "s.nir").exit_code == 0
    assert Path("p.nir").read_bytes() != Path("s.nir").read_bytes()
    for name in ("p.nir", "s.nir"):
        assert run("import", name, "-o", name[0], "--config", tiny, "--approximate").exit_code == 0
    assert fails(2, "export", tiny, *weights, "--plain", "--format", "npz", "-o", "x") == "--plain is for --format nir"
    assert fails(2, "export", tiny, *weights, "--sinabs", "-o", "x") == "--sinabs is for --plain"
    assert not Path("x").exists()


@pytest.mark.parametrize("board", [None, "icebreaker"])
def test_hex_in_a_simulator(board: str | None, tiny_data, tmp_path: Path, run, monkeypatch, make_config) -> None:
    """$readmemh of Icarus puts every weight where rtl.layout says, as a signed slice of its word."""
    import yaml

    if shutil.which("iverilog") is None:
        pytest.skip("Icarus is not installed")
    monkeypatch.chdir(tmp_path)
    tiny_data |= {"hardware": {"lanes": 3}, "boards": {"icebreaker": {"lanes": 2, "input_lanes": 1}}}
    Path("t.yaml").write_text(yaml.safe_dump(tiny_data))
    config = make_config(hardware=tiny_data["hardware"], boards=tiny_data["boards"])
    assert run("train", "t.yaml", "--epochs", 2, "--out", "a").exit_code == 0
    more = [] if board is None else ["--board", board]
    assert run("export", "t.yaml", "--weights", "a/weights.npz", "--format", "hex", "-o", "w.hex", *more).exit_code == 0
    layout, bits = Layout(config, hardware_for(config, board).lanes), config.synapses[0].bits
    places = layout.places()
    prints = "\n".join(
        f'    $display("%0d", $signed(memory[{word}][{bits * lane} +: {bits}]));' for *_, word, lane in places
    )
    Path("t.v").write_text(
        f"module t;\n  reg [{bits * layout.lanes - 1}:0] memory [0:{layout.words - 1}];\n"
        f'  initial begin\n    $readmemh("w.hex", memory);\n{prints}\n  end\nendmodule\n'
    )
    subprocess.run(["iverilog", "-g2012", "-o", "t.vvp", "t.v"], check=True)
    out = subprocess.run(["vvp", "-n", "t.vvp"], check=True, capture_output=True, text=True)
    assert "WARNING" not in out.stdout + out.stderr
    with np.load("a/weights.npz") as weights:
        expected = [int(weights[f"layer_{s}"][row, column]) for s, row, column, *_ in places]
    assert [int(line) for line in out.stdout.split()] == expected
    assert len(set(expected)) > 20
