"""Runs inside a framework's environment: standard library, numpy and that framework.

Imports nothing of the harness but ``harness.wire``.  Started from a run's snapshot by
``__main__`` and never imported by the orchestrator.
"""
