"""The script that everybody writes first: glob, read_csv or json_normalize, concat, describe.

python benchmarks/peers/naive.py FOLDER
"""

import glob
import json
import sys

import pandas as pd

frames, notes = [], []
for path in sorted(glob.glob(f"{sys.argv[1]}/**/*", recursive=True)):
    if path.endswith(".csv"):
        frames.append(pd.read_csv(path).assign(path=path))
    elif path.endswith(".json"):
        with open(path) as stream:
            frames.append(pd.json_normalize(json.load(stream)).assign(path=path))
    elif path.endswith(".md"):
        with open(path) as stream:
            notes.append(stream.read())
table = pd.concat(frames, ignore_index=True)
print(len(table), len(notes), table.describe().shape)
