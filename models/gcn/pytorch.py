"""Graph convolutional network in PyTorch, from Kipf and Welling 2017, sections 3.1 and 5.2.

Trained as in tkipf/gcn, whose hundred runs are the published numbers.
"""

from __future__ import annotations

from typing import Any, Dict, List

import numpy
import torch
from propagation import propagation, words
from sparse_pytorch import sparse
from stopping import has_risen
from torch import nn
from torch.nn import functional


class GCN(nn.Module):
    """x [nodes, features], sparse -> logits [nodes, classes]: equation 9 before its softmax."""

    def __init__(self, features: int, classes: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        hidden = int(hparams["hidden"])
        self.dropout = float(hparams["dropout"])
        self.first = nn.Parameter(torch.empty(features, hidden))
        self.second = nn.Parameter(torch.empty(hidden, classes))
        for weight in self.parameters():
            nn.init.xavier_uniform_(weight)  # Glorot and Bengio 2010, equation 16

    def forward(self, x: torch.Tensor, adjacency: torch.Tensor) -> torch.Tensor:
        x = drop_entries(x, self.dropout, self.training)
        hidden = functional.relu(torch.sparse.mm(adjacency, torch.sparse.mm(x, self.first)))
        hidden = functional.dropout(hidden, self.dropout, self.training)
        return torch.sparse.mm(adjacency, hidden @ self.second)


def build(features: int, classes: int, hparams: Dict[str, Any]) -> GCN:
    return GCN(features, classes, hparams)


def train(run: Any) -> None:
    graph, hparams = run.graph, run.hparams
    x = sparse(words(graph), graph.nodes, graph.features).to(run.device)
    adjacency = sparse(propagation(graph), graph.nodes, graph.nodes).to(run.device)
    model = build(graph.features, run.classes, hparams).to(run.device)
    run.weights("initial", model)
    optimizer = torch.optim.Adam(model.parameters(), lr=hparams["learning_rate"], eps=hparams["epsilon"])
    validation_losses: List[float] = []
    run.keep(model=model, optimizer=optimizer, validation_losses=validation_losses)

    for _ in run.epochs():
        model.train()
        for nodes, labels in run.steps(run.batches("train", shuffle=False)):
            optimizer.zero_grad(set_to_none=True)
            loss = objective(model, model(x, adjacency), nodes, labels, hparams)
            loss.backward()
            optimizer.step()
            run.loss(loss.detach())
        model.eval()
        with torch.no_grad():
            loss = objective(model, model(x, adjacency), *run.arrays("val"), hparams)
        validation_losses.append(float(loss))
        if has_risen(validation_losses, int(hparams["early_stopping"])):
            break

    run.metric("accuracy", accuracy(model, x, adjacency, *run.arrays("test")))  # of the last weights
    run.weights("final", model)


def objective(
    model: GCN, logits: torch.Tensor, nodes: numpy.ndarray, labels: numpy.ndarray, hparams: Dict[str, Any]
) -> torch.Tensor:
    """Cross-entropy of the labelled nodes (equation 10, as a mean), and L2 on the first layer's weights only."""
    y = torch.tensor(labels, device=logits.device)
    entropy = functional.cross_entropy(logits[torch.tensor(nodes, device=logits.device)], y)
    return entropy + hparams["weight_decay"] / 2 * model.first.square().sum()


@torch.no_grad()
def accuracy(
    model: GCN, x: torch.Tensor, adjacency: torch.Tensor, nodes: numpy.ndarray, labels: numpy.ndarray
) -> float:
    """Share of the nodes whose class has the highest logit."""
    model.eval()
    predicted = model(x, adjacency).argmax(dim=1).cpu().numpy()
    return float((predicted[nodes] == labels).mean())


def drop_entries(x: torch.Tensor, rate: float, training: bool) -> torch.Tensor:
    """Dropout of a sparse matrix: what is zero stays zero, so only stored entries are drawn for."""
    values = functional.dropout(x.values(), rate, training)
    return torch.sparse_coo_tensor(x.indices(), values, x.shape)
