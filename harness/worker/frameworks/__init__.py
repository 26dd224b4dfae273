"""One module a framework, each with the same handful of functions.

``prepare(job)``
    seed, threads, device and determinism, before any tensor exists; returns what was set.
``libraries()``
    versions of what the framework has loaded.
``synchronize()``
    wait until the accelerator is idle.
``named_arrays(model)``
    {name: numpy array} of all weights and buffers, and the number of trainable parameters.
``total(values)``
    each number added up over the processes of a run on several devices, which ``prepare`` has joined.
``peak_memory_bytes()``, ``matmul_flops_per_second(precision)``
    measured in this process.
``determinism(job)``
    {"asked", "held", "reasons"}: held is None where it was not asked for.
"""
