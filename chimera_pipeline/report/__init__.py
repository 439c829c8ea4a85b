"""The report: facts, statements and the choice among them in; one view model and its renderings out.

Rounding happens in `wording`; no number is computed here, and each printed number carries the label of its fact.
"""
