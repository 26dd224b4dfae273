"""Run folders: the facts.  Everything else can be made again from them."""

from harness.store.folders import RunFolder, create_run, disk_faults, load_records, run_folders, write_whole
from harness.store.said import load_said, remember

__all__ = [
    "RunFolder",
    "create_run",
    "disk_faults",
    "load_records",
    "load_said",
    "remember",
    "run_folders",
    "write_whole",
]
