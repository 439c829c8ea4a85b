"""Facts: measurements and series in, numbers with statistic, condition, n, interval and sources out.

Statistics live in `statistics`; what is said of one series in `levels`; of two in `comparisons`; over time in
`history`; of the store itself in `coverage`. `build` puts them together for one period.
"""
