"""How fast, beside what could be at best: every figure with its floor, taken in the same run."""
