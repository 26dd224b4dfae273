"""A rank that is lost in the middle of a training."""

import os
import signal


def lose(run, number):
    """End this process without a word when it is rank ``lose_rank``, at the second batch."""
    rank, _ = run.together()
    if number == 1 and rank == run.hparams["lose_rank"]:
        os.kill(os.getpid(), signal.SIGKILL)
