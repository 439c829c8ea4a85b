"""The least that answers "has anything changed?": scan and stat every file.

python benchmarks/peers/stat.py FOLDER
"""

import os
import sys

known = {}
pending = [sys.argv[1]]
while pending:
    with os.scandir(pending.pop()) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)
            else:
                found = entry.stat(follow_symlinks=False)
                known[entry.path] = (found.st_size, found.st_mtime_ns)
print(len(known))
