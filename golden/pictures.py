"""images:DIR, a data set as pictures: a folder for each class, whose name is the class's; DIR/train and DIR/test where
it has a test part of its own.

A picture becomes grey, is resized to the network's square, and its white is 255. Pillow reads only the kinds of
`FORMATS`: none of them runs a program.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eqspike.base.printable import cut
from eqspike.base.reading import open_regular
from eqspike.golden.classes import MOST, numbered
from eqspike.golden.idx import DataError

FORMATS = {
    "PNG": (".png",), "JPEG": (".jpg", ".jpeg"), "BMP": (".bmp",), "GIF": (".gif",), "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",), "PPM": (".pgm", ".ppm", ".pbm", ".pnm"),
}  # fmt: skip
"""Pillow's names, and the files' suffixes."""
SUFFIXES = tuple(suffix for own in FORMATS.values() for suffix in own)
IGNORED = ("thumbs.db", "desktop.ini")
"""Files that systems put beside pictures, besides those with a dot in front."""
PARTS = ("train", "test")
MOST_FILES = 200_000
MOST_PIXELS = 2**26
"""Of one picture, as it is in its file."""
MOST_BYTES = 2**30
"""Of all pictures, as the network takes them."""


class Pictures(NamedTuple):
    """What a folder holds: unsigned bytes of shape (pictures, pixels), and their classes."""

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    test: tuple[np.ndarray, np.ndarray] | None


def read_pictures(folder: Path, inputs: int) -> Pictures:
    """The pictures of a folder as squares of `inputs` pixels. Raises `DataError`, which names folder or file."""
    side = math.isqrt(inputs)
    try:
        parts = [_files(part) for part in _parts(folder)]
    except OSError as error:
        raise DataError(f"{error.filename or folder}: cannot be read: {error.strerror or error}") from None
    if (count := sum(map(len, parts))) > MOST_FILES:
        raise DataError(f"{folder}: {count:,} pictures; at most {MOST_FILES:,} are read")
    if side * side != inputs or side < 2:
        names = len({path.parent.name for part in parts for path in part})
        raise DataError(
            f"{folder}: pictures become squares, but network.layers begins with {inputs}: a square number, e.g. "
            f"--set 'network.layers=[784,32,{names}]' for 28 x 28 pixels"
        )
    if count * inputs > MOST_BYTES:
        raise DataError(f"{folder}: {count:,} pictures of {inputs} pixels are more than {MOST_BYTES:,} bytes")
    labels, classes = numbered([path.parent.name for part in parts for path in part], str(folder))
    images = np.zeros((count, inputs), np.uint8)
    for place, path in enumerate(path for part in parts for path in part):
        images[place] = read_picture(path, side).reshape(-1)
    first = len(parts[0])
    test = (images[first:], labels[first:]) if len(parts) > 1 else None
    return Pictures(images[:first], labels[:first], classes, test)


def _visible(folder: Path) -> list[Path]:
    """What is in a folder, by name."""
    return [
        path for path in sorted(folder.iterdir()) if not path.name.startswith(".") and path.name.lower() not in IGNORED
    ]


def _parts(folder: Path) -> list[Path]:
    """The folders of the training and the test part; the folder itself where it has none."""
    names = {path.name for path in _visible(folder)}
    if "train" not in names or not names <= set(PARTS):
        return [folder]
    return [folder / part for part in PARTS if part in names]


def _files(folder: Path) -> list[Path]:
    """The pictures of a part. Raises `DataError` for what is neither picture nor folder of a class."""
    classes = _visible(folder)
    if stray := next((path for path in classes if not path.is_dir()), None):
        raise DataError(f"{stray}: stands beside the folders of the classes; a picture belongs into one of them")
    if not classes or len(classes) > MOST:
        raise DataError(f"{folder}: {len(classes):,} folders; expected one for each class, with its pictures")
    found = []
    for own in classes:
        files = _visible(own)
        if wrong := next((path for path in files if path.suffix.lower() not in SUFFIXES), None):
            raise DataError(f"{wrong}: is no picture of a kind that is read: {', '.join(SUFFIXES)}")
        if not files:
            raise DataError(f"{own}: no picture in it")
        found += files
    return found


def read_picture(path: Path, side: int) -> np.ndarray:
    """A picture in grey, unsigned bytes of shape (side, side). Raises `DataError`, which names the file."""
    from PIL import Image, ImageOps

    try:
        # A warning of a damaged file is as good as an error, and one of many pixels comes too late.
        with warnings.catch_warnings(action="error"), open_regular(path) as file:
            with Image.open(file, formats=tuple(FORMATS)) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise DataError(
                        f"{path}: {image.width} x {image.height} pixels; at most {MOST_PIXELS:,} of a picture are read"
                    )
                grey = _grey(ImageOps.exif_transpose(image))
                if grey.size != (side, side):
                    grey = grey.resize((side, side), Image.Resampling.BILINEAR)
                return np.asarray(grey, np.uint8)
    except (DataError, MemoryError):
        raise
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {cut(error.strerror or str(error), 120)}") from None
    except Exception as error:  # a damaged picture raises whatever its reader trips over
        raise DataError(f"{path}: cannot be read as a picture: {cut(str(error), 120)}") from None


def _grey(image):
    """A picture of bytes in grey; what is transparent becomes white, as a page shows it."""
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits a pixel
        return Image.fromarray((np.clip(np.asarray(image, np.int64), 0, 65535) >> 8).astype(np.uint8))
    if "A" in image.getbands() or "transparency" in image.info:
        clear = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
    return image.convert("L")
