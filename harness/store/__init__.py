"""Run folders: the facts.  Everything else can be made again from them."""

from harness.store.folders import RunFolder, create_run, disk_faults, load_records, run_folders, write_whole

__all__ = ["RunFolder", "create_run", "disk_faults", "load_records", "run_folders", "write_whole"]
