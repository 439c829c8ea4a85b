"""Readers: one artifact's bytes in, one `Reading` out (rows in canonical units, refusals, summaries).

A reader is chosen by content, never by name. It touches no file, no clock and no other artifact.
"""
