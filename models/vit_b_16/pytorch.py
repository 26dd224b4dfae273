"""ViT-B/16 in PyTorch, from Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words".

Structure and initial weights are those of torchvision's vit_b_16, so that its published recipe
trains the same model: the classifier is one linear layer that starts at zero.
"""

from __future__ import annotations

from typing import Any, Dict

import torch
import training_pytorch
from torch import nn
from torch.nn import functional

PATCH = 16  # pixels; the "/16" of the name
LAYERS, WIDTH, MLP_WIDTH, HEADS = 12, 768, 3072, 12  # Table 1, ViT-Base
EPSILON = 1e-6  # of the norms: appendix B.1 does not say, torchvision does


class VisionTransformer(nn.Module):
    """images [n, 3, size, size] -> logits [n, classes]; ``size`` is a multiple of 16 pixels."""

    def __init__(self, classes: int, size: int, dropout: float) -> None:
        super().__init__()
        patches = (size // PATCH) ** 2
        self.class_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.patch_embedding = nn.Conv2d(3, WIDTH, PATCH, stride=PATCH)
        self.position_embedding = nn.Parameter(torch.empty(1, 1 + patches, WIDTH))
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.Sequential(*[Block(dropout) for _ in range(LAYERS)])
        self.norm = nn.LayerNorm(WIDTH, EPSILON)
        self.head = nn.Linear(WIDTH, classes)
        initialize(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        n = len(images)
        patches = self.patch_embedding(images).flatten(2).transpose(1, 2)  # [n, patches, width], row by row
        x = torch.cat([self.class_token.expand(n, -1, -1), patches], dim=1)
        x = self.dropout(x + self.position_embedding)  # equation 1
        x = self.norm(self.blocks(x))
        return self.head(x[:, 0])  # equation 4: what became of the class token


class Block(nn.Module):
    """x [n, tokens, width] -> the same: equations 2 and 3."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH, EPSILON)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH, EPSILON)
        self.fc1 = nn.Linear(WIDTH, MLP_WIDTH)
        self.fc2 = nn.Linear(MLP_WIDTH, WIDTH)
        self.dropout = nn.Dropout(dropout)  # appendix B.1: after every dense layer but qkv

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.dropout(self.proj(attend(self.qkv(self.norm1(x)))))
        hidden = self.dropout(functional.gelu(self.fc1(self.norm2(x))))
        return x + self.dropout(self.fc2(hidden))


def attend(qkv: torch.Tensor) -> torch.Tensor:
    """qkv [n, tokens, 3 width] -> [n, tokens, width]: equations 5 to 8, the heads side by side."""
    n, tokens, _ = qkv.shape
    query, key, value = qkv.view(n, tokens, 3, HEADS, -1).permute(2, 0, 3, 1, 4)  # each [n, heads, tokens, size]
    if hasattr(functional, "scaled_dot_product_attention"):  # PyTorch 2.0 and later
        mixed = functional.scaled_dot_product_attention(query, key, value)
    else:
        scores = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
        mixed = scores.softmax(dim=-1) @ value
    return mixed.transpose(1, 2).flatten(2)


def initialize(model: VisionTransformer) -> None:
    """As torchvision's vit_b_16.  It cuts its normal distributions off at +-2, beyond fifty deviations: not here."""
    nn.init.normal_(model.patch_embedding.weight, std=(3 * PATCH**2) ** -0.5)
    nn.init.zeros_(model.patch_embedding.bias)
    nn.init.normal_(model.position_embedding, std=0.02)
    for block in model.blocks:
        nn.init.xavier_uniform_(block.qkv.weight)
        nn.init.zeros_(block.qkv.bias)
        nn.init.uniform_(block.proj.weight, -(WIDTH**-0.5), WIDTH**-0.5)
        nn.init.zeros_(block.proj.bias)
        for dense in (block.fc1, block.fc2):
            nn.init.xavier_uniform_(dense.weight)
            nn.init.normal_(dense.bias, std=1e-6)
    nn.init.zeros_(model.head.weight)
    nn.init.zeros_(model.head.bias)


def build(classes: int, hparams: Dict[str, Any]) -> VisionTransformer:
    return VisionTransformer(classes, int(hparams["image_size"]), float(hparams.get("dropout", 0.0)))


def train(run: Any) -> None:
    training_pytorch.train(run, build)


def speed(run: Any) -> None:
    training_pytorch.speed(run, build)
