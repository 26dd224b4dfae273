"""When a training ends and which weights are tested, by the published code, for both frameworks."""

from __future__ import annotations


class Patience:
    """PetarV-/GAT, execute_cora.py.

    An epoch counts as progress where validation accuracy or loss is as good as ever; after
    ``epochs`` epochs in a row without it the training ends.  Weights are kept only where both are as good as ever.
    """

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._waited = 0
        self._accuracy = 0.0
        self._loss = float("inf")

    def keeps(self, accuracy: float, loss: float) -> bool:
        """Take note of an epoch; whether its weights are to be kept."""
        accurate, low = accuracy >= self._accuracy, loss <= self._loss
        self._accuracy, self._loss = max(accuracy, self._accuracy), min(loss, self._loss)
        self._waited = 0 if accurate or low else self._waited + 1
        return accurate and low

    @property
    def exhausted(self) -> bool:
        return self._waited >= self._epochs
