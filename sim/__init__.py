"""Runs the circuit in a simulator: builds, drivers, engines, and the cocotb jobs that commands use."""
