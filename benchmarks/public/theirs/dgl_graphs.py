"""GCN, SGC and GAT of DGL, trained as its examples do: one step and one evaluation an epoch.

Of its two libraries one, GraphBolt, was built for PyTorch 2.1 and earlier only; nothing here needs it.
"""
# ruff: noqa: E402

from __future__ import annotations

import os
import sys
from types import ModuleType

os.environ["DGLBACKEND"] = "pytorch"  # else the first import of a user says on stdout that it was chosen
sys.modules["dgl.graphbolt"] = ModuleType("dgl.graphbolt")  # before DGL asks for it

import dgl
import torch
from dgl.nn import GATConv, GraphConv, SGConv
from torch import nn
from torch.nn import functional

from benchmarks.public.task import Task, read_task


class GCN(nn.Module):
    def __init__(self, features: int, task: Task) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                GraphConv(features, task.hparams["hidden"], activation=functional.relu),
                GraphConv(task.hparams["hidden"], task.classes),
            ]
        )
        self.dropout = nn.Dropout(task.hparams["dropout"])

    def forward(self, graph: dgl.DGLGraph, x: torch.Tensor) -> torch.Tensor:
        return self.layers[1](graph, self.dropout(self.layers[0](graph, x)))


class GAT(nn.Module):
    def __init__(self, features: int, task: Task) -> None:
        super().__init__()
        heads, hidden, drop = task.hparams["heads"], task.hparams["hidden"], task.hparams["dropout"]
        self.layers = nn.ModuleList(
            [
                GATConv(features, hidden, heads, feat_drop=drop, attn_drop=drop, activation=functional.elu),
                GATConv(heads * hidden, task.classes, 1, feat_drop=drop, attn_drop=drop),
            ]
        )

    def forward(self, graph: dgl.DGLGraph, x: torch.Tensor) -> torch.Tensor:
        return self.layers[1](graph, self.layers[0](graph, x).flatten(1)).mean(1)


def main() -> None:
    task = read_task()
    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    edges = torch.from_numpy(task.graph_array("edges"))
    graph = dgl.graph((edges[:, 0], edges[:, 1]), num_nodes=task.graph["nodes"])
    graph = dgl.add_self_loop(dgl.remove_self_loop(graph))
    x = torch.from_numpy(task.words())
    (nodes, labels), (val_nodes, val_labels) = (
        [torch.from_numpy(array.astype("int64")) for array in task.arrays(split)] for split in ("train", "val")
    )
    model: nn.Module
    if task.model == "sgc":
        model = SGConv(x.shape[1], task.classes, k=task.hparams["propagation_steps"], cached=True)
    else:
        model = {"gcn": GCN, "gat": GAT}[task.model](x.shape[1], task)
    rate, decay = task.hparams["learning_rate"], task.hparams["weight_decay"]
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, eps=task.hparams["epsilon"], weight_decay=decay)

    for _ in task.turns(f"DGL {dgl.__version__}").epochs():
        model.train()
        loss = functional.cross_entropy(model(graph, x)[nodes], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if task.model == "sgc":
            continue  # its recipe looks at nothing before the end
        model.eval()
        with torch.no_grad():
            float(functional.cross_entropy(model(graph, x)[val_nodes], val_labels))


if __name__ == "__main__":
    main()
