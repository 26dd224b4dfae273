"""Adadelta in PyTorch for a table of word vectors, of which a batch holds few."""

from __future__ import annotations

from typing import Any, Dict, Iterable

import torch


class Adadelta:
    """Zeiler 2012, algorithm 1, its step times the rate, in the arithmetic of torch.optim.Adadelta.

    Gradients may be sparse.  A row that has none does not move, but its averages fade, so that of the whole table
    nothing but two products need be done.
    """

    def __init__(self, parameters: Iterable[torch.Tensor], hparams: Dict[str, Any]) -> None:
        self.rate, self.rho, self.epsilon = (float(hparams[key]) for key in ("learning_rate", "rho", "epsilon"))
        self.parameters = list(parameters)
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.updates = [torch.zeros_like(parameter) for parameter in self.parameters]

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        for parameter, square, update in zip(self.parameters, self.squares, self.updates):
            gradient = parameter.grad
            square.mul_(self.rho)
            if not gradient.is_sparse:
                delta = self._delta(gradient, square, update)
                update.mul_(self.rho).addcmul_(delta, delta, value=1 - self.rho)
                parameter.add_(delta, alpha=-self.rate)
                continue
            gradient = gradient.coalesce()
            rows, gradient = gradient.indices()[0], gradient.values()
            square_rows = square[rows]
            delta = self._delta(gradient, square_rows, update[rows])
            square.index_copy_(0, rows, square_rows)
            update.mul_(self.rho)
            update.index_copy_(0, rows, update[rows].addcmul_(delta, delta, value=1 - self.rho))
            parameter.index_add_(0, rows, delta, alpha=-self.rate)

    def _delta(self, gradient: torch.Tensor, square: torch.Tensor, update: torch.Tensor) -> torch.Tensor:
        """The step by the mean update; ``square``, which has faded, takes the gradient in."""
        std = square.addcmul_(gradient, gradient, value=1 - self.rho).add(self.epsilon).sqrt_()
        return update.add(self.epsilon).sqrt_().div_(std).mul_(gradient)
