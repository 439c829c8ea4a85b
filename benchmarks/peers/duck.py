"""What DuckDB takes to sum up one csv: count, mean, deviation, extremes and quantiles of every number, by model.

python benchmarks/peers/duck.py FILE
"""

import sys

import duckdb

source = f"read_csv('{sys.argv[1]}')"
database = duckdb.connect()
numbers = [
    name
    for name, kind, *_ in database.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    if kind in ("DOUBLE", "BIGINT")
]
wanted = ", ".join(
    f"count({n}), avg({n}), stddev_samp({n}), min({n}), max({n}), quantile_cont({n}, [0.5, 0.9, 0.95, 0.99])"
    for n in numbers
)
print(database.execute(f"SELECT model, hardware, {wanted} FROM {source} GROUP BY ALL").fetchall())
