"""Who answers: one module for each way to reach a model, all behind `protocol.Provider`.

A provider sends messages and a schema and brings back text with its timings, or raises `ModelError`. What
may be sent, and whether an answer may be used, is decided outside this folder.
"""
