"""A live session: each message of the page, on golden; its images and rates are those of `eqspike train`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.engine import GoldenEngine
from eqspike.golden.modes import INFER
from eqspike.golden.network import Network
from eqspike.lab.live.chip import GoldenChip
from eqspike.lab.train import train
from tests.lab.live.stand_ins import session, weights_of, work

PIXELS = [16, 0, 3, 9, 0, 0, 12, 16, 1]


@pytest.fixture
def config(tiny_data: dict[str, Any]) -> Config:
    return config_from_dict(tiny_data)


def held(own: Any) -> list[list[int]]:
    return [layer.ravel().tolist() for layer in own.chip.contents()]


def test_ready(config: Config) -> None:
    own, heard = session(config, trained=weights_of(config))
    said = own.ready()
    assert (said["type"], said["name"], said["layers"], said["white"]) == ("ready", "tiny", [9, 5, 3], 16)
    assert (said["side"], said["classes"], said["trained"], said["images"]) == (3, ["0", "1", "2"], True, 5)
    assert said["dataset"] == {"name": "random", "train": 96, "test": 24}
    assert not heard
    assert held(own) == [layer.ravel().tolist() for layer in weights_of(config).contents]


def test_show_is_of_the_latest_drawing_and_changes_nothing(config: Config) -> None:
    own, heard = session(config)
    before, key = held(own), own.chip.key
    own.hear({"type": "inspect", "neuron": [1, 2]})
    for number in range(3):
        own.hear({"type": "show", "pixels": [number] * 9, "id": number})
    own.hear({"type": "show", "pixels": PIXELS, "id": 7})
    assert work(own) == 1
    (image,) = heard.of("image")
    assert (image["source"], image["id"], image["pixels"], image["label"]) == ("show", 7, PIXELS, None)
    assert (held(own), own.chip.key) == (before, key)

    golden = Network(config)
    trace = golden.empty_trace(30)
    result = golden.present(np.array(PIXELS), 0, INFER, trace)
    assert (image["prediction"], image["counts"]) == (result.prediction, list(result.counts))
    assert (image["steps"], image["free"], image["nudged"], image["match"]) == (30, 30, False, None)
    bits = np.unpackbits(np.frombuffer(image["spikes"], np.uint8).reshape(30, -1), axis=1, bitorder="little")
    assert (bits[:, :9] == trace.input_spikes).all()
    assert (bits[:, 9:17] == trace.spikes).all()
    assert bits[:, :17].any()
    assert not bits[:, 17:].any()
    assert image["counters"]["spikes"][0] == trace.input_spikes.sum()
    inner = image["inner"]
    assert inner["neuron"] == [1, 2]
    threshold = golden.numbers.threshold
    assert np.array_equal(np.array(inner["membrane"]) * threshold, trace.membrane[:, 2])
    assert np.array(inner["membrane"]).max() > 0


def test_training_is_that_of_eqspike_train(config: Config) -> None:
    """Three epochs, to the bit, with a drawing shown and a test part judged in between."""
    own, heard = session(config)
    own.hear({"type": "train", "on": True})
    for done in range(3 * 96):
        if done % 50 == 0:
            own.hear({"type": "show", "pixels": PIXELS, "id": done})
            own.hear({"type": "judge", "images": 4})
            for _ in range(5):
                assert own.work()
        assert own.work()
    own.hear({"type": "train", "on": False})
    assert not own.work()
    found = train(config, GoldenEngine(config), own.images.split)
    assert held(own) == [layer.ravel().tolist() for layer in found.weights]
    assert own.chip.key == found.key
    assert [message["training"] for message in heard.of("state")] == [True, False]
    last = [message for message in heard.of("image") if message["source"] == "train"][-1]
    assert last["curve"]["images"] <= 288
    assert last["curve"]["seen"] == min(200, last["curve"]["images"])
    assert heard.of("weights")


def test_teach_next_wait_and_start(config: Config) -> None:
    own, heard = session(config, trained=weights_of(config))
    begun = held(own)
    own.hear({"type": "teach", "pixels": PIXELS, "label": 2, "id": 1})
    own.hear({"type": "teach", "pixels": PIXELS, "label": 1, "id": 2})
    own.hear({"type": "next"})
    assert work(own) == 3
    assert [(m["source"], m["label"]) for m in heard.of("image")][:2] == [("teach", 2), ("teach", 1)]
    assert heard.of("image")[2]["curve"]["images"] == 1
    assert held(own) != begun
    own.hear({"type": "wait", "milliseconds": 60_000})
    own.hear({"type": "train", "on": True})
    assert work(own) == 1
    assert 50 < own.idle() <= 60
    own.hear({"type": "start", "weights": "trained"})
    assert held(own) == begun
    assert heard.of("weights")[-1]["layers"] == begun
    own.hear({"type": "start", "weights": "initial"})
    assert held(own) == [layer.ravel().tolist() for layer in Network(config).contents]


def test_write_key_and_stick(config: Config) -> None:
    own, heard = session(config)
    own.hear({"type": "write", "synapses": [[0, 9, 4], [1, 0, 2]], "value": -3})
    said = heard.of("weights")[-1]["layers"]
    assert (said[0][9 * 5 + 4], said[1][2]) == (-3, -3)
    own.hear({"type": "key", "value": 77})
    assert (own.chip.key, heard[-1]) == (77, {"type": "key", "value": 77})
    own.hear({"type": "stick", "synapses": [[0, 0, 0]], "at": "on"})
    assert "does not know the message 'stick'" in heard[-1]["text"]

    faulty = config.replace(
        device=config.device.__class__(write_noise=0.1),
        synapses=[s.__class__(**{**vars(s), "draw": "synapse"}) for s in config.synapses],
    )
    own, heard = session(faulty)
    own.hear({"type": "stick", "synapses": [[0, 0, 0], [1, 5, 1]], "at": "on"})
    own.hear({"type": "write", "synapses": [[0, 0, 0]], "value": 0})
    said = heard.of("weights")[-1]
    assert said["stuck"] == [[0, 0, 0], [1, 5, 1]]
    assert said["layers"][0][0] == 511
    own.hear({"type": "train", "on": True})
    for _ in range(60):
        own.work()
    assert own.chip.contents()[0][0, 0] == 511
    own.hear({"type": "stick", "synapses": [[0, 0, 0], [1, 5, 1]], "at": "free"})
    own.hear({"type": "write", "synapses": [[0, 0, 0]], "value": 0})
    assert heard.of("weights")[-1]["stuck"] == []
    assert heard.of("weights")[-1]["layers"][0][0] == 0


def test_judged(config: Config) -> None:
    own, heard = session(config)
    own.hear({"type": "judge", "images": 1000})
    assert work(own) == 24
    (said,) = heard.of("judged")
    split = own.images.split
    right = Network(config).present_all(split.test_images, split.test_labels, INFER)[:, 0] == split.test_labels
    assert (said["images"], said["right"]) == (24, int(right.sum()))
    assert said["classes"] == [[int(right[split.test_labels == k].sum()), 8] for k in range(3)]


def test_check(config: Config) -> None:
    """It passes, gives back what the chip held, and puts off what would change it; a chip that errs fails."""
    own, heard = session(config, trained=weights_of(config))
    before = held(own)
    own.hear({"type": "check"})
    own.work()
    own.work()
    own.hear({"type": "write", "synapses": [[0, 0, 0]], "value": 9})
    work(own)
    last = heard.of("check")[-1]
    assert (last["state"], last["done"], last["of"]) == ("passed", 96, 96)
    assert last["text"] == "96 images learned, 68 weights and the key of the random draws are those of the golden model"
    before[0][0] = 9
    assert held(own) == before

    class Wrong(GoldenChip):
        def present(self, *given: Any) -> Any:
            self.network.weights[0][3, 2] ^= 1
            return super().present(*given)

    own, heard = session(config, Wrong(config))
    own.hear({"type": "check"})
    work(own)
    assert heard.of("check")[-1]["state"] == "failed"
    assert "are not those" in heard.of("check")[-1]["text"]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (3, "an object with a type"), ([], "an object with a type"), ({"type": "shout"}, "does not know"),
        ({"type": "show"}, "pixels: 9 numbers"), ({"type": "show", "pixels": [0] * 8}, "pixels: 9 numbers"),
        ({"type": "show", "pixels": [17] + [0] * 8}, "from 0 to 16"),
        ({"type": "show", "pixels": [True] + [0] * 8}, "from 0 to 16"),
        ({"type": "show", "pixels": PIXELS, "id": []}, "id: a short"),
        ({"type": "show", "pixels": PIXELS, "strokes": [[1, 2]]}, "strokes: 2 whole numbers"),
        ({"type": "teach", "pixels": PIXELS, "label": 3}, "label: a whole number from 0 to 2"),
        ({"type": "train", "on": 1}, "on: true or false"), ({"type": "wait", "milliseconds": -1}, "milliseconds"),
        ({"type": "wait", "milliseconds": float("nan")}, "milliseconds"),
        ({"type": "start", "weights": "others"}, "initial, trained"),
        ({"type": "write", "synapses": [[0, 10, 0]], "value": 0}, "not in the network"),
        ({"type": "write", "synapses": [[2, 0, 0]], "value": 0}, "0 to 1"),
        ({"type": "write", "synapses": [[0, 0]], "value": 0}, "3 whole numbers"),
        ({"type": "write", "synapses": [[0, 10**30, 0]], "value": 0}, "below a million"),
        ({"type": "write", "synapses": [[0, 0, 0]], "value": 512}, "-512 to 511"),
        ({"type": "key", "value": 0}, "from 1"), ({"type": "inspect", "neuron": [0, 1]}, "from 1 to 2"),
        ({"type": "judge", "images": 0}, "from 1"),
    ],
)  # fmt: skip
def test_wrong_messages(config: Config, message: object, said: str) -> None:
    """One line each, and nothing else happens."""
    own, heard = session(config)
    before = held(own)
    own.hear(message)
    assert [each["type"] for each in heard] == ["error"]
    assert said in heard[0]["text"]
    assert "\n" not in heard[0]["text"]
    assert not own.work()
    assert held(own) == before
