"""Presets in YAML: one file for each network; `odd/` holds small ones for tests, `sweeps/` rows of changes."""
