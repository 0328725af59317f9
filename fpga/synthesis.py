"""What Yosys does with the design beside its own synthesis, for a board and for the gate-level simulation."""

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


SOFT = r"""(* techmap_celltype = "$mul" *)
module multiply_by_constant (A, B, Y);
  parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1;
  parameter _TECHMAP_CONSTMSK_A_ = 0, _TECHMAP_CONSTMSK_B_ = 0;
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = !(&_TECHMAP_CONSTMSK_A_) && !(&_TECHMAP_CONSTMSK_B_);
  \$__soft_mul #(.A_SIGNED(A_SIGNED), .B_SIGNED(B_SIGNED), .A_WIDTH(A_WIDTH), .B_WIDTH(B_WIDTH), .Y_WIDTH(Y_WIDTH))
    _TECHMAP_REPLACE_ (.A(A), .B(B), .Y(Y));
endmodule
"""

MULTIPLIERS = r"""synth_ecp5 -run begin:coarse -top top
proc
flatten
opt_expr
opt_clean
opt -nodffe -nosdff
fsm
opt
wreduce
peepopt
opt_clean
techmap -map multipliers.v
techmap -map +/mul2dsp.v -D DSP_NAME=$__MUL18X18 -D DSP_A_MAXWIDTH=18 -D DSP_B_MAXWIDTH=18 \
  -D DSP_A_MINWIDTH=6 -D DSP_B_MINWIDTH=6
"""
"""For an ECP5, the beginning of its synthesis: which multiplications become multipliers (MULT18X18D). Yosys takes one
for each product, also with a constant, and another one for the 2 bits by which a factor exceeds 18: 10 for each lane of
memristors with all faults, and the chip has 156. Here constants, and what exceeds 18 bits by less than 6, are logic: 4
for each lane."""

CLEARS_IN_LOGIC = "dffunmap -srst-only\nopt_clean\nsynth_ecp5 -run map_ffs: -top top\n"
WIDE = 64
"""For an ECP5 with so many lanes in all banks, the end of its synthesis: flip-flops that are cleared are so by their
lookup table, not by their reset input. An ECP5 has few wires to those inputs, and the detours to them took 12 to 17 ns
in `mnist`. It takes 10,000 lookup tables more."""


SOFT_FILE = "multipliers.v"
"""Name by which `MULTIPLIERS` reads `SOFT`."""


def yosys_scripts(family: str, lanes: int) -> tuple[tuple[str, ...], dict[str, str]]:
    """(options of Yosys's synthesis, Amaranth's scripts around it) of a design with so many lanes in all banks."""
    if family != "ecp5":
        return (), {"script_after_read": PREPARE + (ALL_IN_BLOCKS if family == "ice40" else "")}
    scripts = {"script_after_read": PREPARE + MULTIPLIERS}
    if lanes < WIDE:
        return ("-run", "coarse:"), scripts
    return ("-run", "coarse:map_ffs"), scripts | {"script_after_synth": CLEARS_IN_LOGIC}
