"""What ingesting costs at least: scan, read, parse with the fastest parser, one build, one Parquet file.

    python benchmarks/peers/bare.py FOLDER OUT.parquet

Nothing is understood: a csv row is a row of text cells, a json file one row a record of its longest list, numbers as
they are. It is what any reader of these files has to do before it knows a unit.
"""

import csv
import os
import sys
from collections import defaultdict

import orjson
import pyarrow as pa
import pyarrow.parquet as pq


def scan(folder: str) -> list[str]:
    found, pending = [], [folder]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)
                    found.append(entry.path)
    return found


def records(path: str) -> list[dict[str, object]]:
    with open(path, "rb") as stream:
        data = stream.read()
    if path.endswith(".csv"):
        return list(csv.DictReader(data.decode().splitlines()))
    if path.endswith(".json"):
        value = orjson.loads(data)
        lists = [item for item in value.values() if isinstance(item, list) and item and isinstance(item[0], dict)]
        return max(lists, key=len) if lists else [value]
    data.decode()
    return []


columns: dict[str, list[object]] = defaultdict(list)
rows = 0
for name in scan(sys.argv[1]):
    for record in records(name):
        for key, value in record.items():
            column = columns[key]
            column.extend([None] * (rows - len(column)))
            column.append(str(value) if isinstance(value, dict | list) else value)
        rows += 1
for column in columns.values():
    column.extend([None] * (rows - len(column)))
arrays = {}
for key, column in columns.items():
    try:
        arrays[key] = pa.array(column)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        arrays[key] = pa.array([None if value is None else str(value) for value in column])
pq.write_table(pa.table(arrays), sys.argv[2], compression="zstd")
print(rows, len(arrays))
