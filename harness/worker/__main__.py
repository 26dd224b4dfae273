"""The worker's door: ``PYTHON -s RUN/code/harness/worker RUN/job.json``."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # Started by path, sys.path[0] is this folder; the snapshot's root replaces it, so that
    # ``harness`` is the snapshot's and a file here can shadow nothing.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from harness.worker.main import main

    sys.exit(main(sys.argv[1]))
