"""The buffer of frames refuses a size in which its longest frame never finds room."""

from __future__ import annotations

import pytest

from eqspike.rtl.link.frame import FrameReceiver
from eqspike.rtl.link.protocol import HEADER


def test_the_longest_frame_finds_room() -> None:
    """One byte stays free: a ring that is full would look empty."""
    FrameReceiver(64 - HEADER - 1, 64)
    for longest, size in ((64 - HEADER, 64), (64, 64), (10, 60)):
        with pytest.raises(ValueError, match=f"size: {size} is not valid"):
            FrameReceiver(longest, size)
