"""Our training loops against public ones, on this machine."""
