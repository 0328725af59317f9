"""Proofs of the host link's parts."""
