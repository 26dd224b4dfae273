"""Frozen values and pure functions: plan, fold, judge.  Opens nothing, asks no clock."""
