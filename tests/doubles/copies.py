"""An output folder as a run leaves it, and a bucket behind a proxy that its copy goes to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from chimera_pipeline import settings as settings_module
from chimera_pipeline.inventory import bucket_client
from chimera_pipeline.settings import Settings
from tests.doubles.s3_server import KEYS, Proxy, s3_server

PREFIX = "team/pub"
URI = f"s3://copies/{PREFIX}"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture
def proxy(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    for name, value in {**KEYS, "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)
    with Proxy(server) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        bucket_client.client.cache_clear()
        yield between
    bucket_client.client.cache_clear()


@pytest.fixture
def bucket(server: str, proxy: Proxy) -> Iterator[Any]:
    made = boto3.resource("s3", endpoint_url=server).create_bucket(Bucket="copies")
    yield made
    made.objects.all().delete()
    made.delete()


def written(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    """An output folder as a run leaves it."""
    written(
        tmp_path / "out",
        {
            "reports/2025-09/report.md": "september",
            "reports/2025-09/report.json": "{}",
            "reports/2025-10/report.md": "october",
            "reports/2025-10/report.json": "{}",
            "reports/2025-10/report.md.rejected": "refused",
            "reports/index.html": "index",
            "tables/artifacts/part-0.parquet": "PAR1artifacts",
            "tables/facts/2025-09.parquet": "PAR1september",
            "tables/facts/2025-10.parquet": "PAR1october",
            "tables/checks/report-2025-10.parquet": "PAR1checks",
            "tables/facts/.chimera-tmp-x": "half",
            ".chimera/store-v2.sqlite": "store",
        },
    )
    return settings_module.load(artifacts="in", out=tmp_path / "out", publish_to=URI)


def current(bucket: Any) -> dict[str, Any]:
    """What a reader sees: the pointer, after holding every object against it."""
    value = json.loads(bucket.Object(f"{PREFIX}/current.json").get()["Body"].read())
    for one in value["objects"]:
        data = bucket.Object(f"{PREFIX}/{one['key']}").get()["Body"].read()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (one["sha256"], one["size_bytes"])
    return value  # type: ignore[no-any-return]


def texts(bucket: Any) -> dict[str, str]:
    return {
        one["path"]: bucket.Object(f"{PREFIX}/{one['key']}").get()["Body"].read().decode()
        for one in current(bucket)["objects"]
    }


def generations(bucket: Any) -> set[str]:
    base = f"{PREFIX}/generations/"
    return {found.key.removeprefix(base).partition("/")[0] for found in bucket.objects.filter(Prefix=base)}
