"""The page on which the chip is seen learning: its sources, and what makes one file of them (its engine: messages.md)."""
