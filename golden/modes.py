"""Modes of an image: what the chip does with it."""

INFER, LEARN, INFER_FIRST_SPIKE = 0, 1, 2
"""The free phase only; both phases; the free phase up to the first output spike."""
