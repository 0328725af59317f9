"""The core under a host that uses its ports at awkward times."""

import pytest

from cocotb_tests import sim_ports
from cocotb_tests.bench import simulate


@pytest.mark.parametrize("job", sim_ports.JOBS)
def test_ports(job):
    report = simulate("sim_ports", job, "icarus")
    assert report["compared"]["key"] >= sim_ports.IMAGES
    seen = ["key loaded at the beginning", "key loaded in an image", "key loaded at the end", "halvings in an image",
            "weights read in an image", "an image offered while a result waits"]  # fmt: skip
    if sim_ports.JOBS[job].get("resets", True):
        seen.append("reset")
    assert min(report["seen"].get(what, 0) for what in seen) > 0, report["seen"]
