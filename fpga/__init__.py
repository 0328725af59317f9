"""Boards, clocks, pins, build and timing reports, and the software side of the host link."""
