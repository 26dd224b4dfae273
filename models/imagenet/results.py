"""What is told after an epoch, of those metrics that the recipe declares."""

from __future__ import annotations

from typing import Any, Dict


def report(run: Any, found: Dict[str, float], best: Dict[str, float]) -> None:
    """Each of ``found``, and as ``best_...`` the largest so far: some papers choose the epoch by the test images."""
    for name, value in found.items():
        best[name] = max(value, best.get(name, value))
        for told, number in ((name, value), ("best_" + name, best[name])):
            if told in run.metrics:
                run.metric(told, number)
