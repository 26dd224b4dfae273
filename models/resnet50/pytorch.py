"""ResNet-50 in PyTorch, from He et al. 2016, "Deep Residual Learning for Image Recognition".

One definition for every input size.  It follows the paper's Table 1 with one change, known as
v1.5: a block that halves the image does so in its 3x3 convolution and not in the first 1x1
(as torchvision's and NVIDIA's models do; about 0.5 % better top-1 and 5 % slower, says NVIDIA).
"""

from __future__ import annotations

from typing import Any, Dict, Tuple

import inputs
import numpy
import torch
from schedule import learning_rate
from torch import nn
from torch.nn import functional

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))  # Table 1, 50 layers: width and blocks of conv2_x to conv5_x
EXPANSION = 4  # a block's output is four times as wide as its 3x3 convolution


class Bottleneck(nn.Module):
    """Figure 5, right: 1x1 narrows, 3x3 works, 1x1 widens; the input is added to the result."""

    def __init__(self, channels: int, width: int, stride: int, last_gamma: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, EXPANSION * width, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(EXPANSION * width)
        nn.init.constant_(self.norm3.weight, last_gamma)
        self.project = channels != EXPANSION * width  # shortcut option B of section 4.1
        if self.project:
            self.conv_shortcut = nn.Conv2d(channels, EXPANSION * width, 1, stride, bias=False)
            self.norm_shortcut = nn.BatchNorm2d(EXPANSION * width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = self.norm_shortcut(self.conv_shortcut(x)) if self.project else x
        y = functional.relu(self.norm1(self.conv1(x)))
        y = functional.relu(self.norm2(self.conv2(y)))
        y = self.norm3(self.conv3(y))
        return functional.relu(y + shortcut)


class ResNet50(nn.Module):
    """images [n, 3, height, width] -> logits [n, classes]; sides of at least 32 pixels."""

    def __init__(self, classes: int, last_gamma: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.norm1 = nn.BatchNorm2d(64)
        channels = 64
        for stage, (width, blocks) in enumerate(STAGES):
            layers = []
            for block in range(blocks):
                stride = 2 if block == 0 and stage > 0 else 1
                layers.append(Bottleneck(channels, width, stride, last_gamma))
                channels = EXPANSION * width
            setattr(self, "stage%d" % (stage + 2), nn.Sequential(*layers))  # conv2_x to conv5_x
        self.fc = nn.Linear(channels, classes)
        self.apply(initialize)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.norm1(self.conv1(x)))
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        x = self.stage5(self.stage4(self.stage3(self.stage2(x))))
        return self.fc(x.mean(dim=(2, 3)))


def initialize(layer: nn.Module) -> None:
    """He et al. 2015, equation 14 (fan-out) for convolutions; uniform +-1/sqrt(fan-in) for fc."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    if isinstance(layer, nn.Linear):
        bound = layer.in_features**-0.5
        nn.init.uniform_(layer.weight, -bound, bound)
        nn.init.uniform_(layer.bias, -bound, bound)


def build(classes: int, last_gamma: float = 1.0) -> ResNet50:
    """``last_gamma`` 0 lets every block start as the identity (Goyal et al. 2017, section 5.1)."""
    return ResNet50(classes, last_gamma)


def train(run: Any) -> None:
    hparams = run.hparams
    model = place(build(run.classes, hparams["last_gamma"]), run)
    run.weights("initial", model)
    optimizer = sgd(model, hparams)
    run.keep(model=model, optimizer=optimizer)
    batch_size = int(hparams["batch_size"])
    steps = -(-samples_of(run, "train") // batch_size)  # rounded up: the last batch is smaller
    normalize = Normalize(run)

    for epoch in run.epochs():
        model.train()
        coming = run.steps(inputs.batches(run, "train", batch_size))
        for step, (pixels, labels) in enumerate(coming, start=run.steps_done):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(hparams, epoch, step / steps)
            loss = train_step(model, optimizer, normalize(pixels), torch.from_numpy(labels).to(run.device), run)
            run.loss(loss)
        for name, value in evaluate(model, normalize, run).items():
            run.metric(name, value)
    run.weights("final", model)


def train_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor, run: Any
) -> torch.Tensor:
    """One update; the batch's mean loss, detached."""
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(run.device, torch.bfloat16, enabled=run.hparams["precision"] == "bf16"):
        logits = model(images)
    loss = functional.cross_entropy(logits.float(), labels)
    loss.backward()
    optimizer.step()
    return loss.detach()


@torch.no_grad()
def evaluate(model: nn.Module, normalize: Normalize, run: Any) -> Dict[str, float]:
    """top-k accuracy as a fraction of the evaluation split, for every k of ``hparams["top_k"]``."""
    split, top_k = run.hparams["eval_split"], run.hparams["top_k"]
    model.eval()
    right = dict.fromkeys(top_k, 0)
    for pixels, labels in inputs.batches(run, split, int(run.hparams["eval_batch_size"])):
        with torch.autocast(run.device, torch.bfloat16, enabled=run.hparams["precision"] == "bf16"):
            logits = model(normalize(pixels))
        best = logits.topk(max(top_k), dim=1).indices.cpu()
        hits = best == torch.from_numpy(labels)[:, None]
        for k in top_k:
            right[k] += int(hits[:, :k].sum())
    return {"top%d" % k: right[k] / samples_of(run, split) for k in top_k}


def speed(run: Any) -> None:
    """Training steps on one synthetic batch that already lies on the device."""
    model = place(build(classes=1000), run)
    run.weights("initial", model)
    optimizer = sgd(model, run.hparams)
    batch_size = int(run.hparams["batch_size_gpu" if run.device == "cuda" else "batch_size_cpu"])
    images, labels = synthetic_batch(batch_size, run)
    model.train()
    for _ in run.timed_steps(samples=batch_size):
        train_step(model, optimizer, images, labels, run)


def sgd(model: nn.Module, hparams: Dict[str, Any]) -> torch.optim.SGD:
    """Weight decay is added to the gradient of every parameter, norms and bias included."""
    return torch.optim.SGD(
        model.parameters(),
        lr=hparams["learning_rate"],
        momentum=hparams["momentum"],
        weight_decay=hparams["weight_decay"],
    )


def place(model: nn.Module, run: Any) -> nn.Module:
    memory_format = torch.channels_last if run.hparams.get("channels_last") else torch.contiguous_format
    return model.to(run.device, memory_format=memory_format)


def synthetic_batch(batch_size: int, run: Any) -> Tuple[torch.Tensor, torch.Tensor]:
    """images float32 [n, 3, 224, 224] and labels [n], drawn on the device from the run's seed."""
    memory_format = torch.channels_last if run.hparams.get("channels_last") else torch.contiguous_format
    generator = torch.Generator(run.device).manual_seed(run.seed)
    images = torch.randn(batch_size, 3, 224, 224, device=run.device, generator=generator)
    labels = torch.randint(1000, (batch_size,), device=run.device, generator=generator)
    return images.contiguous(memory_format=memory_format), labels


class Normalize:
    """pixels uint8 [n, height, width, 3] -> images float32 [n, 3, height, width] on the device."""

    def __init__(self, run: Any) -> None:
        self.device = run.device
        self.format = torch.channels_last if run.hparams.get("channels_last") else torch.contiguous_format
        self.mean = torch.tensor(run.hparams["pixel_mean"], dtype=torch.float32, device=run.device)
        self.std = torch.tensor(run.hparams["pixel_std"], dtype=torch.float32, device=run.device)

    def __call__(self, pixels: numpy.ndarray) -> torch.Tensor:
        images = (torch.from_numpy(pixels).to(self.device).float() - self.mean) / self.std
        return images.permute(0, 3, 1, 2).contiguous(memory_format=self.format)


def samples_of(run: Any, split: str) -> int:
    folders = run.data.folders
    return len(folders[split].paths) if split in folders else len(run.arrays(split)[1])
