"""CNN for sentences with random word vectors in PyTorch, from Kim 2014, section 2.

Trained as in harvardnlp/sent-conv-torch, whose numbers are the published ones.
"""

from __future__ import annotations

from typing import Any, Dict

import numpy
import torch
from adadelta_pytorch import Adadelta
from parts import PADDING, cut, vocabulary
from torch import nn
from torch.nn import functional

EVAL_BATCH = 250


class SentenceCNN(nn.Module):
    """word numbers [n, words] -> logits [n, classes]: filters of several widths, their maxima over the sentence."""

    def __init__(self, words: int, classes: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        dimensions, filters, widths = hparams["dimensions"], hparams["filters"], hparams["widths"]
        self.row_norm = hparams["row_norm"]
        self.embedding = nn.Embedding(words, dimensions, padding_idx=PADDING, sparse=True)
        self.convs = nn.ModuleList(nn.Conv1d(dimensions, filters, width) for width in widths)
        self.dropout = nn.Dropout(hparams["dropout"])
        self.fc = nn.Linear(filters * len(widths), classes)
        self.initialize(hparams)

    @torch.no_grad()
    def initialize(self, hparams: Dict[str, Any]) -> None:
        nn.init.uniform_(self.embedding.weight, -hparams["embedding_bound"], hparams["embedding_bound"])
        self.embedding.weight[PADDING].zero_()
        for conv in self.convs:
            nn.init.uniform_(conv.weight, -hparams["conv_bound"], hparams["conv_bound"])
            nn.init.zeros_(conv.bias)
        nn.init.normal_(self.fc.weight, std=hparams["fc_std"])
        nn.init.zeros_(self.fc.bias)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        vectors = self.embedding(numbers).transpose(1, 2)  # n, dimensions, words
        maps = [conv(vectors) for conv in self.convs]  # n, filters, places
        # The maximum before ReLU is the same number, from far fewer ReLUs; a pool's gradient looks up where it was.
        maxima = [functional.relu(functional.max_pool1d(each, each.shape[2]).squeeze(2)) for each in maps]
        return self.fc(self.dropout(torch.cat(maxima, dim=1)))

    @torch.no_grad()
    def rescale(self) -> None:
        """Each class's weights to the norm 3: the source enlarges small ones too, where Kim only bounds them."""
        self.fc.weight.mul_(self.row_norm / (1e-7 + self.fc.weight.norm(dim=1, keepdim=True)))


def build(words: int, classes: int, hparams: Dict[str, Any]) -> SentenceCNN:
    return SentenceCNN(words, classes, hparams)


def train(run: Any) -> None:
    model = build(vocabulary(run), run.classes, run.hparams).to(run.device)
    run.weights("initial", model)
    optimizer = optimizer_of(model, run.hparams)
    parts = cut(run)
    best_accuracy, best_weights = 0.0, copy_of(model)

    for _ in run.epochs():
        model.train()
        for x, y in run.steps(run.batches("train", rows=parts.train)):
            run.loss(train_step(model, optimizer, inputs(x, run.device), torch.from_numpy(y).to(run.device)))
        dev_accuracy = accuracy(model, run, "train", parts.dev)
        if dev_accuracy > best_accuracy:
            best_accuracy, best_weights = dev_accuracy, copy_of(model)

    model.load_state_dict(best_weights)
    run.metric("accuracy", accuracy(model, run, parts.test_split, parts.test))
    run.weights("final", model)


def train_step(model: SentenceCNN, optimizer: Adadelta, numbers: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """One update; the batch's mean loss, detached."""
    optimizer.zero_grad()
    loss = functional.cross_entropy(model(numbers), labels)
    loss.backward()
    optimizer.step()
    model.rescale()
    return loss.detach()


def optimizer_of(model: nn.Module, hparams: Dict[str, Any]) -> Adadelta:
    return Adadelta(model.parameters(), hparams)


@torch.no_grad()
def accuracy(model: nn.Module, run: Any, split: str, rows: numpy.ndarray) -> float:
    """Share of these sentences whose class has the highest logit."""
    model.eval()
    right = 0
    for x, y in run.batches(split, EVAL_BATCH, rows=rows, shuffle=False):
        predicted = model(inputs(x, run.device)).argmax(dim=1).cpu().numpy()
        right += int((predicted == y).sum())
    return right / len(rows)


def inputs(numbers: numpy.ndarray, device: str) -> torch.Tensor:
    """int32 [n, words] -> int64 on the device."""
    return torch.from_numpy(numbers.astype(numpy.int64)).to(device)


def copy_of(model: nn.Module) -> Dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
