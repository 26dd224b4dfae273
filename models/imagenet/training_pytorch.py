"""How the image models are trained in PyTorch: what the recipes of model.toml name, one small function each.

A model's file has ``build(classes, hparams)`` and hands it to ``train`` and ``speed``.
"""

from __future__ import annotations

import contextlib
import itertools
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import inputs
import mixing
import numpy
import results
import torch
from convolutions_pytorch import with_own_gradients
from optimizers_pytorch import FUSED, Average, make_optimizer
from schedules import average_decay, learning_rate
from torch import nn
from torch.nn import functional

Build = Callable[[int, Dict[str, Any]], nn.Module]


def train(run: Any, build: Build) -> None:
    hparams = run.hparams
    model = place(build(run.classes, hparams), run)
    run.weights("initial", model)
    step = Step(model, run)
    average = make_average(model, hparams)
    best: Dict[str, float] = {}
    kept = {"average": average} if average else {}
    run.keep(model=model, optimizer=step.optimizer, scaler=step.scaler, best=best, **kept)
    normalize = Normalize(run)
    batch_size = int(hparams["batch_size"])
    samples = inputs.samples_of(run, "train")
    steps = -(-samples // batch_size)  # rounded up: the last batch is smaller

    for epoch in run.epochs():
        model.train()
        coming = run.steps(inputs.batches(run, "train", batch_size))
        for number, (pixels, labels) in enumerate(coming, start=run.steps_done):
            mix = mixing.draw(hparams, run.seed, epoch, number, *pixels.shape[1:3])
            step.set_rate(learning_rate(hparams, epoch, number / steps))
            whole = min(batch_size, samples - number * batch_size)
            run.loss(step(normalize(pixels), torch.from_numpy(labels).to(run.device), mix, whole))
            if average:
                average.update(model, number, follow=epoch < hparams.get("warmup_epochs", 0))
        with averaged(model, average):
            reached = results.report(run, epoch, evaluate(model, normalize, run), best)
        if reached:
            break
    with averaged(model, average):
        run.weights("final", model)


def speed(run: Any, build: Build) -> None:
    """Training steps on one synthetic batch that already lies on the device."""
    if run.hparams.get("settings") == "fastest":
        run.fastest(choices(run), lambda: synthetic_step(run, build)[0])
    step, model, whole = synthetic_step(run, build)
    run.weights("initial", model)
    for _ in run.timed_steps(samples=whole):
        step()


def choices(run: Any) -> List[Dict[str, Any]]:
    """What may be chosen by speed alone: layout, compilation, an update in one pass, gradients in another way.

    The first choice works everywhere.
    """
    plain = {"channels_last": False, "compile": False, "fused": False, "own_gradients": False}
    fused = {"fused": run.hparams.get("optimizer", "sgd") in FUSED}
    layouts = [plain, {**plain, "channels_last": True}]
    found = [{**layout, "compile": compiled, **fused} for compiled in (False, True) for layout in layouts]
    if run.device == "cpu" and compute_type(run.hparams) is None:
        found.append({**found[-1], "own_gradients": True})
    return [plain, *(choice for choice in found if choice != plain)]


def synthetic_step(run: Any, build: Build) -> Tuple[Callable[[], torch.Tensor], nn.Module, int]:
    """A training step, the model that it trains, and how many images it trains on, of all devices."""
    model = place(build(1000, run.hparams), run)
    step = Step(model, run)
    batch_size = int(run.hparams["batch_size_gpu" if run.device == "cuda" else "batch_size_cpu"])
    images, labels = synthetic_batch(batch_size, run)
    model.train()
    whole = batch_size * step.world
    return lambda: step(images, labels, None, whole), model, whole


class Step:
    """One update of a model; a call returns the batch's mean loss, detached.

    With several devices, each calls it with its part of a batch of ``whole`` images: gradients and
    the loss are those of the whole batch, while a batch normalisation sees its own part only, as in
    the published trainings.

    fp16 scales the loss so that small gradients do not vanish, and skips a step whose gradients
    overflow (Micikevicius et al. 2018, section 3.2).
    """

    def __init__(self, model: nn.Module, run: Any) -> None:
        hparams = run.hparams
        self.optimizer = make_optimizer(model, hparams)
        self.parameters = list(model.parameters())
        _, self.world = run.together()
        self.model = torch.compile(model) if hparams.get("compile") else model
        if self.world > 1:
            self.model = nn.parallel.DistributedDataParallel(self.model)
        self.device, self.type = run.device, compute_type(hparams)
        self.scaler = make_scaler(run.device, enabled=self.type is torch.float16)
        self.parts = int(hparams.get("accumulate", 1))
        self.clip_norm = float(hparams.get("clip_norm", 0.0))
        self.smoothing = float(hparams.get("label_smoothing", 0.0))
        self.aux_weight = float(hparams.get("aux_weight", 0.0))

    def set_rate(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def __call__(
        self, images: torch.Tensor, labels: torch.Tensor, mix: Optional[mixing.Mix], whole: int
    ) -> torch.Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        if mix:
            images = mixed_images(images, mix)
        total = images.new_zeros(())
        neighbours = labels.roll(1, 0) if mix else labels
        for part in parts_of(len(images), self.parts):
            with torch.autocast(self.device, self.type or torch.bfloat16, enabled=self.type is not None):
                outputs = self.model(images[part])
            loss = self.loss(outputs, labels[part], neighbours[part], mix)
            share = (part.stop - part.start) * self.world / whole  # of what the devices' mean is made of
            if share != 1.0:
                loss = loss * share
            self.scaler.scale(loss).backward()
            total = total + loss.detach() if self.parts > 1 else loss.detach()
        if self.world > 1:
            torch.distributed.all_reduce(total)
            total /= self.world
        if self.clip_norm:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.parameters, self.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return total

    def loss(self, outputs: Any, labels: torch.Tensor, neighbours: torch.Tensor, mix: Any) -> torch.Tensor:
        """Cross entropy, of auxiliary heads too, in fp32."""
        main, *heads = outputs if isinstance(outputs, tuple) else (outputs,)
        loss = self.cross_entropy(main, labels, neighbours, mix)
        for head in heads:
            loss = loss + self.aux_weight * self.cross_entropy(head, labels, neighbours, mix)
        return loss

    def cross_entropy(self, logits: torch.Tensor, labels: torch.Tensor, neighbours: torch.Tensor, mix: Any) -> Any:
        """Labels are smoothed by Szegedy et al. 2016, equation 6, and mixed by the share of their pixels."""
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=self.smoothing)
        if not mix:
            return loss
        other = functional.cross_entropy(logits.float(), neighbours, label_smoothing=self.smoothing)
        return mix.share * loss + (1.0 - mix.share) * other


def make_scaler(device: str, enabled: bool) -> Any:
    if hasattr(torch.amp, "GradScaler"):  # since 2.3
        return torch.amp.GradScaler(device, enabled=enabled)
    return torch.cuda.amp.GradScaler(enabled=enabled)


def parts_of(samples: int, parts: int) -> List[slice]:
    """A batch in at most ``parts`` slices of as equal a size as can be, for gradients added one after the other."""
    parts = min(parts, samples)
    edges = [samples * part // parts for part in range(parts + 1)]
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]


def mixed_images(images: torch.Tensor, mix: mixing.Mix) -> torch.Tensor:
    neighbours = images.roll(1, 0)
    if mix.box is None:
        return images * mix.share + neighbours * (1.0 - mix.share)
    top, bottom, left, right = mix.box
    pasted = images.clone()
    pasted[:, :, top:bottom, left:right] = neighbours[:, :, top:bottom, left:right]
    return pasted


def make_average(model: nn.Module, hparams: Dict[str, Any]) -> Optional[Average]:
    if "ema_decay" not in hparams:
        return None
    return Average(model, average_decay(hparams, int(hparams["batch_size"])), int(hparams["ema_steps"]))


@contextlib.contextmanager
def averaged(model: nn.Module, average: Optional[Average]) -> Iterator[None]:
    """The model with the averaged weights, where there are some, for the time of the block."""
    if average is None:
        yield
        return
    own = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(average.weights)
    yield
    model.load_state_dict(own)


@torch.no_grad()
def evaluate(model: nn.Module, normalize: Normalize, run: Any) -> Dict[str, float]:
    """top-k accuracy as a fraction of the evaluation split, for every k of ``hparams["top_k"]``."""
    split, top_k = run.hparams["eval_split"], run.hparams["top_k"]
    kind = compute_type(run.hparams)
    if run.together()[1] > 1:  # statistics of batch normalisation are those of each rank's images until now
        for buffer in model.buffers():
            torch.distributed.broadcast(buffer, 0)
    model.eval()
    right = dict.fromkeys(top_k, 0)
    for pixels, labels in inputs.batches(run, split, int(run.hparams["eval_batch_size"])):
        with torch.autocast(run.device, kind or torch.bfloat16, enabled=kind is not None):
            logits = model(normalize(pixels))
        best = logits.topk(max(top_k), dim=1).indices.cpu()
        hits = best == torch.from_numpy(labels)[:, None]
        for k in top_k:
            right[k] += int(hits[:, :k].sum())
    counts = run.total([right[k] for k in top_k])
    return {"top%d" % k: count / inputs.samples_of(run, split) for k, count in zip(top_k, counts)}


def compute_type(hparams: Dict[str, Any]) -> Optional[torch.dtype]:
    """What matrix products and convolutions are computed in, or None for fp32; weights stay fp32.

    fp32 and tf32 are set for the process here: PyTorch's own default is fp32 for products and TF32
    for cuDNN's convolutions, which is neither.
    """
    precision = hparams["precision"]
    kinds = {"fp32": None, "tf32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    return kinds[precision]


def place(model: nn.Module, run: Any) -> nn.Module:
    memory_format = torch.channels_last if run.hparams.get("channels_last") else torch.contiguous_format
    model = model.to(run.device, memory_format=memory_format)
    return with_own_gradients(model) if run.hparams.get("own_gradients") else model


def synthetic_batch(batch_size: int, run: Any) -> Tuple[torch.Tensor, torch.Tensor]:
    """images float32 [n, 3, side, side] and labels [n], drawn on the device from the run's seed."""
    side = int(run.hparams.get("image_size", 224))
    memory_format = torch.channels_last if run.hparams.get("channels_last") else torch.contiguous_format
    generator = torch.Generator(run.device).manual_seed(run.seed)
    images = torch.randn(batch_size, 3, side, side, device=run.device, generator=generator)
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
