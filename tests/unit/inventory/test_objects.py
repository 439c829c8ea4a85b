"""Artifacts in object storage, against a real S3 server on loopback."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from chimera_pipeline import settings as settings_module
from chimera_pipeline.errors import InputError, Reason, UsageError
from chimera_pipeline.inventory import bucket_client, changes, objects, scan
from chimera_pipeline.orchestration import steps
from chimera_pipeline.records import Artifact
from tests import corpus


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket_client.client.cache_clear()
    made = boto3.resource("s3").create_bucket(Bucket="results")
    yield made
    made.objects.all().delete()
    made.delete()


def stock(uri: str, known: dict[str, Artifact] | None = None, spool: Path | None = None) -> dict[str, Artifact]:
    root = scan.open_root(uri)
    found = changes.take_stock(root, scan.scan(root), known or {}, max_bytes=10_000, spool=spool)
    return {artifact.path: artifact for artifact in found}


def test_objects_below_a_prefix_give_what_the_same_files_give(bucket: Any, tmp_path: Path) -> None:
    folder = corpus.tree(tmp_path / "local")
    for path in folder.rglob("*"):
        if path.is_file():
            bucket.upload_file(str(path), f"team/runs/{path.relative_to(folder)}")
    bucket.put_object(Key="team/runs-of-others/x.csv", Body=b"a,b\n1,2\n")
    tables = {}
    for name, artifacts in (("local", str(folder)), ("objects", "s3://results/team/runs/")):
        chosen = settings_module.load(artifacts=artifacts, out=tmp_path / f"out-{name}")
        inventory = steps.take_inventory(chosen, now=2e9)
        steps.read_new(chosen, inventory)
        tables[name] = steps.settle_store(chosen, inventory, now=2e9)
    for table in ("llm_requests", "timings", "serving_runs", "throughputs"):
        assert len(tables["local"][table]) == len(tables["objects"][table])
    of = {name: frames["artifacts"].set_index("path") for name, frames in tables.items()}
    regular = of["local"].index[of["local"]["sha256"].notna()]
    assert of["objects"]["sha256"].to_dict() == of["local"].loc[regular, "sha256"].to_dict()
    assert of["objects"]["status"].to_dict() == of["local"].loc[regular, "status"].to_dict()
    assert not (tmp_path / "out-objects" / ".chimera" / "spool").exists()


def test_a_second_look_fetches_only_objects_whose_etag_changed(bucket: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        bucket.put_object(Key=f"p/{name}.csv", Body=f"{name},x\n1,2\n".encode())
    first = stock("s3://results/p")
    assert {artifact.etag is not None for artifact in first.values()} == {True}
    marked = {
        path: Artifact(a.path, a.size_bytes, a.mtime_ns, "kept", a.format, etag=a.etag) for path, a in first.items()
    }
    bucket.put_object(Key="p/b.csv", Body=b"b,x\n1,3\n")  # as many bytes, within the same second
    second = stock("s3://results/p", marked)
    assert second["a.csv"].sha256 == "kept"
    assert second["b.csv"].sha256 not in ("kept", first["b.csv"].sha256)
    assert not changes.unchanged(scan.scan(scan.open_root("s3://results/p")), marked)
    assert changes.unchanged(scan.scan(scan.open_root("s3://results/p")), second)


def test_a_single_object_and_a_whole_bucket_are_roots(bucket: Any) -> None:
    bucket.put_object(Key="p/a.csv", Body=b"a,x\n1,2\n")
    assert list(stock("s3://results/p/a.csv")) == ["a.csv"]
    assert list(stock("s3://results")) == ["p/a.csv"]


def test_our_own_output_below_the_prefix_is_no_input(bucket: Any) -> None:
    bucket.put_object(Key="p/a.csv", Body=b"a,x\n1,2\n")
    bucket.put_object(Key="p/out/.chimera-out", Body=b"")
    bucket.put_object(Key="p/out/tables/facts/all.parquet", Body=b"PAR1")
    assert list(stock("s3://results/p")) == ["a.csv"]


def test_an_object_that_changes_after_it_was_listed_waits_for_the_next_run(bucket: Any) -> None:
    bucket.put_object(Key="p/a.csv", Body=b"a,x\n1,2\n")
    root = scan.open_root("s3://results/p")
    listed = scan.scan(root)
    bucket.put_object(Key="p/a.csv", Body=b"a,x\n1,3\n")
    (found,) = root.hashed(listed, max_bytes=100, spool=None)
    assert found.skip_reason is Reason.STILL_WRITING
    bucket.Object("p/a.csv").delete()
    (gone,) = root.hashed(listed, max_bytes=100, spool=None)
    assert gone.skip_reason is Reason.VANISHED


def test_an_object_over_the_limit_is_not_fetched(bucket: Any) -> None:
    bucket.upload_fileobj(io.BytesIO(b"x" * 10_001), "p/big.csv")
    assert stock("s3://results/p")["big.csv"].skip_reason is Reason.TOO_LARGE


def test_no_more_objects_are_under_way_than_allowed(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3 * bucket_client.CONCURRENCY):
        bucket.put_object(Key=f"p/{number}.csv", Body=b"a,x\n1,2\n")
    under_way, most, lock = 0, 0, threading.Lock()
    fetch = objects._get

    def counted(*args: Any) -> bytes:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        try:
            return fetch(*args)
        finally:
            with lock:
                under_way -= 1

    monkeypatch.setattr(objects, "_get", counted)
    assert len(stock("s3://results/p")) == 3 * bucket_client.CONCURRENCY
    assert 1 < most <= bucket_client.CONCURRENCY


def test_what_cannot_be_listed_says_why(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no object there"):
        stock("s3://results/typo")
    with pytest.raises(UsageError, match="no such bucket"):
        stock("s3://elsewhere/p")
    with pytest.raises(UsageError, match="names no bucket"):
        stock("s3://")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    bucket_client.client.cache_clear()
    with pytest.raises(InputError, match=r"s3://results/p at http://127\.0\.0\.1:9: cannot be listed"):
        stock("s3://results/p")
