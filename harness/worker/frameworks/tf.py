"""TensorFlow, from 2.12 on (Keras 2 up to 2.15, Keras 3 from 2.16)."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy
import tensorflow as tf

from harness.wire.job import WorkerJob
from harness.worker import measure, ranks
from harness.worker.frameworks import plain
from harness.worker.frameworks.plain import best_rate

VARIABLES = "__variables__"
TENSOR = "__tensor__"


def prepare(job: WorkerJob) -> Dict[str, Any]:
    gpus = tf.config.list_physical_devices("GPU")
    device = ("cuda" if gpus else "cpu") if job.device == "auto" else job.device
    if device == "cuda" and not gpus:
        raise ValueError("device cuda was asked for, but this TensorFlow sees none")
    if device == "cpu":
        tf.config.set_visible_devices([], "GPU")
    for gpu in gpus if device == "cuda" else ():
        tf.config.experimental.set_memory_growth(gpu, True)
    if job.devices > 1 and gpus and device == "cuda":
        tf.config.set_visible_devices(gpus[ranks.rank()], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(job.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(job.seed)  # Python, numpy and TensorFlow
    if job.deterministic:
        tf.config.experimental.enable_op_determinism()  # an operation that cannot raises
    if job.devices > 1:
        _join()
    return {
        "device": device,
        "precision": job.hyperparameters.get("precision", "fp32"),
        "generator": "batches numpy MT19937; TensorFlow Philox",
        "framework_threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "interop_threads": tf.config.threading.get_inter_op_parallelism_threads(),
    }


def _join() -> None:
    """Meet the other ranks.  The main thread stays within the strategy's scope to its end."""
    ranks.for_tensorflow()
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    strategy.scope().__enter__()


def libraries() -> Dict[str, str]:
    build = tf.sysconfig.get_build_info()
    found = {
        "tensorflow": tf.__version__,
        "tensorflow_git": tf.version.GIT_VERSION,
        "keras": str(tf.keras.__version__) if hasattr(tf.keras, "__version__") else _keras_version(),
        "compiler": tf.version.COMPILER_VERSION,
        "onednn": _onednn(),
    }
    for name, key in (("cuda", "cuda_version"), ("cudnn", "cudnn_version")):
        if key in build:
            found[name] = str(build[key])
    return found


def synchronize() -> None:
    if tf.distribute.has_strategy():  # sync_devices does not know the other workers' devices
        tf.zeros(()).numpy()  # comes after all that this device has still to do
        return
    sync = getattr(tf.test.experimental, "sync_devices", None)
    if sync is not None:
        sync()


def named_arrays(model: Any) -> Tuple[Dict[str, numpy.ndarray], int]:
    """Keras names repeat between layers, so a weight's place in the model is its name."""
    arrays = {"%05d" % index: weight.numpy() for index, weight in enumerate(model.weights)}
    return arrays, sum(int(numpy.prod(weight.shape)) for weight in model.trainable_weights)


def total(values: List[float]) -> List[float]:
    strategy = tf.distribute.get_strategy()

    def add_up(numbers: tf.Tensor) -> tf.Tensor:
        def on_replica(mine: tf.Tensor) -> tf.Tensor:
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(mine))

        return strategy.experimental_local_results(strategy.run(on_replica, args=(numbers,)))[0]

    return [float(number) for number in tf.function(add_up)(tf.constant(values, tf.float64))]


def set_arrays(model: Any, arrays: Mapping[str, numpy.ndarray]) -> None:
    own = {"%05d" % index: weight for index, weight in enumerate(model.weights)}
    plain.check_arrays({name: tuple(weight.shape) for name, weight in own.items()}, arrays)
    for name, array in arrays.items():
        own[name].assign(array)


def take(part: Any) -> Any:
    """Variables, and whatever has them: models, layers, optimizers, generators of random numbers.

    Not told are the random numbers of operations that keep their own count inside a graph (tf.nn.dropout and the
    like): where a training has to be resumable, draw by tf.random.stateless_* or from a generator that is kept.
    """
    return plain.take(part, _take)


def give(part: Any, saved: Any) -> Any:
    return plain.give(part, saved, _give)


def generators() -> Any:
    """What seeds the operations that are run one by one."""
    found = _operation_seeds()
    return found.getstate() if found is not None else None


def set_generators(saved: Any) -> None:
    found = _operation_seeds()
    if found is not None and saved is not None:
        found.setstate(saved)


def _operation_seeds() -> Any:
    try:
        from tensorflow.python.eager import context
    except ImportError:  # private, so it may go
        return None
    return getattr(context.context(), "_rng", None)


def _take(part: Any) -> Any:
    if isinstance(part, tf.Tensor):
        return {TENSOR: _bits(part.numpy())}
    variables = _variables_of(part)
    return None if variables is None else {VARIABLES: [_bits(variable.numpy()) for variable in variables]}


def _give(part: Any, saved: Any) -> Any:
    if isinstance(saved, dict) and TENSOR in saved:
        return tf.constant(saved[TENSOR])
    if not isinstance(saved, dict) or VARIABLES not in saved:
        return None
    variables, arrays = _variables_of(part) or [], saved[VARIABLES]
    if [tuple(variable.shape) for variable in variables] != [array.shape for array in arrays]:
        raise ValueError(
            "it has %d variables now and had %d, or their shapes differ; an optimizer must be built before run.keep"
            % (len(variables), len(arrays))
        )
    for variable, array in zip(variables, arrays):
        own = variable.numpy().dtype
        variable.assign(array.view(own) if own.kind == "V" else array)
    return part


def _variables_of(part: Any) -> Optional[List[Any]]:
    """None for what has none of its own.  What Keras calls weights lacks the counters of its dropouts."""
    if hasattr(part, "assign") and hasattr(part, "numpy"):
        return [part]
    for name in ("variables", "state", "weights"):
        found = getattr(part, name, None)
        found = found() if callable(found) else found
        if name == "state" and hasattr(found, "assign"):  # of a generator
            return [found]
        if name != "state" and isinstance(found, (list, tuple)):
            rate = getattr(part, "learning_rate", None)  # Keras 2 does not count it among them
            return [*found, *([rate] if hasattr(rate, "assign") and all(each is not rate for each in found) else [])]
    return None


def _bits(array: numpy.ndarray) -> numpy.ndarray:
    """numpy lacks bfloat16: its bits travel as integers."""
    return array.view(numpy.uint16) if array.dtype.kind == "V" else array


def peak_memory_bytes() -> int:
    if tf.config.list_logical_devices("GPU"):
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    return measure.peak_memory_bytes()


def determinism(job: WorkerJob) -> Dict[str, Any]:
    """An operation that TensorFlow knows to be undeterministic raises; a sum of three tensors does not.

    TensorFlow seems to add the inputs of an AddN in the order in which their memory comes free.  Seen with
    TensorFlow 2.21 on two threads: two runs of one seed parted in the last bit in the second or third
    step while the optimizer added three terms, and not once in 100 steps after it added two.
    """
    if not job.deterministic:
        return {"asked": False, "held": None, "reasons": []}
    if job.threads == 1 or tf.config.list_logical_devices("GPU") or _onednn() == "off":
        return {"asked": True, "held": True, "reasons": []}
    reason = "a sum of three or more tensors on several threads may repeat otherwise in the last bit"
    return {"asked": True, "held": None, "reasons": [reason]}


def matmul_flops_per_second(precision: str) -> float:
    size = 8192 if tf.config.list_logical_devices("GPU") else 2048
    dtype = {"fp32": tf.float32, "bf16": tf.bfloat16, "fp16": tf.float16}[precision]
    left = tf.ones((size, size), dtype)

    def multiply() -> None:
        tf.linalg.matmul(left, left)
        synchronize()

    return best_rate(multiply, 2 * size**3)


def _onednn() -> str:
    """Whether oneDNN kernels are used: built in, and not switched off by TF_ENABLE_ONEDNN_OPTS."""
    try:
        from tensorflow.python.util import _pywrap_util_port
    except ImportError:  # private, so it may go
        return "unknown"
    return "on" if _pywrap_util_port.IsMklEnabled() else "off"


def _keras_version() -> str:
    import keras

    return str(keras.__version__)
