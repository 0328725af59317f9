"""What Yosys does with the design before it synthesises it, for a board and for the gate-level simulation."""

from __future__ import annotations

PREPARE = r"""setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2 r:COLLISION_X_MASK=1'0 %i
rename -hide w:*\[*
alumacc *.adder_*
"""
"""Yosys commands before synthesis. First: no memory of the core is read where it is written in the same cycle, or what
is read is not used; without this Yosys surrounds every block RAM with flip-flops that give the old word then. Second:
Yosys 0.70 takes a signal named x[0] for a bit of x, and its technology mapping then fails. Third: the adders of
`rtl.adder` become carry chains before Yosys sees that one feeds the other."""


ALL_IN_BLOCKS = 'setattr -set ram_style "block" m:*\n'
"""For an iCE40, which has no other memory: Yosys would make flip-flops of a wide memory of a few words, such as the
neurons' state on many lanes."""
