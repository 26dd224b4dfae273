"""The view: core values in; terminal text, HTML and JSON out.  Never reads a run folder."""
