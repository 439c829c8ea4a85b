"""`chimera doctor`: what the program finds on this machine, line by line, each with what to do.

`examination` holds the order of the lines; each other module one part of the machine. Nothing here changes anything:
a file that is written to try a folder is gone again, and no secret is shown.
"""
