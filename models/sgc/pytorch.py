"""Simplified graph convolution in PyTorch, from Wu et al. 2019, section 2.2, trained as in Tiiiger/SGC."""

from __future__ import annotations

from typing import Any, Dict

import numpy
import torch
from propagation import propagation, words
from sparse_pytorch import sparse
from torch import nn
from torch.nn import functional


def build(features: int, classes: int, hparams: Dict[str, Any]) -> nn.Linear:
    """Logistic regression: propagated features [n, features] -> logits [n, classes]."""
    del hparams  # it has none
    return nn.Linear(features, classes)


def train(run: Any) -> None:
    graph, hparams = run.graph, run.hparams
    x = propagated(graph, int(hparams["propagation_steps"])).to(run.device)
    model = build(graph.features, run.classes, hparams).to(run.device)
    run.weights("initial", model)
    optimizer = torch.optim.Adam(
        model.parameters(),
        lr=hparams["learning_rate"],
        eps=hparams["epsilon"],
        weight_decay=hparams["weight_decay"],  # L2: added to the gradient, of weights and biases
    )

    model.train()
    for _ in run.epochs():
        for nodes, labels in run.steps(run.batches("train", shuffle=False)):
            optimizer.zero_grad(set_to_none=True)
            loss = objective(model, x, nodes, labels)
            loss.backward()
            optimizer.step()
            run.loss(loss.detach())

    run.metric("accuracy", accuracy(model, x, *run.arrays("test")))  # of the last weights
    run.weights("final", model)


def propagated(graph: Any, steps: int) -> torch.Tensor:
    """S^K X, dense [nodes, features]: equation 6, made once."""
    x = sparse(words(graph), graph.nodes, graph.features).to_dense()
    adjacency = sparse(propagation(graph), graph.nodes, graph.nodes)
    for _ in range(steps):
        x = torch.sparse.mm(adjacency, x)
    return x


def objective(model: nn.Linear, x: torch.Tensor, nodes: numpy.ndarray, labels: numpy.ndarray) -> torch.Tensor:
    """Mean cross-entropy of the labelled nodes."""
    return functional.cross_entropy(model(x[torch.tensor(nodes)]), torch.tensor(labels, device=x.device))


@torch.no_grad()
def accuracy(model: nn.Linear, x: torch.Tensor, nodes: numpy.ndarray, labels: numpy.ndarray) -> float:
    """Share of the nodes whose class has the highest logit."""
    predicted = model(x[torch.tensor(nodes)]).argmax(dim=1).cpu().numpy()
    return float((predicted == labels).mean())
