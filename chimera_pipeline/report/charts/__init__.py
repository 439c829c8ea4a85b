"""Charts: chosen from facts (`choose` and the modules of each kind), drawn as inline SVG (`draw`, on `svg`).

A chart is plain data with its own table; each number in it is a fact or a point behind one. Nothing is computed
here but places on the drawing.
"""
