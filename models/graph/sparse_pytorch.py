"""A sparse matrix of the graph for PyTorch."""

from __future__ import annotations

import torch
from propagation import Entries


def sparse(entries: Entries, rows: int, columns: int) -> torch.Tensor:
    places, values = entries
    indices = torch.from_numpy(places.T.copy())
    return torch.sparse_coo_tensor(indices, torch.from_numpy(values), (rows, columns)).coalesce()
