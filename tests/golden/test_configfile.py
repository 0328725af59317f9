"""Files of configs: that what is written is read back, overrides, and by which words wrong files are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from eqspike.golden.configfile import config_from_dict, config_to_dict, load_config, resolve_preset, save_config
from eqspike.golden.validation import ConfigError

PRESETS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"network: [", "not valid YAML"),
        (b"- 1\n- 2\n", "a mapping"),
        (b"", "a mapping"),
        (b"name: \xff\xfe", "not a text file"),
    ],
)
def test_not_a_config(content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=words) as caught:
        load_config(file)
    assert str(caught.value).startswith(str(file))


def test_absent(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: No such file"):
        load_config(tmp_path / "none.yaml")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_presets_round_trip(preset: Path, tmp_path: Path) -> None:
    config = load_config(preset)
    assert config.name == preset.stem
    save_config(config, tmp_path / "copy.yaml")
    assert load_config(tmp_path / "copy.yaml") == config
    assert config_from_dict(config_to_dict(config)) == config


def test_preset_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config(resolve_preset("digits")).name == "digits"
    Path("own.yaml").write_text("name: own")
    assert resolve_preset("own.yaml") == Path("own.yaml")
    with pytest.raises(ConfigError, match="'nothing' is no file, nor a preset"):
        resolve_preset("nothing")
    with pytest.raises(ConfigError, match=r"away/own\.yaml: cannot be read: no such file$"):
        resolve_preset("away/own.yaml")


def test_overrides(tmp_path: Path, tiny_data: dict[str, Any]) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(yaml.safe_dump(tiny_data))
    config = load_config(file, ["synapses.1.bits=8", "learning.beta=2^-2", "rate.delay=7", "synapses[0].init=0"])
    assert [s.bits for s in config.synapses] == [10, 8]
    assert (config.learning.beta, config.rate.delay, config.synapses[0].init) == (0.25, 7, 0)
    for text, words in (
        ("synapses.2.bits=8", "items 0 to 1"),
        ("rate.delay", "write key=value"),
        ("=3", "write key=value"),
        ("rate.delay.more=1", "no keys below"),
        ("rate.delai=1", "unknown key"),
        ("rate.delay=[", "not valid YAML"),
    ):
        with pytest.raises(ConfigError, match=words):
            load_config(file, [text])


def test_synapses_follow_the_layers(tmp_path: Path, tiny_data: dict[str, Any]) -> None:
    """With another number of layers the second entry serves all between hidden layers, unless synapses are set too."""
    file = tmp_path / "tiny.yaml"
    tiny_data["synapses"] = [{"bits": 10}, {"bits": 8}]
    file.write_text(yaml.safe_dump(tiny_data))
    for layers, bits in (([9, 7, 3], [10, 8]), ([9, 7, 6, 3], [10, 8, 8]), ([9, 8, 7, 6, 3], [10, 8, 8, 8])):
        assert [s.bits for s in load_config(file, [f"network.layers={layers}"]).synapses] == bits
    assert [s.bits for s in load_config(file, ["network.layers=[9,7,6,3]", "synapses={bits: 6}"]).synapses] == [6] * 3
    tiny_data["synapses"] = [{"bits": 10}, {"bits": 9}, {"bits": 8}]
    file.write_text(yaml.safe_dump(tiny_data | {"network": {"layers": [9, 7, 6, 3]}}))
    assert [s.bits for s in load_config(file, ["network.layers=[9,8,7,6,3]"]).synapses] == [10, 9, 9, 8]
    assert [s.bits for s in load_config(file, ["network.layers=[9,7,3]"]).synapses] == [10, 8]
    with pytest.raises(ConfigError, match="'3 entries' is not valid; one for all, or 2"):
        load_config(file, ["network.layers=[9,7,3]", "synapses.0.bits=6"])
    for wrong in ("[9,3]", "9", "null", "[[9,5,4,3]]"):
        with pytest.raises(ConfigError, match="network"):
            load_config(file, [f"network.layers={wrong}"])


def test_numbers_as_text() -> None:
    config = config_from_dict({"neuron": {"leak": "2^-7", "threshold": "1.0"}})
    assert config.neuron.leak == 2.0**-7
    for text in ("2^^3", "0^-1", "-2^0.5", "10^999", "few"):
        with pytest.raises(ConfigError, match=r"neuron\.leak: '.*' is not valid; a number such as"):
            config_from_dict({"neuron": {"leak": text}})
