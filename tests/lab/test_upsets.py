"""Flipped bits of a trained chip: what is measured of one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from eqspike.base.errors import UsageProblem
from eqspike.golden.network import Network
from eqspike.golden.upset import Cell, cells
from eqspike.lab.upsets import Chip, Strikes, struck_config, summarise, table_rows


def chip(config, **strikes) -> Chip:
    """A chip that learned its training part once."""
    config = struck_config(config)
    network = Network(config)
    made = Chip(config, Strikes(**strikes), network.weights, network.key)
    network.learn(made.images, made.labels)
    return Chip(config, Strikes(**strikes), tuple(w.copy() for w in network.weights), network.key)


def test_weights(make_config) -> None:
    """Every bit of every layer, as often as there are synapses; each begins from the trained weights."""
    own = chip(make_config(), flips=(1, 18, 50, 1000), learn=60, tolerance=0.0)
    rows = own.rows()
    # 18 weights in layer 1 (5 + 1 by 3), 50 in layer 0.
    assert [(r["layer"], r["bit"], r["flips"]) for r in rows] == [
        (layer, bit, flips) for layer, most in ((0, 50), (1, 18)) for bit in range(10) for flips in (1, 18, 50)
        if flips <= most
    ]  # fmt: skip
    for row in rows:
        assert row["before"] == own.before
        assert row["lost"] == pytest.approx(100 * (row["before"] - row["after"]))
        assert (row["images_back"] == 0) == (row["after"] >= row["before"])
        looks = row["accuracies"]
        if row["images_back"]:
            assert looks[-1] == (row["images_back"], looks[-1][1])
            assert looks[-1][1] >= row["before"] > max([accuracy for _, accuracy in looks[:-1]], default=0)
        elif row["images_back"] is None:
            assert looks[-1][0] == 60
            assert max(accuracy for _, accuracy in looks) < row["before"]
    # The signs of all weights to the outputs turned round hurt; their lowest bits do not.
    hurt = {(r["layer"], r["bit"], r["flips"]): abs(r["lost"]) for r in rows}
    assert hurt[1, 9, 18] > 5 > hurt[1, 0, 18]
    assert own.rows() == rows


def test_all_flips_of_a_bit(make_config) -> None:
    """As many flips as synapses: each weight has that bit the other way round, and no other bit."""
    own = chip(make_config(), flips=(50,))
    own._whole()
    own._strike_weights(Cell("weights", 0, 4), 50, np.random.default_rng(1))
    assert ((own.network.weights[0] ^ own.weights[0]) == 1 << 4).all()
    assert (own.network.weights[1] == own.weights[1]).all()


def test_state(make_config) -> None:
    """State strikes images, and its twin is a chip that learned the same images unhurt."""
    config = make_config()
    places = dict.fromkeys(cell.place for cell in cells(config))
    for place in list(places)[1:]:
        own = chip(config, place=place, flips=(1, 40), images=6, learn=20)
        rows = own.rows()
        assert {row["place"] for row in rows} == {place}
        twin = Network(own.config)
        twin.load_weights(own.weights)
        twin.key = own.key
        twin.set_epoch(config.training.epochs)
        twin.learn(own.images[:6], own.labels[:6])
        expected = twin.accuracy(own.part.test_images, own.part.test_labels)
        assert {row["before"] for row in rows} == {expected}
        if place == "counters":
            assert {row["after"] for row in rows} == {expected}
        elif place == "membrane":
            worst = max(rows, key=lambda row: (row["misread"], row["flips"]))
            assert worst["misread"] > 0
            assert {row["fallen"] for row in rows if row["flips"] == 1} <= set(range(7))


def test_summary_and_table(make_config) -> None:
    config = make_config()
    rows = [
        row
        for seed in (1, 2)
        for row in chip(
            config.replace(training=dataclasses.replace(config.training, seed=seed)), flips=(1, 10), learn=20
        ).rows()
    ]
    summary = summarise(rows)
    assert len(summary) == len(rows) / 2
    for line in summary:
        own = [r for r in rows if all(r[name] == line[name] for name in ("place", "layer", "bit", "flips"))]
        assert line["seeds"] == [1, 2]
        assert line["lost"]["mean"] == pytest.approx(sum(r["lost"] for r in own) / 2)
        back = [r["images_back"] for r in own]
        assert line["images_back"] == (None if None in back else max(back))
    table = table_rows({"summary": summary})
    assert [line[:4] for line in table] == [["weights", str(s), str(n), "10"] for s in (0, 1) for n in (1, 10)]
    for line in table:
        own = [x for x in summary if (str(x["layer"]), str(x["flips"])) == (line[1], line[2])]
        assert float(line[6]) == pytest.approx(max(x["lost"]["mean"] for x in own), abs=0.006)


def test_wrong_use(make_config) -> None:
    with pytest.raises(UsageProblem, match=r"number\.format must be fixed"):
        struck_config(make_config(number={"format": "real"}))
    with pytest.raises(UsageProblem, match="--flips 0: at least 1"):
        Strikes(flips=(0,)).validate()
    with pytest.raises(UsageProblem, match="--place nowhere: allowed: weights, membrane"):
        Strikes(place="nowhere").validate()
    with pytest.raises(UsageProblem, match="--tolerance 2"):
        Strikes(tolerance=2).validate()
