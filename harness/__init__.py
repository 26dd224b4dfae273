"""Benchmark reproduction harness: retrain reference models, compare with published numbers.

This file is copied into every run's snapshot, so it imports nothing.
"""

__version__ = "0.1.0"
