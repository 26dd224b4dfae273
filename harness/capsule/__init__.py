"""One file that holds what is needed to train a model again: written from run folders, read with suspicion.

A capsule is a zip and an RO-Crate.  ``capsule.json`` names every other file with its sha256 and size; what is
read is held against it first, and nothing that a capsule says is run, imported or unpickled here.
"""

from harness.capsule.archive import Capsule, Content, open_capsule, write_capsule
from harness.capsule.crate import METADATA, describe_crate
from harness.capsule.manifest import SHA256, About, EnvironmentEntry, RunEntry, packed_weights
from harness.capsule.privacy import named, public_event, public_job, public_record, public_variables
from harness.capsule.program import (
    FILES,
    PROGRAM,
    locked_versions,
    named_nowhere,
    normal,
    outside,
    packed_environment,
    public_files,
    public_hyperparameters,
    public_program,
    reproducible,
)
from harness.capsule.wheels import download_wheels, strange_lines

__all__ = [
    "FILES",
    "METADATA",
    "PROGRAM",
    "SHA256",
    "About",
    "Capsule",
    "Content",
    "EnvironmentEntry",
    "RunEntry",
    "describe_crate",
    "download_wheels",
    "locked_versions",
    "named",
    "named_nowhere",
    "normal",
    "open_capsule",
    "outside",
    "packed_environment",
    "packed_weights",
    "public_event",
    "public_files",
    "public_hyperparameters",
    "public_job",
    "public_program",
    "public_record",
    "public_variables",
    "reproducible",
    "strange_lines",
    "write_capsule",
]
