"""A network of the chip for use from Python: train it on arrays, ask it, keep it, hand it on."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from eqspike.arrays import labelled, pixels, table_features
from eqspike.base.errors import InputError, UsageProblem
from eqspike.base.files import write_bytes, write_json, write_text
from eqspike.base.locks import locked
from eqspike.base.places import package_folder
from eqspike.base.reading import read_json
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_text, load_config, resolve_preset
from eqspike.golden.data import Split
from eqspike.golden.features import Encoding
from eqspike.golden.modes import INFER, INFER_FIRST_SPIKE
from eqspike.golden.network import Network as Model
from eqspike.golden.validation import ConfigError
from eqspike.lab.checkpoint import new_run
from eqspike.lab.engines import open_engine
from eqspike.lab.train import Epoch, History, beginning, train
from eqspike.lab.weights import load_weights, save_weights

EngineName = Literal["golden", "rtl"]
"""What trains: the NumPy model, or the circuit in a simulator, which gives the same to the bit, far slower."""
ENGINES: tuple[str, ...] = get_args(EngineName)


def presets() -> tuple[str, ...]:
    """Names of the networks that come with the package."""
    return tuple(sorted(path.stem for path in package_folder("configs").glob("*.yaml")))


class Network:
    """A network with its weights, as the chip has them.

    Parameters:
        preset: name of a preset (`presets`), path of a YAML file, or a `Config`.
        changes: keys of the config with their new values, as `--set` of the command line takes them:
            `{"network.layers": [64, 100, 10], "training.epochs": 5, "synapses.0.bits": 8}`.

    Raises:
        ConfigError: the preset or a change is not valid; the message names file, key, value and what is allowed.

    The weights before training follow from `training.seed`. Two networks of the same config that learn the same images
    have the same weights; in fixed point on any machine.
    """

    def __init__(
        self, preset: str | os.PathLike[str] | Config = "digits", changes: Mapping[str, Any] | None = None
    ) -> None:
        if isinstance(preset, Config):
            if changes:
                raise ConfigError("changes belong to a preset or a file; change a Config by its method replace")
            self._config = preset
        else:
            assignments = [f"{key}={json.dumps(value)}" for key, value in (changes or {}).items()]
            self._config = load_config(resolve_preset(os.fspath(preset)), assignments, "changes")
        self._reached = beginning(self._config)
        self._model = Model(self._config)
        self._encoding = Encoding()

    @property
    def config(self) -> Config:
        """All settings; frozen."""
        return self._config

    @property
    def history(self) -> tuple[Epoch, ...]:
        """What each epoch so far did."""
        return self._reached.epochs

    @property
    def weights(self) -> tuple[np.ndarray, ...]:
        """A copy of the weights: one array a layer of synapses, shape (presynaptic + 1, postsynaptic), bias last.

        Integers, in steps of the layer's smallest weight, or floats with number.format real. Weights that are set must
        have the same shapes and range (`InputError`); the history and the place in the stream of random draws stay.
        """
        return tuple(np.array(layer) for layer in self._model.weights)

    @weights.setter
    def weights(self, weights: Sequence[np.ndarray]) -> None:
        for index, layer in enumerate(weights):
            if not self._model.real and np.asarray(layer).dtype.kind not in "iu":
                raise InputError(f"weights of layer {index}: {np.asarray(layer).dtype}; expected integers")
        try:
            self._model.load_weights(weights)
        except ValueError as error:
            raise InputError(str(error)) from None
        self._reached = dataclasses.replace(self._reached, weights=tuple(map(np.array, self._model.contents)))

    def train(
        self,
        images: ArrayLike,
        labels: ArrayLike,
        *,
        epochs: int | None = None,
        test: tuple[ArrayLike, ArrayLike] | None = None,
        engine: EngineName = "golden",
        callback: Callable[[Epoch], bool | None] | None = None,
    ) -> tuple[Epoch, ...]:
        """Learn `images`, shape (n, inputs), floats in [0, 1] or uint8, with `labels`, integers of shape (n,).

        Parameters:
            images: each is shown once an epoch, in an order drawn from training.seed.
            labels: numbers of outputs.
            epochs: how many more [default: the config's training.epochs].
            test: images and labels on which each epoch is judged; without them `test_accuracy` is None.
            engine: "golden" or "rtl".
            callback: called with each epoch once it is done; when it returns True, the training ends there.

        Returns:
            All epochs so far, as `history`. Training goes on where it ended: epochs 0 to 9 and then 10 to 19 give what
            20 at once give, to the bit.

        Raises:
            InputError: an array has the wrong shape, type or range, or an argument is none of those allowed.
        """
        data = self._split(images, labels, test)
        more = self._config.training.epochs if epochs is None else epochs
        if not isinstance(more, int | np.integer) or more < 0:
            raise InputError(f"epochs: {epochs!r}; expected an integer, 0 or more")
        if engine not in ENGINES:
            raise InputError(f"engine: {engine!r}; allowed: {', '.join(ENGINES)}")
        planned = dataclasses.replace(self._config.training, epochs=len(self.history) + int(more))
        config = self._config.replace(training=planned)

        def on_epoch(reached: History) -> bool | None:
            self._keep(reached)
            return callback(reached.epochs[-1]) if callback else None

        with open_engine(engine, config) as trainer:
            train(config, trainer, data, name=engine, start=self._reached, on_epoch=on_epoch)
        return self.history

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of the outputs, of a network trained on a data set that names them."""
        return self._encoding.classes

    def scale_features(self, features: ArrayLike, columns: Sequence[str] = ()) -> np.ndarray:
        """Numbers of a table, shape (n, features), as `predict` takes them: floats in [0, 1], shape (n, inputs).

        For a network that `eqspike train` made of a table (docs/your-data.md): each column is scaled by its lowest and
        highest value in that training's data and cut off there. With `columns`, the table's names, the columns are
        found by name. Raises `InputError` for another network and for a table that does not fit.
        """
        if not self._encoding.low:
            raise InputError("the network was not trained on a table: nothing says how its features were scaled")
        return table_features(features, tuple(columns), self._encoding, self._config)

    def predict(self, images: ArrayLike, *, first_spike: bool = False) -> np.ndarray:
        """The label of each image, int64 of shape (n,): the output with the most spikes at the end of the free phase,
        or with `first_spike` the first to spike, -1 when none did. Raises `InputError`."""
        return self._present(pixels(images, self._config), first_spike)

    def evaluate(self, images: ArrayLike, labels: ArrayLike, *, first_spike: bool = False) -> float:
        """Share of the images that `predict` labels right. Raises `InputError`."""
        shown, right = labelled(images, labels, self._config)
        return float(np.mean(self._present(shown, first_spike) == right))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the folder of a run, as `eqspike train` does: config.yaml, metrics.json and weights.npz. What was there
        is replaced. `Network.load` and the commands read it. Raises `UsageProblem` while a command works there."""
        out = Path(folder)
        engine = self.history[-1].engine if self.history else "golden"
        nothing = Split(*(np.zeros(0, np.int64),) * 4)
        run = dataclasses.replace(
            new_run(self._config, engine, None, nothing), command="eqspike.Network.save", epochs=self.history
        )
        done, key = len(self.history), self._reached.key
        with locked(out):
            write_text(out / "config.yaml", config_text(self._config))
            write_json(out / "metrics.json", run.to_dict())
            so_far = {"epoch": done, "key": key, "limit": None}
            save_weights(out / "weights.npz", self._config, self.weights, self._encoding, **so_far)

    def export(self, path: str | os.PathLike[str], *, board: str | None = None) -> None:
        """Write the network for another program; the suffix of `path` says how (docs/exchange.md).

        `.nir`: a graph of the neurons and synapses in real numbers. `.npz`: weights as real numbers. `.hex`: the chip's
        weight memory for $readmemh, for the lanes of `board` or, without it, of the config. Raises `UsageProblem` for
        another suffix or board, and for `.hex` of a network in real numbers.
        """
        # Imported here: `import eqspike` and training need neither NIR nor Amaranth, which take a second to start.
        from eqspike.fpga.settings import require_entry
        from eqspike.lab.nir.export import export_hex, export_npz
        from eqspike.lab.nir.write import graph_bytes, to_graph

        out, kind = Path(path), Path(path).suffix
        if board is not None:
            require_entry(self._config, board, f"board {board}")
        if kind == ".nir":
            write_bytes(out, graph_bytes(to_graph(self._config, self._model.real_weights())))
        elif kind == ".npz":
            export_npz(self._config, self._model, out, self._encoding)
        elif kind == ".hex":
            export_hex(self._config, self._model, out, board)
        else:
            raise UsageProblem(f"{path}: the suffix says no format; allowed: .nir, .npz, .hex")

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Network:
        """The network that `save` or `eqspike train` wrote to `folder`; it can go on learning.

        Raises:
            ConfigError: config.yaml is missing or not valid.
            WeightsError: weights.npz is missing, damaged, or of another network.
            UsageProblem: metrics.json does not belong to the weights.
        """
        source = Path(folder)
        network = cls(source / "config.yaml")
        saved = load_weights(source / "weights.npz", network.config)
        path = source / "metrics.json"
        try:
            entries = read_json(path)["epochs"]
            epochs = tuple(Epoch.from_dict(entry) for entry in entries[: saved.about["epoch"]])
            key = int(saved.about["key"])
        except OSError as error:
            raise UsageProblem(f"{path}: cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UsageProblem(f"{path}: does not belong to weights.npz beside it") from None
        network._encoding = saved.encoding
        network._keep(History(epochs, saved.contents, key))
        return network

    def _split(self, images: ArrayLike, labels: ArrayLike, test: tuple[ArrayLike, ArrayLike] | None) -> Split:
        learned = labelled(images, labels, self._config)
        if test is None:
            return Split(*learned, np.zeros((0, self._config.network.layers[0]), np.int64), np.zeros(0, np.int64))
        return Split(*learned, *labelled(*test, self._config, "test "))

    def _keep(self, reached: History) -> None:
        self._model.load_weights(reached.weights)
        self._reached = reached

    def _present(self, shown: np.ndarray, first_spike: bool) -> np.ndarray:
        mode = INFER_FIRST_SPIKE if first_spike else INFER
        results = self._model.present_all(shown, np.zeros(len(shown), np.int64), mode)
        return results[:, 1 if first_spike else 0].copy()
