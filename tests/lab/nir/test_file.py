"""Graphs from files that other programs, or nobody, wrote: taken, or refused in one line that says what is wrong."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest

from eqspike.base.errors import UsageProblem
from eqspike.lab.nir import contents
from eqspike.lab.nir.file import read_graph
from eqspike.lab.nir.graph import Refused
from eqspike.lab.nir.read import from_graph, save_imported
from eqspike.lab.nir.write import graph_bytes, to_graph
from tests.lab.nir.test_graph import ones, plain, trained


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a plain graph, free to be changed."""
    (tmp_path / "x.nir").write_bytes(graph_bytes(plain()))
    return tmp_path / "x.nir"


@pytest.fixture(autouse=True)
def in_this_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files whose HDF5 is whole need no process each, which takes half a second."""
    if "apart" not in request.fixturenames:
        monkeypatch.setattr(contents, "read", contents.contents)


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in a process of their own, as always but here; it has less time."""
    monkeypatch.setattr(contents, "SECONDS", 1)


def put(path: Path, place: str, value: Any) -> None:
    """Put an array, or what h5py makes of `value`, in the place of what is there."""
    with h5py.File(path, "r+") as file:
        if place in file:
            del file[place]
        file[place] = value


def refusal(path: Path, **options: Any) -> str:
    """How the import of the file is refused."""
    with pytest.raises(UsageProblem) as caught:
        save_imported(from_graph(read_graph(path), approximate=True, **options), path.parent / "out")
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 400
    assert not (path.parent / "out").exists()
    return said


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.0"), ("1ms", "'1ms'"), ("None", "'None'"), (np.array([1.0, 2.0]), r"\[1.0, 2.0\]"), (np.nan, "nan"),
        (-1.0, "-1.0"), (np.inf, "inf"), (True, "True"), (h5py.Empty("f8"), "None"), (np.zeros(0), r"\[\]"),
    ],
)  # fmt: skip
def test_step_in_the_metadata(value: Any, shown: str, path: Path) -> None:
    put(path, "node/metadata/dt", value)
    with pytest.raises(UsageProblem, match=rf"^metadata key 'dt': {shown} is not valid; .*--dt"):
        from_graph(read_graph(path), approximate=True)
    assert from_graph(read_graph(path), dt=1.0, approximate=True).config.neuron.leak == 2.0**-6  # it is not asked then


def test_step_that_is_taken(path: Path) -> None:
    for value in (2.0, np.float32(2), np.array([2.0]), 2):
        put(path, "node/metadata/dt", value)
        assert from_graph(read_graph(path), approximate=True).config.neuron.leak == 2.0**-5
    for dt in (np.nan, np.inf, 0.0, -1.0):
        assert refusal(path, dt=dt).startswith("--dt: ")
    assert refusal(path, dt=1e6).startswith("node 'lif1': tau is 64, dt 1e+06: neuron.leak: ")


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("fc1/weight", np.nan, "node 'fc1': weight is nan at entry 5; it must be finite"),
        ("fc2/weight", -np.inf, "node 'fc2': weight is -inf at entry 5"),
        ("fc1/weight", 1e6, "node 'fc1': weight is up to 1e+06; on the membrane of 'lif1' that is 1e+06"),
        ("fc1/weight", 1e308, "node 'fc1': weight is up to 1e+308"),
        ("lif1/tau", np.nan, "node 'lif1': tau is nan at entry 1"),
        ("lif1/tau", np.inf, "node 'lif1': tau is inf at entry 1"),
        ("lif1/tau", 1.0, "node 'lif1': neurons differ in tau"),
        ("lif1/r", np.nan, "node 'lif1': r is nan"),
        ("lif1/v_leak", np.nan, "node 'lif1': v_leak is nan"),
        ("lif1/v_reset", np.nan, "node 'lif1': v_reset is nan"),
        ("lif1/v_threshold", np.inf, "node 'lif1': v_threshold is inf"),
    ],
)
def test_one_number_that_is_none(place: str, value: float, said: str, path: Path) -> None:
    with h5py.File(path, "r+") as file:
        array = file[f"node/nodes/{place}"]
        array[np.unravel_index(min(5, array.size - 1) if array.ndim > 1 else 1, array.shape)] = value
    assert refusal(path).startswith(said)


@pytest.mark.parametrize(
    ("what", "value", "said"),
    [
        ("tau", 0.0, "node 'lif1': tau is 0; it must be above 0"),
        ("tau", -3.0, "node 'lif1': tau is -3; it must be above 0"),
        ("tau", 1e-3, "node 'lif1': tau is 0.001, dt 1: neuron.leak: 1000.0 is not valid; allowed: 0 to 0.5"),
        ("tau", 5e-324, "node 'lif1': tau is "),
        ("tau", 1e300, "layer 0 of synapses: all weights, at most "),
        ("r", 0.0, None),
        ("r", 1e300, "node 'fc1': weight is up to "),
        ("v_threshold", 0.0, "node 'lif1': v_threshold is 0: neuron.threshold: 0.0 is not valid; allowed: "),
        ("v_threshold", -1.0, "node 'lif1': v_threshold is -1: "),
    ],
)
def test_numbers_that_the_chip_has_not(what: str, value: float, said: str | None, path: Path) -> None:
    for node, size in (("lif1", 3), ("lif2", 2)):
        put(path, f"node/nodes/{node}/{what}", np.full(size, value))
    if said is None:  # weights that are 0 in the graph are 0 on the chip
        assert not any(w.any() for w in from_graph(read_graph(path), approximate=True).weights)
    else:
        assert refusal(path).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: b: c", "line 1 is not valid YAML: mapping values are not allowed here"),
        ("name: ../../x", "name: '../../x' is not valid; a name, not a path"),
        ("name: /x", "name: '/x' is not valid; a name, not a path"),
        ('name: "\\e[31m"', "line 1: the character U+001B"),
        ("name: a\nname: b", "line 2: the key 'name' is given twice"),
        ("[" * 5000, "line 1: is nested more than"),
        ("training: {seed: " + "9" * 400 + "}", "line 1: a whole number of 400 digits"),
        ("", "the file: None is not valid; a mapping"),
        (5.0, "is no text"),
    ],
)
def test_config_in_the_metadata(text: Any, said: str, path: Path, make_config) -> None:
    put(path, "node/metadata/eqspike", text)
    found = refusal(path)
    assert found.startswith(f"metadata key 'eqspike': {said}")
    assert "--config" in found
    assert from_graph(read_graph(path), make_config(), approximate=True).config.name == "tiny"


# ---------------------------------------------------------------------------------------------------------------------
# What stands elsewhere, and what is too large


def external_storage(path: Path) -> None:
    (path.parent / "secret").write_bytes(np.arange(12.0).tobytes())
    with h5py.File(path, "r+") as file:
        del file["node/nodes/fc1/weight"]
        outside = [(str(path.parent / "secret"), 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("node/nodes/fc1/weight", (3, 4), "f8", external=outside)


def virtual(path: Path) -> None:
    with h5py.File(path.parent / "other.h5", "w") as file:
        file["w"] = ones(3, 4)
    layout = h5py.VirtualLayout((3, 4), "f8")
    layout[:] = h5py.VirtualSource(str(path.parent / "other.h5"), "w", (3, 4))
    with h5py.File(path, "r+") as file:
        del file["node/nodes/fc1/weight"]
        file.create_virtual_dataset("node/nodes/fc1/weight", layout)


def announced(place: str, shape: tuple[int, ...], kind: str = "f8") -> Callable[[Path], None]:
    """An array of which only the header is in the file."""

    def change(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            if place in file:
                del file[place]
            file.create_dataset(place, shape, kind)

    return change


def endless(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["node/nodes/fc1/inner"] = file["node"]


def deep(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.create_group("node/nodes/fc1/" + "/".join("abcdefghij"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (external_storage, "node/nodes/fc1/weight is kept in another file, which is not opened"),
        (virtual, "node/nodes/fc1/weight is kept in another file, which is not opened"),
        (lambda path: put(path, "node/nodes/fc1", h5py.ExternalLink("/x.h5", "/node")), "'fc1' is a link, and links"),
        (lambda path: put(path, "node/nodes/fc1", h5py.SoftLink("/node/nodes/fc2")), "'fc1' is a link"),
        (lambda path: put(path, "node", h5py.ExternalLink("/x.h5", "/node")), "'node' is a link"),
        (endless, "levels deep"),
        (deep, "levels deep"),
        (announced("node/nodes/fc1/weight", (2**20, 2**20)), "bytes, more than is taken"),
        (announced("node/nodes/fc1/weight", (2**13, 2**11)), "bytes, more than is taken"),
        (announced("node/metadata/x", (2**40,), "u1"), "bytes, more than is taken"),
        (announced("node/metadata/x", (2**30,), "S8"), "its texts take"),
        (announced("node/metadata/x", (2**24,), h5py.string_dtype()), "texts"),
        (announced("node/nodes/fc1/weight", (3, 4), "c16"), "holds complex128, no numbers"),
        (announced("node/nodes/fc1/weight", (1,) * 20), "has 20 dimensions"),
        (lambda path: put(path, "node/edges", [["input", "fc1"], ["x", "fc2"]]), "references source node 'x'"),
        (lambda path: put(path, "node/edges", [["input", "fc1"]] * 2), "Duplicate edge"),
        (lambda path: put(path, "node/edges", 5.0), "is not a NIR graph: "),
        (lambda path: put(path, "node/nodes/fc1/type", "Lin"), "node 'fc1': "),
        (lambda path: put(path, "node/nodes/fc1/extra", 1.0), "node 'fc1': "),
        (lambda path: put(path, "node/type", "LIF"), "holds a single LIF"),
        (lambda path: path.write_bytes(b""), "is not a NIR graph: "),
    ],
)  # fmt: skip
def test_files_that_are_not_what_they_say(change: Callable[[Path], None], said: str, path: Path) -> None:
    change(path)
    start = time.process_time()
    found = refusal(path)
    assert found.startswith(f"{path}: is not a NIR graph: ")
    assert said in found
    assert time.process_time() - start < 60


def test_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path, said in ((tmp_path / "fifo", "is not a regular file"), (tmp_path, "Is a directory")):
        with pytest.raises(UsageProblem, match=f"cannot be read: {said}"):
            read_graph(path)


# ---------------------------------------------------------------------------------------------------------------------
# Shapes


def scalars(path: Path) -> None:
    for node in ("lif1", "lif2"):
        for what, value in (("tau", 64.0), ("r", 64.0), ("v_leak", 0.0), ("v_threshold", 1.0), ("v_reset", 0.0)):
            put(path, f"node/nodes/{node}/{what}", value)


def some_scalars(path: Path) -> None:
    put(path, "node/nodes/lif1/tau", 64.0)
    put(path, "node/nodes/lif2/v_threshold", np.ones(1))


def batch(path: Path) -> None:
    put(path, "node/nodes/input/shape", np.array([1, 5, 4]))
    put(path, "node/nodes/output/shape", np.array([1, 5, 2]))


def no_ends(path: Path) -> None:
    put(path, "node/edges", [["fc1", "lif1"], ["lif1", "fc2"], ["fc2", "lif2"]])
    with h5py.File(path, "r+") as file:
        del file["node/nodes/input"], file["node/nodes/output"]


@pytest.mark.parametrize("change", [scalars, some_scalars, batch, no_ends])
def test_shapes_of_other_programs(change: Callable[[Path], None], path: Path) -> None:
    """Single numbers are those of all neurons, batch and time are no neurons, inputs may be left out."""
    wanted = from_graph(read_graph(path), approximate=True)
    change(path)
    found = from_graph(read_graph(path), approximate=True)
    assert found.config == wanted.config
    assert all(np.array_equal(a, b) for a, b in zip(found.weights, wanted.weights, strict=True))


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("input/shape", [7], r"node 'input': shape is \[7\], but its neighbours have 4 signals"),
        ("input/shape", [0], r"node 'input': shape is \[0\]; sizes must be whole numbers from 1"),
        ("input/shape", [np.inf], "node 'input': shape is"),
        ("input/shape", [-4], "node 'input': shape is"),
        ("input/shape", [2**62, 2**62], "node 'input': shape is"),
        ("output/shape", [3], "node 'output': shape is"),
        ("lif1/tau", [64.0] * 4, "node 'lif1': All parameters must have the same shape"),
        ("lif1/r", [[64.0] * 2] * 2, "node 'lif1': "),
        ("fc1/weight", np.ones((3, 4, 2)), "node 'fc1': weights of rank 3"),
        ("fc1/weight", np.ones((0, 4)), "node 'fc1': weight is"),
        ("fc1/weight", np.ones((5000, 1)), "node 'fc1': 5,000 signals; a layer of the chip has at most 4096"),
    ],
)
def test_sizes_that_do_not_fit(place: str, value: Any, said: str, path: Path) -> None:
    put(path, f"node/nodes/{place}", np.array(value))
    with pytest.raises(UsageProblem, match=said):
        from_graph(read_graph(path), approximate=True)


def branches(count: int) -> nir.NIRGraph:
    """The plain graph with `count` pairs of scales beside each other before its first matrix, each of which halves."""
    nodes, edges, last = dict(plain().nodes), list(plain().edges), "input"
    edges.remove(("input", "fc1"))
    for n in range(count):
        for side in "ab":
            nodes[f"{side}{n}"] = nir.Scale(scale=ones(4) / 2)
            edges.append((last, f"{side}{n}"))
        nodes[f"join{n}"] = nir.Scale(scale=ones(4))
        edges += [(f"a{n}", f"join{n}"), (f"b{n}", f"join{n}")]
        last = f"join{n}"
    return nir.NIRGraph(nodes=nodes, edges=[*edges, (last, "fc1")], type_check=False)


def test_parallel_branches_add_up() -> None:
    """300 pairs of branches have 2^300 ways, which are the same as one."""
    found, one = (from_graph(branches(n), approximate=True) for n in (300, 0))
    assert found.config == one.config
    for a, b in zip(found.weights, one.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_long_chains_and_delays() -> None:
    nodes, edges, last = dict(plain().nodes), list(plain().edges), "fc1"
    edges.remove(("fc1", "lif1"))
    for n in range(3000):  # deeper than Python's own stack
        nodes[f"s{n}"] = nir.Scale(scale=ones(3))
        edges.append((last, f"s{n}"))
        last = f"s{n}"
    graph = nir.NIRGraph(nodes=nodes, edges=[*edges, (last, "lif1")], type_check=False)
    assert from_graph(graph, approximate=True).config.network.layers == (4, 3, 2)
    graph.nodes["s5"] = nir.Delay(delay=9 * ones(3))
    with pytest.raises(Refused, match="node 's5': reached 9 steps after the spike"):
        from_graph(graph, approximate=True)
    graph.nodes["s5"] = nir.Scale(scale=ones(3))
    graph.edges.append((last, "s0"))
    with pytest.raises(Refused, match="lies on a cycle without neurons"):
        from_graph(graph, approximate=True)


def test_leaks_of_single_precision() -> None:
    """A leak that is a power of two but for a file's last digits is one; others take the nearest, which is said."""

    def lif(size: int, tau: float) -> nir.LIF:
        one = np.ones(size, np.float32)
        return nir.LIF(tau=np.float32(tau) * one, r=8 * one, v_leak=0 * one, v_threshold=one, v_reset=0 * one)

    graph = plain(lif1=lif(3, 0.0008), lif2=lif(2, 0.0008))
    found = from_graph(graph, dt=1e-4, approximate=True)
    assert found.config.neuron.leak == 2.0**-3
    assert not any("leaks" in note for note in found.approximations)
    graph = plain(lif1=lif(3, 0.001), lif2=lif(2, 0.001))
    found = from_graph(graph, dt=1e-4, approximate=True)
    assert found.config.neuron.leak == 2.0**-3
    assert "node 'lif1': leaks 0.1 a step; the nearest in fixed point is 0.125" in found.approximations
    found = from_graph(graph, dt=1e-4, approximate=True, real=True)
    assert found.config.neuron.leak == pytest.approx(0.1, rel=1e-6)
    assert found.config.number.format == "real"


# ---------------------------------------------------------------------------------------------------------------------
# Damage


VALUES = (0.0, -1.0, 1e-300, 1e300, np.nan, np.inf, -np.inf, 2.0**-7, 1e6, b"x", "1", [1.0, 2.0], True, h5py.Empty("f"))


def test_changed_numbers_are_imported_or_refused(tmp_path: Path, make_config) -> None:
    """Numbers put anywhere: never anything but a network, or one line."""
    draw, path = random.Random(11), tmp_path / "x.nir"
    whole = [graph_bytes(plain()), graph_bytes(plain(two_way=True)),
             graph_bytes(to_graph(make_config(), trained(make_config()).real_weights()))]  # fmt: skip
    taken, refused = 0, []
    for _ in range(200):
        path.write_bytes(draw.choice(whole))
        with h5py.File(path) as file:
            places: list[str] = []
            file["node"].visit(lambda place, found=places: found.append(f"node/{place}"))
        put(path, draw.choice(places), draw.choice(VALUES))
        try:
            found = from_graph(read_graph(path), approximate=True)
            save_imported(found, tmp_path / "out")
        except UsageProblem as error:
            refused.append(str(error))
        else:
            taken += all(np.isfinite(w).all() for w in found.weights)
    assert taken + len(refused) == 200
    assert taken >= 5
    assert not any("\n" in said or len(said) > 400 for said in refused)


@pytest.mark.usefixtures("apart")
def test_hdf5_that_comes_to_no_end(path: Path) -> None:
    """One byte of the heap in which texts are: HDF5's library then reads for ever."""
    taken = from_graph(read_graph(path), approximate=True)
    assert taken.config.network.layers == (4, 3, 2)
    raw = bytearray(path.read_bytes())
    raw[raw.find(b"GCOL") + 240] = 192
    path.write_bytes(raw)
    assert refusal(path).endswith("is not a NIR graph: HDF5's library dies of it, or comes to no end with it")


@pytest.mark.usefixtures("apart")
def test_damaged_bytes_are_imported_or_refused(path: Path) -> None:
    draw, whole, refused = random.Random(12), path.read_bytes(), 0
    for _ in range(8):
        raw = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            raw[draw.randrange(2048)] = draw.randrange(256)
        path.write_bytes(raw)
        try:
            from_graph(read_graph(path), approximate=True)
        except UsageProblem as error:
            refused += "\n" not in str(error)
    assert refused >= 4
