"""The tables and figures of the thesis in YAML, run by `eqspike reproduce`."""
