"""The page on which the chip is seen learning: its sources, and what makes one file of them (engine: messages.md)."""
