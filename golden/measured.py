"""Files of measured devices (device.file): CSV or NPZ, docs/devices.md.

A file with the columns layer, row and column says where its devices stand; a synapse that it leaves out, and every
synapse of a file without these columns, has one of the file's devices, drawn by device.seed and the synapse's place.
"""

from __future__ import annotations

import csv
import io
import itertools
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from eqspike.base.npz import NpzError, open_npz
from eqspike.base.printable import cut, shown
from eqspike.base.reading import open_regular
from eqspike.golden.config import Config
from eqspike.golden.device_section import FREE
from eqspike.golden.device_words import device_seeds, device_words
from eqspike.golden.spreadsheet import LONGEST_LINE, SheetError, number, read_sheet
from eqspike.golden.validation import ConfigError

Refuse = Callable[[str], ConfigError]
"""Makes the error of what is wrong with a file."""
PLACE = ("layer", "row", "column")
COLUMNS = ("slope_up", "slope_down", "threshold_up", "threshold_down", "stuck")
"""Parameters of a device in a file of measurements, besides its place: layer, row, column."""
PULSES = {"pulse", "direction", "conductance"}
"""First words of columns of pulse-response curves (`lab.fit`); a file that has two of them is none of devices."""
MOST_LISTED = 1_000_000
"""Devices of a file that does not say where they stand."""
LARGEST = {"slope_up": 8.0, "slope_down": 8.0, "threshold_up": 1e9, "threshold_down": 1e9, "stuck": 2.0}


class DeviceFile(NamedTuple):
    """The devices that a file has, and where they stand."""

    values: dict[str, np.ndarray]
    """For each of `COLUMNS` an array of shape (devices,)."""
    place: np.ndarray | None
    """Layer, row and column of each, shape (devices, 3); None: a list, from which every synapse draws."""

    def layer(self, number: int) -> np.ndarray:
        """Numbers of the file's devices that stand in a layer of synapses, shape (devices there,)."""
        return np.flatnonzero(self.place[:, 0] == number) if self.place is not None else np.zeros(0, np.int64)


def read_devices(config: Config) -> list[dict[str, np.ndarray]]:
    """The devices of device.file: for each layer of synapses, arrays of shape (presynaptic + 1, postsynaptic).

    The table has any of `COLUMNS`: slopes over the nominal slope, thresholds in volts (both positive), stuck 0, 1 (on)
    or 2 (off); what is missing is nominal. With the columns layer, row, column (all from 0; the bias is the last row) a
    device stands at its place; all other synapses draw one. Slopes and thresholds are device.file_spread times as far
    from their mean as in the file. Raises `ConfigError`, which names the file and the first device that is wrong.
    """
    found = read_file(config)
    layers, seed = config.network.layers, device_seeds(config).slopes
    out = []
    for layer in range(len(layers) - 1):
        chosen = device_words(config, layer, seed) * len(found.values["stuck"]) >> 32
        if len(here := found.layer(layer)):
            chosen[found.place[here, 1], found.place[here, 2]] = here
        out.append({name: values[chosen] for name, values in found.values.items()})
    return out


def read_file(config: Config) -> DeviceFile:
    """What device.file holds, its spread scaled. Raises `ConfigError`, which names the file."""
    path, device = Path(config.device.file), config.device

    def refuse(what: str) -> ConfigError:
        return ConfigError(f"device.file: {path}: {what}")

    sizes = config.network.layers
    devices = sum((before + 1) * after for before, after in itertools.pairwise(sizes))
    # Somewhat more are read, so that a table of another network is told by the first device that does not fit.
    table = _read_table(path, 4 * devices + 1000, refuse)
    _check_columns(table, refuse)
    _check_values(table, refuse)
    nominal = {"threshold_up": device.threshold_up, "threshold_down": device.threshold_down, "stuck": float(FREE)}
    count = len(next(iter(table.values())))
    values = {name: table.get(name, np.full(count, nominal.get(name, 1.0))) for name in COLUMNS}
    place = None
    if "layer" in table:
        place = np.stack([table[name].astype(np.int64) for name in PLACE], axis=1)
        _check_places(place, sizes, refuse)
    return DeviceFile(_scaled(values, device.file_spread), place)


def _scaled(values: dict[str, np.ndarray], spread: float) -> dict[str, np.ndarray]:
    """The devices, `spread` times as far from the mean as they are; a stuck one tells nothing of the mean."""
    free = values["stuck"] == FREE
    if spread == 1 or not free.any():
        return values
    scaled = {
        name: np.clip(array[free].mean() * (1 - spread) + spread * array, 0, LARGEST[name])
        for name, array in values.items()
        if name != "stuck"
    }
    return scaled | {"stuck": values["stuck"]}


def _check_values(table: dict[str, np.ndarray], refuse: Refuse) -> None:
    """Raise for the first number that no device has."""
    if len({len(values) for values in table.values()}) != 1:
        raise refuse("columns of different lengths")
    if not len(next(iter(table.values()))):
        raise refuse("has no devices")
    for name, values in table.items():
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise refuse(f"entry {bad[0] + 1}, {name}: {values[bad[0]]} is not a number")
        high = LARGEST.get(name, 1e9)
        bad = np.flatnonzero((values < 0) | (values > high))
        if len(bad):
            raise refuse(f"entry {bad[0] + 1}, {name}: {values[bad[0]]:g}; allowed: 0 to {high:g}")
        bad = np.flatnonzero(values != np.rint(values)) if name in (*PLACE, "stuck") else ()
        if len(bad):
            raise refuse(f"entry {bad[0] + 1}: {name} must be whole numbers, not {values[bad[0]]:g}")


def _check_places(place: np.ndarray, sizes: tuple[int, ...], refuse: Refuse) -> None:
    """Raise for the first device that stands outside the network, or where another one stands."""
    for layer in range(len(sizes) - 1):
        shape = (sizes[layer] + 1, sizes[layer + 1])
        row, column = place[place[:, 0] == layer, 1:].T
        outside = np.flatnonzero((row >= shape[0]) | (column >= shape[1]))
        if len(outside):
            at = outside[0]
            has = f"this layer has {shape[0]} rows and {shape[1]} columns"
            raise refuse(f"layer {layer}, row {row[at]}, column {column[at]}: {has}")
        count = np.zeros(shape, np.int64)
        np.add.at(count, (row, column), 1)
        wrong = np.argwhere(count > 1)
        if len(wrong):
            at = tuple(wrong[0])
            where = f"the device at layer {layer}, row {at[0]}, column {at[1]}"
            raise refuse(f"{where} is there {count[at]} times; {len(wrong)} such in this layer")
    beyond = np.flatnonzero(place[:, 0] >= len(sizes) - 1)
    if len(beyond):
        what = f"layer {place[beyond[0], 0]}; this network has {len(sizes) - 1} layers of synapses"
        raise refuse(f"entry {beyond[0] + 1}: {what}")


def mean_slopes(config: Config) -> tuple[float, float]:
    """The mean slope (up, down) of the devices in device.file, relative to the nominal ones; stuck ones aside."""
    layers = read_devices(config)
    free = np.concatenate([layer["stuck"].ravel() == 0 for layer in layers])
    means = [np.concatenate([layer[name].ravel() for layer in layers])[free] for name in ("slope_up", "slope_down")]
    return tuple(float(values.mean()) if len(values) else 1.0 for values in means)


def _check_columns(names: Iterable[str], refuse: Refuse) -> None:
    """Raise where a column is not known, or some of a place are missing."""
    names = list(names)
    if len(PULSES & {re.split(r"[ _(\[]", name.lower())[0] for name in names}) > 1:
        raise refuse("has pulse-response curves, not devices; 'eqspike device fit FILE' makes a preset of them")
    unknown = sorted(set(names) - {*PLACE, *COLUMNS})
    missing = [name for name in PLACE if name not in names]
    what = None
    if unknown:
        what = f"unknown column {shown(unknown[0])}"
    elif 0 < len(missing) < len(PLACE):
        what = f"no column {missing[0]!r}"
    elif not set(names) & set(COLUMNS) and missing:
        what = "no column of a device"
    if what:
        known = f"columns are any of {', '.join(COLUMNS)}, and layer, row, column (all three, or none for a list)"
        raise refuse(f"{what}; {known}")


def _most(names: Iterable[str], most: int) -> int:
    """Devices that a file may have: `most` where it says where they stand."""
    return most if "layer" in names else max(most, MOST_LISTED)


def _read_table(path: Path, most: int, refuse: Refuse) -> dict[str, np.ndarray]:
    """Columns of a CSV file with a header, or the one-dimensional arrays of an NPZ file, as floats: at most `most`
    devices."""
    try:
        if path.suffix == ".npz":
            return _read_npz(path, most, refuse)
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > LONGEST_LINE * (max(most, MOST_LISTED) + 1):
                raise refuse(f"is larger than a table of {max(most, MOST_LISTED):,} devices")
            with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:  # -sig: a byte-order mark is skipped
                return _read_csv(text, most, refuse)
    except OSError as error:
        raise refuse(f"cannot be read: {error.strerror or error}") from None
    except SheetError as error:
        raise refuse(str(error)) from None
    except (NpzError, UnicodeDecodeError, csv.Error) as error:
        raise refuse(f"is not a table of devices: {error}") from None


def _read_npz(path: Path, most: int, refuse: Refuse) -> dict[str, np.ndarray]:
    with open_npz(path) as archive:
        most = _most(archive.headers, most)
        for name, header in archive.headers.items():
            if header.size > most:
                raise refuse(f"{cut(name, 40)}: {header.size:,} entries; at most {most:,} for this network")
            if header.dtype.kind not in "biuf":
                raise NpzError(f"could not convert string to float in {cut(name, 40)}: it holds {header.dtype}")
        return {name: archive.array(name).astype(np.float64).reshape(-1) for name in archive.headers}


def _read_csv(file: TextIO, most: int, refuse: Refuse) -> dict[str, np.ndarray]:
    header, separator, rows = read_sheet(file)
    _check_columns(header, refuse)
    most = _most(header, most)
    columns: list[list[float]] = [[] for _ in header]
    for line, row in rows:
        if len(columns[0]) == most:
            raise refuse(f"line {line}: more than {most:,} devices, which are too many for this network")
        for values, name, text in zip(columns, header, row, strict=True):
            try:
                values.append(number(text, separator))
            except ValueError:
                raise refuse(f"line {line}, {name}: {shown(text)} is not a number") from None
    return {name: np.array(values, np.float64) for name, values in zip(header, columns, strict=True)}
