"""Graph attention network in PyTorch, from Veličković et al. 2018, sections 2.1 and 3.3.

Trained as in PetarV-/GAT, whose hundred runs are the published numbers.
"""

from __future__ import annotations

from typing import Any, Dict, Tuple, Union

import numpy
import torch
from neighbourhood import neighbourhood
from patience import Patience
from propagation import words
from sparse_pytorch import Compressed
from torch import nn
from torch.nn import functional


class GAT(nn.Module):
    """x [nodes, features] -> logits [nodes, classes]: section 3.3, transductive learning."""

    def __init__(self, features: int, classes: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        heads, hidden = int(hparams["heads"]), int(hparams["hidden"])
        self.first = Attention(features, heads, hidden, hparams)
        self.second = Attention(heads * hidden, int(hparams["output_heads"]), classes, hparams)

    def forward(self, x: Compressed, pairs: Pairs) -> torch.Tensor:
        hidden = functional.elu(self.first(x, pairs)).flatten(1)  # the heads side by side: equation 5
        return self.second(hidden, pairs).mean(dim=1)  # the heads' mean: equation 6


class Attention(nn.Module):
    """x [nodes, features] -> [nodes, heads, width], before the nonlinearity: equations 1 to 4."""

    def __init__(self, features: int, heads: int, width: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        self.dropout, self.slope = float(hparams["dropout"]), float(hparams["leaky_slope"])
        self.weight = glorot((heads, features, width), features, width)
        self.score = glorot((heads, width, 2), width, 1)  # a of equation 3: its half for the node, for the neighbour
        self.score_bias = nn.Parameter(torch.zeros(heads, 2))  # not in the paper, but in its code
        self.bias = nn.Parameter(torch.zeros(heads, width))

    def forward(self, x: Union[Compressed, torch.Tensor], pairs: Pairs) -> torch.Tensor:
        h = self.project(x)
        of_node, of_neighbour = (torch.einsum("nhw,hws->nhs", h, self.score) + self.score_bias).unbind(dim=2)
        scores = functional.leaky_relu(pairs.node(of_node) + pairs.neighbour(of_neighbour), self.slope)
        attention = self.drop(pairs.softmax(scores))  # [pairs, heads]
        messages = attention[:, :, None] * pairs.neighbour(self.drop(h))
        return pairs.sum(messages) + self.bias

    def project(self, x: Union[Compressed, torch.Tensor]) -> torch.Tensor:
        """x weight [nodes, heads, width]; every head draws its own dropout of x, so that only without are they one."""
        if self.training:
            return torch.stack([self.times(x, weight) for weight in self.weight.unbind()], dim=1)
        heads, _, width = self.weight.shape
        return self.times(x, self.weight.transpose(0, 1).flatten(1)).unflatten(1, (heads, width))

    def times(self, x: Union[Compressed, torch.Tensor], weight: torch.Tensor) -> torch.Tensor:
        """Dropout of x, then x weight; what is zero in a sparse x stays zero."""
        return x.times(weight, self.drop(x.values)) if isinstance(x, Compressed) else self.drop(x) @ weight

    def drop(self, x: torch.Tensor) -> torch.Tensor:
        return functional.dropout(x, self.dropout, self.training)


class Pairs:
    """What goes from nodes to (node, neighbour) pairs and back, as products with matrices of zeros and ones.

    They add in a fixed order, forward and backward, and are several times faster on a CPU than index_add.
    """

    def __init__(self, pairs: numpy.ndarray, nodes: int, device: str) -> None:
        self._nodes = nodes
        self._index = torch.tensor(pairs[:, 0], device=device)
        ones, each = numpy.ones(len(pairs), numpy.float32), numpy.arange(len(pairs))
        self._node, self._neighbour = (
            Compressed((numpy.stack([each, rows], axis=1), ones), len(pairs), nodes, device) for rows in pairs.T
        )
        self._sum = Compressed((numpy.stack([pairs[:, 0], each], axis=1), ones), nodes, len(pairs), device)

    def node(self, x: torch.Tensor) -> torch.Tensor:
        """x [nodes, ...] -> [pairs, ...]: of each pair's node."""
        return product(self._node, x)

    def neighbour(self, x: torch.Tensor) -> torch.Tensor:
        """x [nodes, ...] -> [pairs, ...]: of each pair's neighbour."""
        return product(self._neighbour, x)

    def sum(self, x: torch.Tensor) -> torch.Tensor:
        """x [pairs, ...] -> [nodes, ...]: over each node's neighbourhood."""
        return product(self._sum, x)

    def softmax(self, scores: torch.Tensor) -> torch.Tensor:
        """scores [pairs, heads] -> attention [pairs, heads], which adds up to one in every neighbourhood."""
        weights = torch.exp(scores - self._highest(scores.detach())[self._index])
        return weights / self.node(self.sum(weights))

    def _highest(self, scores: torch.Tensor) -> torch.Tensor:
        """[nodes, heads]: so that no exponential overflows."""
        lowest = torch.full((self._nodes, scores.shape[1]), -float("inf"), device=scores.device)
        return lowest.scatter_reduce(0, self._index[:, None].expand_as(scores), scores, "amax")


def build(features: int, classes: int, hparams: Dict[str, Any]) -> GAT:
    return GAT(features, classes, hparams)


def train(run: Any) -> None:
    graph, hparams = run.graph, run.hparams
    x = Compressed(words(graph), graph.nodes, graph.features, run.device)
    pairs = Pairs(neighbourhood(graph), graph.nodes, run.device)
    model = build(graph.features, run.classes, hparams).to(run.device)
    run.weights("initial", model)
    optimizer = torch.optim.Adam(
        model.parameters(),
        lr=hparams["learning_rate"],
        eps=hparams["epsilon"],
        weight_decay=hparams["weight_decay"],  # L2: added to the gradient; of biases too, as in the published code
    )
    patience, best_weights = Patience(int(hparams["patience"])), copy_of(model)

    for _ in run.epochs():
        model.train()
        for nodes, labels in run.steps(run.batches("train", shuffle=False)):
            optimizer.zero_grad(set_to_none=True)
            loss = objective(model(x, pairs), nodes, labels)
            loss.backward()
            optimizer.step()
            run.loss(loss.detach())
        if patience.keeps(*evaluate(model, x, pairs, *run.arrays("val"))):
            best_weights = copy_of(model)
        if patience.exhausted:
            break

    model.load_state_dict(best_weights)
    run.metric("accuracy", evaluate(model, x, pairs, *run.arrays("test"))[0])
    run.weights("final", model)


def objective(logits: torch.Tensor, nodes: numpy.ndarray, labels: numpy.ndarray) -> torch.Tensor:
    """Mean cross-entropy of the labelled nodes."""
    y = torch.tensor(labels, device=logits.device)
    return functional.cross_entropy(logits[torch.tensor(nodes, device=logits.device)], y)


@torch.no_grad()
def evaluate(
    model: GAT, x: Compressed, pairs: Pairs, nodes: numpy.ndarray, labels: numpy.ndarray
) -> Tuple[float, float]:
    """Share of the nodes whose class has the highest logit, and the mean cross-entropy."""
    model.eval()
    logits = model(x, pairs)
    predicted = logits.argmax(dim=1).cpu().numpy()[nodes]
    return float((predicted == labels).mean()), float(objective(logits, nodes, labels))


def glorot(shape: Tuple[int, ...], fan_in: int, fan_out: int) -> nn.Parameter:
    """Glorot and Bengio 2010, equation 16, for each head."""
    bound = (6.0 / (fan_in + fan_out)) ** 0.5
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))


def product(matrix: Compressed, x: torch.Tensor) -> torch.Tensor:
    """matrix [m, n] times x [n, ...] -> [m, ...]."""
    return matrix.times(x.flatten(1)).unflatten(1, x.shape[1:])


def copy_of(model: nn.Module) -> Dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
