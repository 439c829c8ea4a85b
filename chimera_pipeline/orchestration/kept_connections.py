"""Dagster's SQLite record of runs, written over one connection a database instead of one a statement.

Dagster opens a database, compiles its statement and closes again for each event: two thirds of what it added to a run.
Files and tables are Dagster's own; whoever opens the folder with its usual storages sees the same record.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection, Engine

_INDEX = "index"
_TIMEOUT_S = 60
"""How long another process that writes is waited for: `chimera ui` beside a run."""


class _Engines:
    """An engine a database, with its connection and its compiled statements, until all are closed."""

    def __init__(self) -> None:
        self._by_address: dict[str, Engine] = {}

    @contextlib.contextmanager
    def connected(self, address: str) -> Iterator[Connection]:
        """A connection in a transaction of its own; the database is there."""
        engine = self._by_address.get(address)
        if engine is None:
            engine = self._by_address[address] = create_engine(address, connect_args={"timeout": _TIMEOUT_S})
        with engine.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        while self._by_address:
            self._by_address.popitem()[1].dispose()


class Events(SqliteEventLogStorage):
    """The event log: a database a run, and one over all runs."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines = _Engines()
        self._made: set[str] = set()
        self._tables: set[str] = set()
        self._indexes: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Events:
        """As the instance's configuration makes it."""
        return cls(inst_data=inst_data, **config_value)

    @contextlib.contextmanager
    def run_connection(self, run_id: str | None = None) -> Iterator[Connection]:
        """A connection to the database of a run, which is made where it is missing."""
        shard = str(run_id)
        if shard not in self._made:
            with super().run_connection(shard):  # makes it
                self._made.add(shard)
        with self._engines.connected(self.conn_string_for_shard(shard)) as connection:
            yield connection

    def index_connection(self) -> contextlib.AbstractContextManager[Connection]:
        """A connection to the database over all runs."""
        return self.run_connection(_INDEX)

    def has_table(self, table_name: str) -> bool:
        """Whether the database over all runs has the table; one that is there stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def has_secondary_index(self, name: str) -> bool:
        """Whether an index has been made; one that is there stays."""
        if name not in self._indexes and super().has_secondary_index(name):
            self._indexes.add(name)
        return name in self._indexes

    def dispose(self) -> None:
        """Close the connections."""
        self._engines.close()
        super().dispose()


class Runs(SqliteRunStorage):
    """The list of runs."""

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._address, self._engines = conn_string, _Engines()
        super().__init__(conn_string, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Runs:
        """As the instance's configuration makes it."""
        return cls.from_local(inst_data=inst_data, **config_value)

    @contextlib.contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection to the database of runs."""
        with self._engines.connected(self._address) as connection:
            yield connection

    def dispose(self) -> None:
        """Close the connection."""
        self._engines.close()
        super().dispose()


def configuration(home: Path) -> str:
    """What an instance over the folder `home` says to be recorded this way, as YAML, in Dagster's own places."""
    places = {"run_storage": (Runs, home / "history"), "event_log_storage": (Events, home / "history" / "runs")}
    return yaml.safe_dump(
        {
            name: {"module": __name__, "class": storage.__name__, "config": {"base_dir": str(place)}}
            for name, (storage, place) in places.items()
        }
    )
