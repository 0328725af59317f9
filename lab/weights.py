"""weights.npz: the weights of a run, their format, and all else that an exact continuation needs, in one file.

Arrays `layer_0`, `layer_1`, ... have shape (presynaptic + 1, postsynaptic), bias last: int64 in weight LSBs (fixed) or
float64 (real). With programming.accumulator, `accumulators_0`, ... hold what is gathered beside them. `about` is JSON
text: layers, number format, bits and fraction bits of each layer, seed, epochs done, the key of the stream of random
draws, how many training images were used, and for features or labels with names `data`, how they became those of the
network (`golden.features.Encoding`). A file without `about` (made elsewhere) is taken if its arrays fit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from eqspike.base.errors import WeightsError
from eqspike.base.files import npz_bytes, write_bytes
from eqspike.base.npz import Archive, Header, NpzError, open_npz
from eqspike.base.printable import cut, shown
from eqspike.golden.config import Config
from eqspike.golden.features import Encoding
from eqspike.golden.network import Network


@dataclass(frozen=True)
class Checkpoint:
    """What a weights file holds."""

    weights: tuple[np.ndarray, ...]
    about: dict[str, Any] = field(default_factory=dict)
    """Empty for a file made elsewhere."""
    accumulators: tuple[np.ndarray, ...] = ()
    """What was gathered beside the weights; nothing where there are no accumulators, or the file has none."""
    encoding: Encoding = field(default_factory=Encoding)
    """How features and labels became those of the network; empty where it was shown pixels with numbers as labels."""

    @property
    def contents(self) -> tuple[np.ndarray, ...]:
        """As `Network.contents`: what learning goes on from."""
        return self.weights + self.accumulators


def weights_format(config: Config) -> dict[str, Any]:
    """What a network must share with a file to use its weights."""
    fixed = config.number.format == "fixed"
    return {
        "layers": list(config.network.layers),
        "number": config.number.format,
        "bits": [s.bits for s in config.synapses] if fixed else None,
        "fraction_bits": [s.fraction_bits for s in config.synapses] if fixed else None,
    }


def save_weights(
    path: Path, config: Config, weights: Sequence[np.ndarray], encoding: Encoding | None = None, **progress: Any
) -> None:
    """Write `weights` (behind which accumulators may stand), the `encoding` of the data set that they were trained on,
    and `progress` (epoch, key, limit: plain numbers)."""
    kind = np.float64 if config.number.format == "real" else np.int64
    layers = len(config.synapses)
    arrays = {f"layer_{i}": np.asarray(w, kind) for i, w in enumerate(weights[:layers])}
    arrays |= {f"accumulators_{i}": np.asarray(w, kind) for i, w in enumerate(weights[layers:])}
    about = weights_format(config) | {"seed": config.training.seed} | progress
    if encoding:
        about["data"] = encoding.to_dict()
    write_bytes(path, npz_bytes(arrays | {"about": np.array(json.dumps(about))}))


def load_weights(path: str | Path, config: Config) -> Checkpoint:
    """Read weights for `config`. Raises `WeightsError`, one line, when they are missing, corrupt or do not fit.

    What the file announces is compared with the network before anything of it is unpacked.
    """
    path = Path(path)
    try:
        with open_npz(path) as archive:
            about = _about(archive)
            _check_headers(path, config, archive.headers, about)
            encoding = _encoding(about, config)
            layers = range(len(config.synapses))
            weights = tuple(archive.array(f"layer_{i}") for i in layers)
            gathered = config.programming.gathers and "accumulators_0" in archive.headers
            rests = tuple(archive.array(f"accumulators_{i}") for i in layers) if gathered else ()
    except OSError as error:
        if error.strerror:
            raise WeightsError(f"{path}: cannot be read: {error.strerror}") from None
        raise WeightsError(f"{path}: not a whole .npz file of weights") from None
    except NpzError:
        raise WeightsError(f"{path}: not a whole .npz file of weights") from None
    try:
        Network(config).load_weights(weights + rests)  # refuses NaN too
    except ValueError as error:
        raise WeightsError(f"{path}: {error}") from None
    return Checkpoint(weights, about, rests, encoding)


WHOLE_NUMBERS = {"seed": 2**32, "epoch": 2**32, "key": 2**64, "limit": 2**63}
"""What `about` says of a run in whole numbers from 0, and what each is below."""


def _about(archive: Archive) -> dict[str, Any]:
    """What is said of the weights; nothing where they were made elsewhere. Raises `NpzError`."""
    if "about" not in archive.headers:
        return {}
    try:
        about = json.loads(archive.text("about"))
    except (ValueError, RecursionError):
        raise NpzError("about is no JSON") from None
    if not isinstance(about, dict):
        raise NpzError("about is not a mapping")
    for name, end in WHOLE_NUMBERS.items():
        value = about.get(name)
        if value is not None and (type(value) is not int or not 0 <= value < end):
            raise NpzError(f"about: {name} is no whole number from 0 to {end - 1}")
    return about


def _encoding(about: dict[str, Any], config: Config) -> Encoding:
    """How the data set was encoded. Raises `NpzError`."""
    try:
        return Encoding.from_dict(about.get("data", {}), config.network.layers[0], config.network.layers[-1])
    except ValueError as error:
        raise NpzError(f"about: data: {error}") from None


def _check_headers(path: Path, config: Config, headers: Mapping[str, Header], about: dict[str, Any]) -> None:
    """Raise `WeightsError` where the file announces other weights than the network has."""
    names = sorted(name for name in headers if name.startswith("layer_"))
    gathered = sorted(name for name in headers if name.startswith("accumulators_"))
    others = len(headers) - len(names) - len(gathered) - ("about" in headers)
    if names != sorted(f"layer_{i}" for i in range(len(names))) or not names or others:
        names = sorted(name for name in headers if name != "about")
        raise WeightsError(f"{path}: holds {cut(', '.join(names)) or 'nothing'}; expected layer_0, layer_1, ...")
    expected = weights_format(config)
    for key in ("layers", "number", "bits", "fraction_bits"):
        if key in about and about[key] != expected[key]:
            name = {"number": "number format", "fraction_bits": "fraction bits", "bits": "bits a weight"}.get(key, key)
            raise WeightsError(f"{path}: {name} {_said(about[key])}; this config has {_said(expected[key])}")
    kinds, wanted = ("f", "real numbers") if expected["number"] == "real" else ("iu", "integers (weight LSBs)")
    sizes = config.network.layers
    if len(names) != len(sizes) - 1:
        raise WeightsError(f"{path}: {len(names)} layers of weights; this network has {len(sizes) - 1}")
    if gathered and gathered != sorted(f"accumulators_{i}" for i in range(len(names))):
        raise WeightsError(f"{path}: holds {cut(', '.join(gathered))}; expected accumulators_0, ... or none")
    for name in [*names, *gathered]:
        index = int(name.rpartition("_")[2])
        header, shape = headers[name], (sizes[index] + 1, sizes[index + 1])
        if header.dtype.kind not in kinds:
            raise WeightsError(
                f"{path}: {name} holds {header.dtype}; number.format {expected['number']} needs {wanted}"
            )
        if header.shape != shape:
            raise WeightsError(
                f"{path}: weights of layer {index} have shape {header.shape}; this network needs {shape}"
            )


def _said(value: object) -> str:
    """A value of `about` in a message."""
    return cut(value, 60) if isinstance(value, str) else shown(value)
