"""Proofs about the circuit: for all inputs and states that a property speaks of, not for those that a test tried.

A proof is a function in `formal/rtl/`, in the file that bears its component's name. `make prove` runs all of them.
"""
