"""The order of the slow suites: with `--dist loadfile` and without reordering, the longest file starts first.

A file that is waited for at the end would leave the other cores idle. EXHAUSTIVE=1 (`make exhaustive`) asks each suite
for all of what it otherwise samples.
"""

from __future__ import annotations

import pytest

LONGEST = (
    "test_ops_sqlite.py",
    "test_hostile_folder.py",
    "test_ops_postgres.py",
    "test_docs_examples.py",
    "test_ray.py",
    "test_pages_in_chromium.py",
    "test_own_reports_publish.py",
    "test_faults_of_the_machine.py",
    "test_model_failures_through_the_command.py",
    "test_faults_injected.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: order for order, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))
