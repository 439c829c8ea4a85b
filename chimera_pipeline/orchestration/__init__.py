"""Wiring: the stages as Dagster assets, with IO managers, checks, partitions, jobs, sensors and schedules."""
