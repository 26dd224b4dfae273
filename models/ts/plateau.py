"""The learning rate by Keras' ReduceLROnPlateau, for both frameworks."""

from __future__ import annotations

from typing import Any, Dict


class Plateau:
    """Lower the rate when the loss has not fallen for a while.

    Keras' rule: a loss counts as better when it is below the best by more than ``min_delta``,
    absolute; after ``patience`` epochs without that the rate is multiplied by ``factor``, never
    below ``minimum``, and the count starts anew.  (PyTorch's scheduler measures its threshold
    relative to the best loss and waits one epoch longer, so it is not used.)
    """

    def __init__(self, hparams: Dict[str, Any]) -> None:
        self.learning_rate = float(hparams["learning_rate"])
        self._factor = float(hparams["plateau_factor"])
        self._patience = int(hparams["plateau_patience"])
        self._min_delta = float(hparams["plateau_min_delta"])
        self._minimum = float(hparams["min_learning_rate"])
        self._best = float("inf")
        self._waited = 0

    def after_epoch(self, loss: float) -> float:
        """The rate of the next epoch."""
        if loss < self._best - self._min_delta:
            self._best, self._waited = loss, 0
            return self.learning_rate
        self._waited += 1
        if self._waited >= self._patience:
            self.learning_rate = max(self.learning_rate * self._factor, self._minimum)
            self._waited = 0
        return self.learning_rate
