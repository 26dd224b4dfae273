"""Run in a framework's environment, REPOSITORY FOLDER FRAMEWORK: gcn, sgc and gat on a small made-up graph.

Saves logits and first gradients from weights that are the same in both frameworks; prints the number of
parameters at Cora's size, the losses of four steps from those weights without dropout, and the losses and the
accuracy of a short training.
"""

from __future__ import annotations

import json
import sys
import tomllib
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy

repository, folder, framework = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
sys.path.insert(0, str(repository))

from harness.wire import MODEL_FILES  # noqa: E402
from harness.wire.job import WorkerJob  # noqa: E402
from harness.worker.data import Data, Graph  # noqa: E402
from harness.worker.run import Run  # noqa: E402

FILE = MODEL_FILES[framework][:-3]
side: Any = import_module("harness.worker.frameworks." + FILE)
NODES, WORDS, CLASSES = 60, 40, 3
SHORT = {"epochs": 40, "batch_size": 12, "learning_rate": 0.02, "dropout": 0.1}  # what learns in 40 steps


def made_up() -> Data:
    """Publications that mostly use the words of their class; one cites itself, one has no words."""
    random = numpy.random.RandomState(0)
    labels = numpy.arange(NODES) % CLASSES
    odds = numpy.where(numpy.arange(WORDS) % CLASSES == labels[:, None], 0.4, 0.05)
    written = random.uniform(size=(NODES, WORDS)) < odds
    written[NODES - 1] = False
    cited = random.uniform(size=(NODES, NODES)) < 0.05
    cited |= cited.T
    numpy.fill_diagonal(cited, [node == 5 for node in range(NODES)])
    edges, entries = numpy.argwhere(cited), numpy.argwhere(written)
    nodes = {"train": numpy.arange(12), "val": numpy.arange(12, 30), "test": numpy.arange(30, NODES)}
    splits = {split: (rows, labels[rows]) for split, rows in nodes.items()}
    return Data("made-up", "", CLASSES, (), splits, {}, Graph(NODES, WORDS, edges, entries))


def job(name: str, **changed: float) -> WorkerJob:
    recipe = tomllib.loads((repository / "models" / name / "model.toml").read_text())["recipes"]["cora"]
    return WorkerJob(
        protocol=1,
        id=name,
        model=name,
        recipe="cora",
        framework=framework,
        environment="",
        seed=0,
        mode="train",
        device="cpu",
        threads=1,
        deterministic=True,
        hyperparameters={**recipe["hyperparameters"], **SHORT, **changed},
        metrics={"accuracy": "fraction"},
        flops_per_sample=None,
        data=None,
    )


def forward(name: str, module: Any, model: Any, data: Data, hparams: dict[str, Any]) -> tuple[Any, Any]:
    """Logits of all nodes without dropout, and the loss of the labelled ones."""
    graph, (nodes, labels) = data.graph, data.arrays["train"]
    assert graph
    logits_of = model.eval() if framework == "torch" else partial(getattr(model, "logits", model), training=False)
    if name == "sgc":
        x = module.propagated(graph, int(hparams["propagation_steps"]))
        return logits_of(x), module.objective(model, x, nodes, labels)
    if (name, framework) == ("gat", "torch"):
        x = module.Compressed(module.words(graph), NODES, WORDS, "cpu")
    else:
        x = module.sparse(module.words(graph), NODES, WORDS)
    if name == "gcn":
        logits = logits_of(x, module.sparse(module.propagation(graph), NODES, NODES))
        return logits, module.objective(model, logits, nodes, labels, hparams)
    pairs = module.neighbourhood(graph)
    logits = logits_of(x, module.Pairs(pairs, NODES, "cpu") if framework == "torch" else pairs)
    return logits, module.objective(logits, nodes, labels)


def start(shapes: list[tuple[int, ...]]) -> list[numpy.ndarray]:
    """Weights for both frameworks; a matrix is drawn as inputs x outputs."""
    random = numpy.random.RandomState(1)
    return [random.uniform(-0.5, 0.5, shape).astype(numpy.float32) for shape in shapes]


def turned(name: str, arrays: list[numpy.ndarray]) -> list[numpy.ndarray]:
    """PyTorch's linear layer holds outputs x inputs, TensorFlow's inputs x outputs: so does ``start``."""
    return [array.T for array in arrays] if (name, framework) == ("sgc", "torch") else arrays


def give_weights(name: str, model: Any) -> None:
    """Those of ``start``."""
    if framework == "tensorflow":
        model.set_weights(start([tuple(weight.shape) for weight in model.weights]))
        return
    parameters = list(model.parameters())
    drawn = start([tuple(array.shape) for array in turned(name, [each.detach().numpy() for each in parameters])])
    for parameter, array in zip(parameters, turned(name, drawn), strict=True):
        parameter.data.copy_(import_module("torch").tensor(array))


def from_the_same_weights(name: str, module: Any, data: Data, hparams: dict[str, Any]) -> dict[str, numpy.ndarray]:
    model = module.build(WORDS, CLASSES, hparams)
    give_weights(name, model)
    if framework == "torch":
        logits, loss = forward(name, module, model, data, hparams)
        loss.backward()
        gradients = [parameter.grad.numpy() for parameter in model.parameters()]
        logits = logits.detach()
    else:
        tf: Any = import_module("tensorflow")
        with tf.GradientTape() as tape:
            logits, loss = forward(name, module, model, data, hparams)
        gradients = [tf.convert_to_tensor(each).numpy() for each in tape.gradient(loss, model.trainable_weights)]
    arrays = {f"gradient {place}": array for place, array in enumerate(turned(name, gradients))}
    return {"logits": logits.numpy(), **arrays}


class Given(Run):
    """A run that starts from the weights of ``start``."""

    def weights(self, moment: str, model: Any) -> None:
        if moment == "initial":
            give_weights(self._job.model, model)


def training(module: Any, data: Data, work: WorkerJob, kind_of_run: type[Run] = Run) -> dict[str, Any]:
    told: list[tuple[str, dict[str, Any]]] = []
    run = kind_of_run(work, side, lambda kind, **fields: told.append((kind, fields)), data, "cpu")  # type: ignore[arg-type]
    module.train(run)
    run.finish()
    return {
        "losses": [fields["loss"] for kind, fields in told if kind == "epoch_stop"],
        "accuracy": [fields["value"] for kind, fields in told if kind == "eval_accuracy"],
        "weights": [fields["sha256"] for kind, fields in told if kind == "weights"],
    }


def main() -> None:
    data, told = made_up(), {}
    side.prepare(job("gcn"))
    for name in ("gcn", "sgc", "gat"):
        work = job(name)
        module = import_module("importable").module_of(repository / "models" / name, FILE)
        parameters = side.named_arrays(module.build(1433, 7, work.hyperparameters))[1]
        told[name] = {"parameters": parameters, **training(module, data, work)}
        told[name]["steps"] = training(module, data, job(name, epochs=4, dropout=0.0), Given)["losses"]
        found = from_the_same_weights(name, module, data, work.hyperparameters)
        numpy.savez(folder / f"{framework}-{name}.npz", **found)  # type: ignore[arg-type]
    sys.stdout.write(json.dumps(told))


main()
