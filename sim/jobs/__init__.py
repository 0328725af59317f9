"""What cocotb runs inside the simulator on behalf of commands: one module for each job."""
