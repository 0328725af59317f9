"""From pulse-response curves to a preset's devices: read them, sort the devices, fit eq 3.2, write the preset."""
