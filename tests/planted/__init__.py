"""Regressions that were planted, and whether the harness finds them: a simulated month, and real runs."""
