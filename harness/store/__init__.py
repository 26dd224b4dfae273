"""Run folders: the facts.  Everything else can be made again from them."""

from harness.store.checkpoints import Checkpoint, checkpoints, forget_checkpoints, newest_checkpoint
from harness.store.folders import (
    RunFolder,
    create_run,
    disk_faults,
    load_origin,
    load_records,
    load_run,
    log_tail,
    newest_records,
    run_folders,
    run_names,
    write_whole,
)
from harness.store.nights import NightFolder, create_night, nights, one_night_at_a_time
from harness.store.said import load_said, remember

__all__ = [
    "Checkpoint",
    "NightFolder",
    "RunFolder",
    "checkpoints",
    "create_night",
    "create_run",
    "disk_faults",
    "forget_checkpoints",
    "load_origin",
    "load_records",
    "load_run",
    "load_said",
    "log_tail",
    "newest_checkpoint",
    "newest_records",
    "nights",
    "one_night_at_a_time",
    "remember",
    "run_folders",
    "run_names",
    "write_whole",
]
