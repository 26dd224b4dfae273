"""GCN, SGC and GAT of PyTorch Geometric, trained as its examples do: one step and one evaluation an epoch.

Variants: "index" gives the layers an edge index, "sparse" a sparse matrix, which PyG multiplies by.
Without its optional extensions, which have no wheel for this PyTorch.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch_geometric
from torch import nn
from torch.nn import functional
from torch_geometric.nn import GATConv, GCNConv, SGConv
from torch_geometric.utils import to_torch_csr_tensor

from benchmarks.public.task import Task, read_task


class GCN(nn.Module):
    def __init__(self, features: int, task: Task) -> None:
        super().__init__()
        hidden, self.dropout = task.hparams["hidden"], task.hparams["dropout"]
        self.conv1 = GCNConv(features, hidden, cached=True)
        self.conv2 = GCNConv(hidden, task.classes, cached=True)

    def forward(self, x: torch.Tensor, edges: Any) -> torch.Tensor:
        x = functional.dropout(x, self.dropout, self.training)
        x = functional.dropout(self.conv1(x, edges).relu(), self.dropout, self.training)
        return self.conv2(x, edges)

    def groups(self, decay: float) -> list[dict[str, Any]]:
        return [
            {"params": self.conv1.parameters(), "weight_decay": decay},
            {"params": self.conv2.parameters(), "weight_decay": 0.0},
        ]


class SGC(nn.Module):
    def __init__(self, features: int, task: Task) -> None:
        super().__init__()
        self.conv1 = SGConv(features, task.classes, K=task.hparams["propagation_steps"], cached=True)

    def forward(self, x: torch.Tensor, edges: Any) -> torch.Tensor:
        return self.conv1(x, edges)

    def groups(self, decay: float) -> list[dict[str, Any]]:
        return [{"params": self.parameters(), "weight_decay": decay}]


class GAT(nn.Module):
    def __init__(self, features: int, task: Task) -> None:
        super().__init__()
        heads, hidden, self.dropout = task.hparams["heads"], task.hparams["hidden"], task.hparams["dropout"]
        self.conv1 = GATConv(features, hidden, heads, dropout=self.dropout)
        self.conv2 = GATConv(heads * hidden, task.classes, heads=1, concat=False, dropout=self.dropout)

    def forward(self, x: torch.Tensor, edges: Any) -> torch.Tensor:
        x = functional.dropout(x, self.dropout, self.training)
        x = functional.dropout(functional.elu(self.conv1(x, edges)), self.dropout, self.training)
        return self.conv2(x, edges)

    def groups(self, decay: float) -> list[dict[str, Any]]:
        return [{"params": self.parameters(), "weight_decay": decay}]


def main() -> None:
    task = read_task()
    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    x, edges = torch.from_numpy(task.words()), torch.from_numpy(task.graph_array("edges").T.copy())
    given: Any = edges if task.variant == "index" else to_torch_csr_tensor(edges, size=(len(x), len(x)))
    (nodes, labels), (val_nodes, val_labels) = (
        [torch.from_numpy(array.astype("int64")) for array in task.arrays(split)] for split in ("train", "val")
    )
    kinds: dict[str, Any] = {"gcn": GCN, "sgc": SGC, "gat": GAT}
    model = kinds[task.model](x.shape[1], task)
    rate, decay = task.hparams["learning_rate"], task.hparams["weight_decay"]
    optimizer = torch.optim.Adam(model.groups(decay), lr=rate, eps=task.hparams["epsilon"])
    best, best_weights = 0.0, {}

    name = f"PyTorch Geometric {torch_geometric.__version__}, {task.variant}"
    for _ in task.turns(name).epochs():
        model.train()
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x, given)[nodes], labels)
        loss.backward()
        optimizer.step()
        if task.model == "sgc":
            continue  # its recipe looks at nothing before the end
        model.eval()
        with torch.no_grad():
            logits = model(x, given)[val_nodes]
            val_loss = float(functional.cross_entropy(logits, val_labels))
        if task.model == "gat":
            accuracy = float((logits.argmax(dim=1) == val_labels).float().mean())
            if accuracy >= best and val_loss < float("inf"):
                best, best_weights = accuracy, copy.deepcopy(model.state_dict())
    del best_weights


if __name__ == "__main__":
    main()
