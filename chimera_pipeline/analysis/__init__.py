"""Analysis: facts in, proved statements and a choice among them out. No number, unit, direction or name is made here
that a fact does not hold; a model, where one is used, chooses among statements that code has proved.
"""
