"""Inventory: what is under the root, what changed since last time, and the only place that opens artifacts.

In: a root and limits. Out: `Artifact` records, bytes that were hashed, and the store of earlier results.
"""
