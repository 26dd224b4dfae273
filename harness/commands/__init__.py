"""One straight-line function per command: the only place where everything meets."""
