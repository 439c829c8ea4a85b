"""One module a format; each defines `READER` (or `READERS`) and is found by the registry.

Exactly one reader may claim a document: matchers look for what only their format has.
"""
