"""`chimera doctor` against a real Postgres server: its states, and no password in what is said."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg2
import pytest
from dagster import DagsterInstance
from sqlalchemy import make_url

from tests.e2e.test_cli import chimera
from tests.slow.ops_deployment import postgres

SECRET = "geheim17"
ROOT = Path(__file__).resolve().parents[2]


def looked_at(home: Path, url: str) -> tuple[str, str, str]:
    """Status, finding and fix of the line `postgres`, said for a user with a password."""
    environment = {"DAGSTER_HOME": str(home), "DAGSTER_COMPUTE_LOGS": str(home), "DAGSTER_POSTGRES_URL": url}
    done = chimera("doctor", "--llm", "none", "--json", cwd=home, **environment)
    assert SECRET not in done.stdout + done.stderr
    (line,) = [line for line in json.loads(done.stdout)["checks"] if line["check"] == "postgres"]
    assert done.returncode == (2 if line["status"] == "fail" else 0)
    return line["status"], line["found"], line["fix"]


def test_a_database_that_is_empty_ready_of_another_version_and_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shipped = ROOT / "dagster_home" / "production" / "dagster.yaml"
    (home / "dagster.yaml").write_text(shipped.read_text("utf-8"))
    with postgres(tmp_path / "pg") as server:
        socket = make_url(server.get_uri()).set(drivername="postgresql+psycopg2")
        with psycopg2.connect(server.get_uri()) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE ROLE chimera LOGIN SUPERUSER PASSWORD '{SECRET}'")
        connection.close()
        url = socket.set(username="chimera", password=SECRET).render_as_string(hide_password=False)

        status, found, fix = looked_at(home, url)
        assert (status, fix.startswith("dagster instance info")) == ("warn", True)
        assert found.startswith("postgres at ")
        assert "tables are not made yet" in found

        for name, value in {"HOME": home, "POSTGRES_URL": url, "COMPUTE_LOGS": home}.items():
            monkeypatch.setenv(f"DAGSTER_{name}", str(value))
        with DagsterInstance.get() as instance:
            assert instance.get_runs_count() == 0
        status, found, _ = looked_at(home, url)
        assert status == "ok"
        assert found.endswith(", 0 runs")

        with psycopg2.connect(server.get_uri()) as connection, connection.cursor() as cursor:
            cursor.execute("UPDATE alembic_version SET version_num = 'earlier'")
        connection.close()
        status, found, fix = looked_at(home, url)
        assert (status, fix) == ("fail", "dagster instance migrate")
        assert "another Dagster (earlier" in found

        wrong = socket.set(username="nobody", password=SECRET).render_as_string(hide_password=False)
        assert looked_at(home, wrong)[0] == "fail"
    status, found, fix = looked_at(home, url)
    assert (status, fix.startswith("start it")) == ("fail", True)
