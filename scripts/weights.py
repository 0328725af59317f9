"""weights.npz: the weights of a run, their format, and all else that an exact continuation needs, in one file.

Arrays `layer_0`, `layer_1`, ... have shape (presynaptic + 1, postsynaptic), bias last: int64 in weight LSBs (fixed) or
float64 (real). `about` is JSON text: layers, number format, bits and fraction bits of each layer, seed, epochs done,
the key of the stream of random draws, and how many training images were used. A file without `about` (made elsewhere)
is taken if its arrays fit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from golden.config import Config
from golden.network import Network
from scripts.errors import WeightsError
from scripts.files import npz_bytes, write_bytes


@dataclass(frozen=True)
class Checkpoint:
    """What a weights file holds."""

    weights: tuple[np.ndarray, ...]
    about: dict[str, Any] = field(default_factory=dict)
    """Empty for a file made elsewhere."""


def weights_format(config: Config) -> dict[str, Any]:
    """What a network must share with a file to use its weights."""
    fixed = config.number.format == "fixed"
    return {
        "layers": list(config.network.layers),
        "number": config.number.format,
        "bits": [s.bits for s in config.synapses] if fixed else None,
        "fraction_bits": [s.fraction_bits for s in config.synapses] if fixed else None,
    }


def save_weights(path: Path, config: Config, weights: Sequence[np.ndarray], **progress: Any) -> None:
    """Write `weights` and `progress` (epoch, key, limit: plain numbers) at once."""
    kind = np.float64 if config.number.format == "real" else np.int64
    arrays = {f"layer_{i}": np.asarray(w, kind) for i, w in enumerate(weights)}
    about = weights_format(config) | {"seed": config.training.seed} | progress
    write_bytes(path, npz_bytes(arrays | {"about": np.array(json.dumps(about))}))


def load_weights(path: str | Path, config: Config) -> Checkpoint:
    """Read weights for `config`. Raises `WeightsError`, one line, when they are missing, corrupt or do not fit."""
    path = Path(path)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        about = json.loads(str(arrays.pop("about"))) if "about" in arrays else {}
        if not isinstance(about, dict):
            raise ValueError("about is not a mapping")
    except OSError as error:
        if error.strerror:
            raise WeightsError(f"{path}: cannot be read: {error.strerror}") from None
        raise WeightsError(f"{path}: not a whole .npz file of weights") from None
    except Exception:  # a broken archive raises whatever its parser trips over: zip, zlib, header, JSON
        raise WeightsError(f"{path}: not a whole .npz file of weights") from None
    if sorted(arrays) != sorted(f"layer_{i}" for i in range(len(arrays))) or not arrays:
        raise WeightsError(f"{path}: holds {', '.join(sorted(arrays)) or 'nothing'}; expected layer_0, layer_1, ...")
    weights = tuple(arrays[f"layer_{i}"] for i in range(len(arrays)))
    _check(path, config, weights, about)
    return Checkpoint(weights, about)


def _check(path: Path, config: Config, weights: tuple[np.ndarray, ...], about: dict[str, Any]) -> None:
    expected = weights_format(config)
    for key in ("layers", "number", "bits", "fraction_bits"):
        if key in about and about[key] != expected[key]:
            name = {"number": "number format", "fraction_bits": "fraction bits", "bits": "bits a weight"}.get(key, key)
            raise WeightsError(f"{path}: {name} {about[key]}; this config has {expected[key]}")
    kinds, wanted = ("f", "real numbers") if expected["number"] == "real" else ("iu", "integers (weight LSBs)")
    for index, array in enumerate(weights):
        if array.dtype.kind not in kinds:
            raise WeightsError(
                f"{path}: layer_{index} holds {array.dtype}; number.format {expected['number']} needs {wanted}"
            )
    try:
        Network(config).load_weights(weights)
    except ValueError as error:
        raise WeightsError(f"{path}: {error}") from None
