"""Adadelta of some rows only, against the frameworks' own over whole tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy

from tests.models.asking import answer_of

FOLDER = Path(__file__).parents[2] / "models" / "adadelta"
HPARAMS = {"learning_rate": 1.0, "rho": 0.95, "epsilon": 1e-6}

# Both train a table of which a step sees some rows, and an array of which it sees all.  Sixteen columns fill the
# vector registers; what does not is rounded otherwise by PyTorch itself, depending on where it lies.
TORCH = f"""
import json, sys
import numpy, torch
sys.path.insert(0, {str(FOLDER)!r})
from adadelta_pytorch import Adadelta
hparams = {HPARAMS!r}
random = numpy.random.RandomState(0)

def trained(sparse):
    torch.manual_seed(0)
    table, whole = torch.nn.Embedding(40, 16, padding_idx=0, sparse=sparse), torch.nn.Parameter(torch.randn(7, 16))
    parameters = [table.weight, whole]
    own = torch.optim.Adadelta(parameters, lr=hparams["learning_rate"], rho=hparams["rho"], eps=hparams["epsilon"])
    optimizer = Adadelta(parameters, hparams) if sparse else own
    random.seed(0)
    for step in range(60):
        optimizer.zero_grad()
        rows = torch.from_numpy(random.randint(0, 20 if step < 30 else 40, (6, 5)))
        (table(rows).tanh() @ whole.t()).square().sum().backward()
        optimizer.step()
    return [parameter.detach() for parameter in parameters]

print(json.dumps([bool(torch.equal(ours, theirs)) for ours, theirs in zip(trained(True), trained(False))]))
"""
TENSORFLOW = f"""
import json, sys
import numpy, tensorflow as tf
sys.path.insert(0, {str(FOLDER)!r})
from adadelta_tf import Adadelta
hparams = {HPARAMS!r}
random = numpy.random.RandomState(0)

def trained(keras):
    random.seed(0)
    table, whole = (tf.Variable(random.standard_normal(shape).astype("float32")) for shape in ((40, 16), (7, 16)))
    own = tf.keras.optimizers.Adadelta(hparams["learning_rate"], rho=hparams["rho"], epsilon=hparams["epsilon"])
    optimizer = own if keras else Adadelta(hparams)
    optimizer.build([table, whole])
    for step in range(60):
        rows = random.choice(20 if step < 30 else 40, 9, replace=False)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(tf.tanh(tf.gather(table, rows)) @ tf.transpose(whole)))
        some, every = tape.gradient(loss, [table, whole])
        optimizer.apply_gradients([(tf.convert_to_tensor(some) if keras else some, table), (every, whole)])
    return [table.numpy(), whole.numpy()]

print(json.dumps([float(abs(ours - theirs).max()) for ours, theirs in zip(trained(False), trained(True))]))
"""


def test_rows_alone_end_where_pytorchs_own_ends_with_the_whole_table_to_the_bit(
    environment_python: Callable[[str], Path],
) -> None:
    assert answer_of(environment_python("torch-2.13"), "-c", TORCH) == [True, True]


def test_rows_alone_end_where_keras_ends_with_the_whole_table(environment_python: Callable[[str], Path]) -> None:
    assert numpy.max(answer_of(environment_python("tf-2.21"), "-c", TENSORFLOW)) < 2e-5
