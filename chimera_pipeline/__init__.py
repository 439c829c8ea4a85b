"""Turns benchmark result files into reports whose numbers can be traced."""

__version__ = "0.1.0"
