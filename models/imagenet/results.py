"""What is told after an epoch, of those metrics that the recipe declares."""

from __future__ import annotations

from typing import Any, Dict


def report(run: Any, epoch: int, found: Dict[str, float], best: Dict[str, float]) -> bool:
    """Each of ``found``, and as ``best_...`` the largest so far: some papers choose the epoch by the test images.

    Whether top-1 has come to ``hparams["target_top1"]``, where a training ends that is measured by how many epochs
    that takes (MLPerf): ``epochs_to_target``.
    """
    for name, value in found.items():
        best[name] = max(value, best.get(name, value))
        for told, number in ((name, value), ("best_" + name, best[name])):
            if told in run.metrics:
                run.metric(told, number)
    reached = found["top1"] >= run.hparams.get("target_top1", float("inf"))
    if reached:
        run.metric("epochs_to_target", epoch + 1)
    return reached
