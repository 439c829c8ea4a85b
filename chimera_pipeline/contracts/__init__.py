"""Meaning: what tables, metrics and telemetry are, loaded from `schemas/`. No data flows through here."""
