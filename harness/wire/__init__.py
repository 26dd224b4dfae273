"""What crosses between the orchestrator and a worker.  Standard library only, old Python.

The protocol, version 1
-----------------------
The orchestrator makes a run folder holding ``job.json`` and ``code/`` (a snapshot of
``harness/wire``, ``harness/worker`` and ``models/<name>``) and starts::

    PYTHON -s RUN/code/harness/worker RUN/job.json

with two inherited file descriptors, named by environment variables:

``HARNESS_EVENTS_FD``
    the worker writes events to it, one JSON object a line:
    ``{"fields": {...}, "kind": "epoch_stop", "time": 1764000000.25}``.
    Nothing else is ever written there; stdout and stderr belong to the model and go to
    ``worker.log``.
``HARNESS_LIFELINE_FD``
    the read end of a pipe whose other end only the orchestrator holds.  When it closes,
    the orchestrator is gone, and the worker kills its own process group.

JSON has no NaN: a non-finite number travels as the string "NaN", "Infinity" or "-Infinity"
(``events.number`` reads it back).  ``time`` is Unix time in seconds.

Events, in the order they come (names from MLPerf's mllog where it has one):

=================  ==========================================================================
run_start          protocol, pid, python, executable
machine            the machine as found (see ``wire.machine``)
environment        packages {name: version}, variables {NAME: value} (allow-list)
libraries          versions the framework reports as loaded (oneDNN, MKL, CUDA, cuDNN, ...)
settings           threads, device, seed, deterministic (asked for), precision
data               name, digest (of the manifest that the worker mapped)
keeps              parts [..]: from here on the run can be stopped and gone on with
resumed            run, epoch, step, seconds (to read it): this run goes on with that one; what was reported
                   of its epochs is reported again
checkpoint         file, epoch, step, bytes, seconds: written; checkpoint_failed: reason, epoch, step
weights            moment "initial" | "final", sha256, parameters (trainable count)
first_batches      sha256 of each of the first batches of the training split
epoch_start        epoch (from 0)
tracked_stats      epoch, step, steps, loss, samples_per_second: progress, at most 2 a second
epoch_stop         epoch, loss (mean over samples), samples, seconds, steps
eval_accuracy      metric, value, epoch (null: of the whole run)
step_times         seconds [..] of every step, warmup (how many to leave out), samples (a step)
measurement        wall, CPU shares, memory peak, matrix-product peak: see ``worker.run``
determinism        asked, held, reasons [..]
files              of a wrapped program: code {path: sha256}, data {path: {sha256, bytes}}, edited
                   [path, ..] (changed while it ran), packages {name: version}, installed {name: sha256
                   of what its wheel brought}, elsewhere [name, ..] (not from an index), python, executable
run_stop           status "finished" | "error" | "stopped" (by SIGTERM, with a checkpoint), reason, seconds:
                   always the worker's last
=================  ==========================================================================

The orchestrator adds to the same file: ``submitted`` first (digests of code and environment, the
environment's variables, the data set's manifest, the command, the place in a session of pairs),
``garbled`` (a line that is no event), ``reaped`` (it ended the process group: reason "deadline" |
"interrupted"), ``worker_exit`` (returncode) ``edited`` (files [..] of ours that are other
than what ran) and, where the machine tells, ``clocks`` of a speed
(throttled_share, cpu_mhz, gpu_mhz) last.  A file without ``run_stop`` is a crashed run and is never read as
a result.
"""

PROTOCOL = 1
SPEED = "samples_per_second"  # the metric of every recipe of mode "speed"
EVENTS_FD = "HARNESS_EVENTS_FD"
LIFELINE_FD = "HARNESS_LIFELINE_FD"

# A file called torch.py would shadow torch when it is run by its path.
MODEL_FILES = {"torch": "pytorch.py", "tensorflow": "tf.py", "numpy": "plain.py", "command": "command.py"}
SECONDS = "seconds"  # the metric that every wrapped program has: how long it ran
COMMAND = "command"  # no framework: another program, wrapped
