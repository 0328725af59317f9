"""cocotb: frames of more than 255 bytes on the link: images as large as MNIST's, against the model of `sim_link`.

COBS has codes for runs of up to 254 bytes without a zero: runs around that length stand in the images, and runs of
zeros. What is wrong stands far behind the 255th byte.
"""

from __future__ import annotations

import cocotb
import numpy as np
from amaranth.lib import wiring
from cobs import cobs

from cocotb_tests import networks, sim_link
from cocotb_tests.bench import config_data
from eqspike.golden.modes import INFER, LEARN
from eqspike.rtl.link import protocol
from eqspike.sim import harness

INPUTS = 784
SHORT = {
    "network": {"layers": [INPUTS, 3, 2]},
    "rate": {"delay": 3},
    "learning": {"free_steps": 6, "nudge_steps": 4, "window": 4},
    "hardware": {"lanes": 3, "input_lanes": 16},
}
JOBS = {
    "byte": {"config": config_data(**networks.TINY | SHORT | {"input": {"full_scale": 128}}), "seed": 960},
    # Pixels of two bytes: a frame of 1,576.
    "two_bytes": {"config": config_data(**networks.TINY | SHORT | {"input": {"full_scale": 1024}}), "seed": 961},
}
RUNS = (252, 253, 254, 255, 256, 508, 509, 783)
"""Pixels without a zero between two zeros."""
ROWS = 40
"""Words of weights that are written: those of as many inputs."""


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return sim_link.make(job)


class LongFrames(sim_link.Stimulus):
    """Images that are learned, ones that are refused, and weights before and after."""

    def pieces(self) -> object:
        """All pieces. The chip has answered each before the next is asked for, in the model."""
        sizes = self.chip.sizes
        yield self.whole("identify", sequence=self.random.randrange(256))
        words = self.random.sample(range(sizes.words), ROWS) + list(range(sizes.words - 5, sizes.words))
        for word in words:
            yield self.write(word)
        for image in self.long_images():
            good = self.image(image, self.random.choice([LEARN, LEARN, INFER]))
            for bad in self.hurt_frames(good):
                self.hurt += 1
                yield bad
            yield good
            # While that image is learned, the next rate already waits: it counts from the next image on.
            yield self.whole("write_register", number=1, value=self.random.choice([0, 0x11]))
            if self.random.random() < 0.5:
                yield self.wrong_image(image)
        yield self.whole("present", rest=bytes(sizes.image_bytes - 1), mode=LEARN, label=0)
        for word in words:
            yield self.whole("read_weights", word=word, lane=0, count=sizes.lanes)
        for number, register in self.chip.registers.items():
            if register.name != "cycles":
                yield self.whole("read_register", number=number)

    def long_images(self) -> list[np.ndarray]:
        """Black, white, noise, and runs of pixels without a zero."""
        full = self.chip.config.input.full_scale
        noise = np.array([self.random.randint(1, full) for _ in range(INPUTS)])
        sparse = np.array([self.random.choice([0, 0, self.random.randint(1, full)]) for _ in range(INPUTS)])
        images = [np.zeros(INPUTS, np.int64), np.full(INPUTS, full), noise, sparse]
        for run in RUNS:
            image, at = noise.copy(), self.random.randrange(0, INPUTS - run)
            image[at] = 0
            image[at + run + 1 :] = 0
            images.append(image)
        return images

    def image(self, pixels: np.ndarray, mode: int) -> bytes:
        """The frame that presents an image."""
        raw = b"".join(int(pixel).to_bytes(self.chip.sizes.pixel_bytes, "little") for pixel in pixels)
        return self.whole("present", rest=raw, mode=mode, label=self.random.randrange(self.chip.sizes.outputs))

    def wrong_image(self, pixels: np.ndarray) -> bytes:
        """One whose last pixel is too bright, in a frame that is whole."""
        wide = 1 << (8 * self.chip.sizes.pixel_bytes)
        full = self.chip.config.input.full_scale
        if full + 1 == wide:
            return self.image(pixels[:-1], LEARN)
        pixels = pixels.copy()
        pixels[-1] = self.random.choice([full + 1, wide - 1])
        return self.image(pixels, LEARN)

    def hurt_frames(self, good: bytes) -> list[bytes]:
        """That frame with one bit turned over behind byte 255; without its last byte; with a zero more; too long."""
        frame = cobs.decode(good[:-1])
        at = self.random.randrange(256, len(frame) - protocol.CRC_BYTES)
        flipped = frame[:at] + bytes([frame[at] ^ 1 << self.random.randrange(8)]) + frame[at + 1 :]
        return [
            cobs.encode(hurt) + b"\0"
            for hurt in (flipped, frame[:-1], frame + b"\0", frame + bytes(self.random.randint(1, 9)))
        ]


@cocotb.test(timeout_time=100, timeout_unit="sec")
async def long_frames(dut: object) -> None:
    """The stimulus; every answer as the model has it."""
    await sim_link.exchange(dut, harness.job(), LongFrames)
