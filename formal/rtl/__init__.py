"""Proofs, by the file of `rtl/` that they speak of."""
