"""Sparse matrices of the graph for PyTorch."""

from __future__ import annotations

from typing import Any, Optional

import numpy
import torch
from propagation import Entries

UNCHECKED = {"check_invariants": False} if hasattr(torch.sparse, "check_sparse_tensor_invariants") else {}  # since 2.0


def sparse(entries: Entries, rows: int, columns: int) -> torch.Tensor:
    places, values = entries
    indices = torch.from_numpy(places.T.copy())
    return torch.sparse_coo_tensor(indices, torch.from_numpy(values), (rows, columns)).coalesce()


class Compressed:
    """A sparse matrix in compressed rows, and for the gradient in compressed columns.

    Added up in a fixed order.  In PyTorch 2.13 on a CPU a product takes a sixth of that in coordinate form.
    """

    def __init__(self, entries: Entries, rows: int, columns: int, device: str) -> None:
        places, values = entries
        by_column = numpy.lexsort((places[:, 0], places[:, 1]))
        self.values, self._by_column = torch.from_numpy(values).to(device), torch.from_numpy(by_column).to(device)
        self._rows = _Rows(places, rows, columns, device)
        self._columns = _Rows(places[by_column, ::-1], columns, rows, device)

    def times(self, x: torch.Tensor, values: Optional[torch.Tensor] = None) -> torch.Tensor:
        """x [columns, width] -> [rows, width]; ``values``, whose gradient nobody asks for, in place of its own."""
        return _Product.apply(x, self.values if values is None else values, self)

    def product(self, values: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return self._rows.matrix(values) @ x

    def transposed_product(self, values: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return self._columns.matrix(values[self._by_column]) @ x


class _Rows:
    """Where the entries of a matrix are; ``places`` [entries, 2] are sorted by rows."""

    def __init__(self, places: numpy.ndarray, rows: int, columns: int, device: str) -> None:
        starts = numpy.searchsorted(places[:, 0], numpy.arange(rows + 1)).astype(numpy.int64)
        self._starts, self._shape = torch.from_numpy(starts).to(device), (rows, columns)
        self._columns = torch.from_numpy(places[:, 1].copy()).to(device)

    def matrix(self, values: torch.Tensor) -> torch.Tensor:
        return torch.sparse_csr_tensor(self._starts, self._columns, values, self._shape, **UNCHECKED)


class _Product(torch.autograd.Function):
    """PyTorch's own gradient of such a product sorts the matrix anew each time, which takes five times as long."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, values: torch.Tensor, matrix: Compressed) -> torch.Tensor:
        ctx.values, ctx.matrix = values, matrix
        return matrix.product(values, x)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        return ctx.matrix.transposed_product(ctx.values, *gradients), None, None
