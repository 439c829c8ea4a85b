"""Dagster's own ground: DAGSTER_HOME, the storage it names, and the engine that steps run on.

Credentials come from the environment and are never shown: of a database its host, port and name are.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from chimera_pipeline.orchestration.doctor.line import Line, fail, ok, warn
from chimera_pipeline.settings import Settings

_CONNECT_S = 3
_EXTRA_OF_ENGINE = {"ray": "dagster_ray", "k8s": "dagster_k8s"}


def dagster_home(settings: Settings) -> Iterator[Line]:
    """The instance that runs are recorded in."""
    named = os.environ.get("DAGSTER_HOME")
    if not named:
        yield ok("DAGSTER_HOME", f"not set: runs are recorded under {settings.out}")
        return
    home = Path(named)
    if not home.is_absolute():
        yield fail("DAGSTER_HOME", f"{named} is no absolute path", f"export DAGSTER_HOME={home.resolve()}")
        return
    if not home.is_dir():
        yield fail("DAGSTER_HOME", f"{named}: no such folder", f"mkdir -p {named}")
        return
    config = home / "dagster.yaml"
    if not config.is_file():
        fix = "copy dagster_home/dagster.yaml there: it limits what runs at once and sends no telemetry"
        yield warn("DAGSTER_HOME", f"{named} has no dagster.yaml: Dagster's defaults hold", fix)
        return
    try:
        loaded = yaml.safe_load(config.read_text("utf-8")) or {}
    except yaml.YAMLError as error:
        yield fail("DAGSTER_HOME", f"{config}: not YAML: {str(error).splitlines()[0]}", "mend it")
        return
    yield ok("DAGSTER_HOME", named)
    if not isinstance(loaded, dict):
        yield fail("storage", f"{config}: expected keys and values", "start from dagster_home/dagster.yaml")
        return
    storage = loaded.get("storage") or {}
    if "postgres" in storage:
        yield from _postgres(storage["postgres"])
    else:
        yield from _on_disk(home, storage)


def _on_disk(home: Path, storage: Mapping[str, Any]) -> Iterator[Line]:
    if not os.access(home, os.W_OK):
        yield fail("storage", f"{home} cannot be written", "give it to the user who runs Dagster")
    elif "sqlite" not in storage and storage:
        yield ok("storage", f"{', '.join(storage)} (not looked at)")
    else:
        yield ok("storage", "SQLite: one machine, few runs at a time")


def _postgres(config: Mapping[str, Any]) -> Iterator[Line]:
    missing = sorted(name for name in _variables(config) if not os.environ.get(name))
    if missing:
        yield fail("postgres", f"dagster.yaml asks for {', '.join(missing)}: not set", f"export {missing[0]}=...")
        return
    if importlib.util.find_spec("dagster_postgres") is None:
        yield fail("postgres", "dagster-postgres is not installed", "pip install 'chimera-pipeline[postgres]'")
        return
    from dagster_postgres.utils import pg_url_from_config
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(pg_url_from_config(_resolved(config)))
    except (ArgumentError, KeyError, ValueError) as error:
        form = "postgresql+psycopg2://USER:PASSWORD@HOST:5432/DATABASE"
        yield fail("postgres", f"the address is no URL ({type(error).__name__})", f"write it as {form}")
        return
    if _literal_password(config):
        fix = "postgres_url: {env: DAGSTER_POSTGRES_URL}, and the variable in the environment of the services"
        yield warn("postgres", "dagster.yaml holds a password", fix)
    yield from _connected(url)


def _connected(url: Any) -> Iterator[Line]:
    from sqlalchemy import create_engine, inspect, text
    from sqlalchemy.exc import SQLAlchemyError

    host = url.host or url.query.get("host") or "the local socket"
    shown = f"{url.database} at {host}" + (f":{url.port}" if url.port else "")
    engine = create_engine(url, connect_args={"connect_timeout": _CONNECT_S})
    try:
        with engine.connect() as connection:
            version = connection.execute(text("SHOW server_version")).scalar()
            made = inspect(connection).has_table("runs")
    except (SQLAlchemyError, ImportError) as error:
        said = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        if url.password:
            said = said.replace(str(url.password), "***")
        yield fail("postgres", f"{shown}: {said}", "start it, or put right the variable that holds its address")
        return
    finally:
        engine.dispose()
    if not made:
        fix = "dagster instance info makes them; do it before the services start"
        yield warn("postgres", f"{shown}, server {version}: Dagster's tables are not made yet", fix)
        return
    yield from _migrated(f"{shown}, server {version}")


def _migrated(shown: str) -> Iterator[Line]:
    """Whether the tables are those of the installed Dagster."""
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        found, newest = instance.run_storage.alembic_version() or (None, None)
        runs = instance.get_runs_count()
    if found == newest:
        yield ok("postgres", f"{shown}, {runs} runs")
    else:
        yield fail(
            "postgres", f"{shown}: tables of another Dagster ({found}, not {newest})", "dagster instance migrate"
        )


def _variables(config: Any) -> Iterator[str]:
    if isinstance(config, Mapping):
        if set(config) == {"env"}:
            yield str(config["env"])
        else:
            for value in config.values():
                yield from _variables(value)


def _resolved(config: Any) -> Any:
    if not isinstance(config, Mapping):
        return config
    if set(config) == {"env"}:
        return os.environ[str(config["env"])]
    return {key: _resolved(value) for key, value in config.items()}


def _literal_password(config: Mapping[str, Any]) -> bool:
    url, parts = config.get("postgres_url"), config.get("postgres_db")
    if isinstance(url, str):
        from sqlalchemy import make_url

        return bool(make_url(url).password)
    return isinstance(parts, Mapping) and isinstance(parts.get("password"), str)


def engine(settings: Settings) -> Iterator[Line]:
    """Where steps run, and what tells people of failures."""
    package = _EXTRA_OF_ENGINE.get(settings.engine)
    if package is not None:
        address = os.environ.get("RAY_ADDRESS")
        if importlib.util.find_spec(package) is None:
            extra = f"pip install 'chimera-pipeline[{settings.engine}]'"
            yield fail("engine", f"{settings.engine}: {package} is not installed", extra)
        elif settings.engine == "ray" and not address:
            yield fail("engine", "ray: RAY_ADDRESS is not set", "export RAY_ADDRESS=HOST:6379")
        else:
            yield ok("engine", f"{settings.engine} {address if settings.engine == 'ray' else ''}".strip())
    if settings.alerts and importlib.util.find_spec("apprise") is None:
        yield fail("alerts", "apprise is not installed", "pip install 'chimera-pipeline[alerts]'")
    elif settings.alerts:
        yield ok("alerts", f"{len(settings.alerts)} addresses")
