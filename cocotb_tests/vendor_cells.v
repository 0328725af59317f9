// What the FPGAs' cells around a board's top do, as far as the tops use them. Times in ns.

// Until a PLL has locked its clock runs too, now too fast and now too slow.
module pll_model(input pin, output reg out, output reg loop, output reg locked);
  parameter real RATE = 1.0;  // of `loop`, in cycles a cycle of the pin
  parameter real APART = 1.0;  // of `out`, in cycles a cycle of `loop`
  parameter integer LOCKS_AFTER = 60;  // cycles of the pin
  realtime last, period;
  integer cycles;
  initial begin
    out = 0;
    loop = 0;
    locked = 0;
    cycles = 0;
    last = 0;
    period = 0;
  end
  always @(posedge pin) begin
    period = $realtime - last;
    last = $realtime;
    cycles = cycles + 1;
    if (cycles > LOCKS_AFTER) locked = 1;
  end
  always begin
    wait (cycles > 1);
    #(period / RATE / APART / 2 * (locked ? 1.0 : cycles % 3 == 0 ? 0.4 : 1.7)) out = ~out;
  end
  always begin
    wait (cycles > 1);
    #(period / RATE / 2 * (locked ? 1.0 : cycles % 3 == 0 ? 0.4 : 1.7)) loop = ~loop;
  end
endmodule

module SB_PLL40_PAD(input PACKAGEPIN, input RESETB, input BYPASS, output PLLOUTGLOBAL, output LOCK);
  parameter FEEDBACK_PATH = "";
  parameter [3:0] DIVR = 0;
  parameter [6:0] DIVF = 0;
  parameter [2:0] DIVQ = 0;
  parameter [2:0] FILTER_RANGE = 0;
  wire ignored;
  pll_model #(.RATE((DIVF + 1.0) / (DIVR + 1.0) / (1 << DIVQ))) model(PACKAGEPIN, PLLOUTGLOBAL, ignored, LOCK);
endmodule

module SB_IO(inout PACKAGE_PIN, input D_OUT_0, input OUTPUT_ENABLE, output D_IN_0);
  parameter [5:0] PIN_TYPE = 0;
  parameter IO_STANDARD = "";
  // 6 is an output that is always on, 10 one with an enable.
  assign PACKAGE_PIN = PIN_TYPE[5:2] == 6 || (PIN_TYPE[5:2] == 10 && OUTPUT_ENABLE) ? D_OUT_0 : 1'bz;
  assign D_IN_0 = PACKAGE_PIN;
endmodule

module EHXPLLL(
  input CLKI, input CLKFB, input RST, input STDBY, input PHASESEL0, input PHASESEL1, input PHASEDIR, input PHASESTEP,
  input PHASELOADREG, input PLLWAKESYNC, input ENCLKOP, input ENCLKOS, output CLKOP, output CLKOS, output LOCK
);
  parameter FEEDBK_PATH = "";
  parameter CLKOP_ENABLE = "";
  parameter CLKOS_ENABLE = "DISABLED";
  parameter integer CLKI_DIV = 1, CLKFB_DIV = 1;
  parameter integer CLKOP_DIV = 8, CLKOP_CPHASE = 0, CLKOP_FPHASE = 0;
  parameter integer CLKOS_DIV = 8, CLKOS_CPHASE = 0, CLKOS_FPHASE = 0;
  pll_model #(.RATE(1.0 * CLKFB_DIV / CLKI_DIV), .APART(1.0 * CLKOP_DIV / CLKOS_DIV)) model(CLKI, CLKOS, CLKOP, LOCK);
endmodule

module DCCA(input CLKI, input CE, output CLKO);
  reg enabled;
  initial enabled = 0;
  // Without a latch in front of it, half a clock pulse might pass.
  always @(CLKI or CE) if (!CLKI) enabled = CE;
  assign CLKO = CLKI & enabled;
endmodule

module IB(input I, output O);
  assign O = I;
endmodule

module OBZ(input I, input T, output O);
  assign O = T ? 1'bz : I;
endmodule

module FD1S3AX(input CK, input D, output reg Q);
  parameter GSR = "";
  initial Q = 0;
  always @(posedge CK) Q <= D;
endmodule

// Flip-flops come up with their initial values: the global reset has nothing to add.
module SGSR(input CLK, input GSR);
endmodule

module IBUF(input I, output O);
  assign O = I;
endmodule

module TBUF(input I, input OEN, output O);
  assign O = OEN ? 1'bz : I;
endmodule
