"""The copy in object storage is the former generation or the new one, whole (its failures: `tests/slow/`)."""

# ruff: noqa: F811 - fixtures are imported
from __future__ import annotations

import datetime as dt
import json
import os
import time
from typing import Any

import pytest

from chimera_pipeline.errors import InputError, UsageError
from chimera_pipeline.inventory import bucket_client, bucket_writer, scan
from chimera_pipeline.inventory.store import locked
from chimera_pipeline.orchestration import published_copy, unfinished
from chimera_pipeline.settings import Settings
from tests.doubles.copies import (  # noqa: F401 - fixtures
    PREFIX,
    URI,
    bucket,
    chosen,
    current,
    generations,
    proxy,
    server,
    texts,
    written,
)
from tests.doubles.s3_server import Proxy


def test_what_is_published_is_there_whole_and_nothing_else(bucket: Any, chosen: Settings) -> None:
    done = published_copy.publish(chosen)
    there = texts(bucket)
    assert set(there) == {
        "reports/2025-09/report.md", "reports/2025-09/report.json", "reports/2025-10/report.md",
        "reports/2025-10/report.json", "reports/index.html", "tables/artifacts/part-0.parquet",
        "tables/facts/2025-09.parquet", "tables/facts/2025-10.parquet", "tables/checks/report-2025-10.parquet",
    }  # fmt: skip
    assert there["reports/2025-10/report.md"] == "october"
    assert (done["objects"], done["uploaded"], done["copied"], done["left_undone"]) == (9, 9, 0, None)
    page = bucket.Object(f"{PREFIX}/index.html").get()
    assert page["ContentType"] == "text/html; charset=utf-8"
    target = page["Body"].read().decode().partition('href="')[2].partition('"')[0]
    assert bucket.Object(f"{PREFIX}/{target}").get()["Body"].read() == b"index"
    assert done["uri"] == URI


def test_the_pointer_is_written_last(bucket: Any, chosen: Settings, proxy: Proxy) -> None:
    published_copy.publish(chosen)
    writes = [
        path.partition("?")[0].removeprefix("/copies/team/pub/") for method, path in proxy.seen if method == "PUT"
    ]
    assert writes[0] == ".chimera-out"
    assert [name.startswith("generations/") for name in writes[1:-2]] == [True] * 9
    assert writes[-2:] == ["current.json", "index.html"]


def test_what_did_not_change_is_not_uploaded_again(bucket: Any, chosen: Settings, proxy: Proxy) -> None:
    first = published_copy.publish(chosen)
    proxy.seen.clear()
    again = published_copy.publish(chosen)
    assert again["generation"] == first["generation"]
    assert [path for method, path in proxy.seen if method == "PUT" and not path.endswith("/index.html")] == []
    written(chosen.out, {"reports/2025-10/report.md": "october, corrected"})
    third = published_copy.publish(chosen)
    assert (third["uploaded"], third["copied"]) == (1, 8)
    assert third["uploaded_bytes"] == len("october, corrected")
    assert texts(bucket)["reports/2025-10/report.md"] == "october, corrected"
    assert generations(bucket) == {first["generation"], third["generation"]}


def test_as_many_generations_are_kept_as_the_setting_says(bucket: Any, chosen: Settings) -> None:
    made = []
    for number in range(4):
        written(chosen.out, {"reports/index.html": f"index {number}"})
        made.append(published_copy.publish(chosen.model_copy(update={"publish_keep": 2}))["generation"])
        assert generations(bucket) == set(made[-2:])
    written(chosen.out, {"reports/index.html": "index 2"})  # back to what it was
    assert published_copy.publish(chosen)["generation"] == made[2]
    assert current(bucket)["former"] == [made[3]]


def test_what_was_left_unfinished_is_deleted_a_day_later_and_other_objects_never(bucket: Any, chosen: Settings) -> None:
    bucket.put_object(Key=f"{PREFIX}/generations/{'0' * 16}/reports/index.html", Body=b"unfinished")
    bucket.put_object(Key=f"{PREFIX}/generations/mine/notes.txt", Body=b"of somebody else")
    begun = bucket.Object(f"{PREFIX}/generations/{'1' * 16}/big").initiate_multipart_upload()
    assert published_copy.publish(chosen)["pruned"] == 0
    assert "0" * 16 in generations(bucket)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    done = published_copy.publish(chosen, now=later)
    assert (done["pruned"], done["left_undone"]) == (1, None)
    assert generations(bucket) == {done["generation"], "mine"}
    assert list(bucket.multipart_uploads.all()) == [], begun


def test_a_large_table_goes_in_parts_and_a_part_that_fails_leaves_nothing(
    bucket: Any, chosen: Settings, proxy: Proxy
) -> None:
    large = os.urandom(bucket_writer.PART_BYTES + 1000)
    path = chosen.out / "tables/measurements/part-0.parquet"
    path.parent.mkdir()
    path.write_bytes(large)
    proxy.meet = lambda method, path: 403 if "partNumber=2" in path else None
    with pytest.raises(InputError, match="there is no earlier copy"):
        published_copy.publish(chosen)
    assert list(bucket.multipart_uploads.all()) == []
    proxy.meet = lambda method, path: None
    published_copy.publish(chosen)
    (entry,) = [one for one in current(bucket)["objects"] if one["path"].startswith("tables/measurements")]
    assert bucket.Object(f"{PREFIX}/{entry['key']}").e_tag.endswith('-2"')


def test_no_more_requests_are_under_way_than_allowed(bucket: Any, chosen: Settings, proxy: Proxy) -> None:
    written(chosen.out, {f"reports/2025-10/extra-{n}.md": str(n) for n in range(3 * bucket_client.CONCURRENCY)})
    proxy.meet = lambda method, path: time.sleep(0.02)  # type: ignore[func-returns-value]
    published_copy.publish(chosen)
    assert 1 < proxy.most_under_way <= bucket_client.CONCURRENCY


def test_a_period_that_another_run_writes_keeps_its_copy_until_it_is_published(bucket: Any, chosen: Settings) -> None:
    published_copy.publish(chosen)
    written(chosen.out, {"reports/2025-09/report.md": "september 2", "reports/2025-10/report.md": "october 2"})
    written(chosen.out, {"tables/facts/2025-10.parquet": "PAR1october 2", "tables/artifacts/part-0.parquet": "PAR1a2"})
    with locked(chosen.out, exclusive=False, wait_s=0, periods=["2025-10"]):
        published_copy.publish(chosen)
        seen = texts(bucket)
        assert (seen["reports/2025-09/report.md"], seen["reports/2025-10/report.md"]) == ("september 2", "october")
        assert (seen["tables/facts/2025-10.parquet"], seen["tables/artifacts/part-0.parquet"]) == (
            "PAR1october", "PAR1a2"
        )  # fmt: skip
        published_copy.publish(chosen, own=["2025-10"])
        assert texts(bucket)["reports/2025-10/report.md"] == "october 2"
    assert published_copy.publish(chosen)["uploaded"] == 0


def test_another_folder_that_publishes_there_meanwhile_is_not_overwritten(
    bucket: Any, chosen: Settings, proxy: Proxy
) -> None:
    published_copy.publish(chosen)
    theirs = json.dumps({**current(bucket), "generation": "f" * 16}).encode()

    def meanwhile(method: str, path: str) -> int | None:
        if method == "PUT" and path.endswith("/reports/index.html"):
            bucket.put_object(Key=f"{PREFIX}/current.json", Body=theirs)
        return None

    written(chosen.out, {"reports/index.html": "mine"})
    proxy.meet = meanwhile
    with pytest.raises(InputError, match="was written meanwhile: another output folder published there"):
        published_copy.publish(chosen)
    assert bucket.Object(f"{PREFIX}/current.json").get()["Body"].read() == theirs


def test_the_copy_is_no_input_of_a_run_over_the_prefix_above_it(bucket: Any, chosen: Settings) -> None:
    bucket.put_object(Key="team/a.csv", Body=b"a,b\n1,2\n")
    published_copy.publish(chosen)
    assert [artifact.path for artifact in scan.scan(scan.open_root("s3://copies/team"))] == ["a.csv"]


def test_an_object_that_somebody_deleted_is_brought_back(bucket: Any, chosen: Settings) -> None:
    done = published_copy.publish(chosen)
    bucket.Object(f"{PREFIX}/generations/{done['generation']}/reports/index.html").delete()
    again = published_copy.publish(chosen)
    assert (again["generation"], again["uploaded"]) == (done["generation"], 1)
    assert texts(bucket)["reports/index.html"] == "index"


def test_tables_of_two_ingests_are_not_published(bucket: Any, chosen: Settings) -> None:
    published_copy.publish(chosen)
    before = current(bucket)
    unfinished.begin(chosen.out, ["measurements"])
    written(chosen.out, {"tables/artifacts/part-0.parquet": "PAR1 of the next ingest"})
    with pytest.raises(InputError, match="are of two ingests") as refused:
        published_copy.publish(chosen)
    assert "are complete" not in str(refused.value)
    assert current(bucket) == before
    unfinished.begin(chosen.out, [])
    published_copy.publish(chosen)
    assert texts(bucket)["tables/artifacts/part-0.parquet"] == "PAR1 of the next ingest"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"publish_to": "gs://copies/pub"}, "is not supported"),
        ({"publish_to": "s3://"}, "names no bucket"),
        ({"publish_to": "s3://b/in", "artifacts": "s3://b/in/runs"}, "holds the artifacts"),
        ({"publish_to": "s3://b", "artifacts": "s3://b/in"}, "holds the artifacts"),
        ({"publish_to": "s3://b/in", "artifacts": "s3://b/in"}, "holds the artifacts"),
        ({"publish_to": "s3://nowhere/pub"}, "no such bucket"),
    ],
)
def test_a_wrong_place_is_said_with_what_to_give(
    changed: dict[str, str], says: str, proxy: Proxy, chosen: Settings
) -> None:
    with pytest.raises(UsageError, match=says):
        published_copy.publish(chosen.model_copy(update=changed))


def test_a_prefix_below_or_beside_the_artifacts_is_a_place(chosen: Settings) -> None:
    for artifacts, place in (("s3://b/in", "s3://b/in/out"), ("s3://b/in", "s3://b/in-copy"), ("s3://b/p", "s3://c/p")):
        published_copy.check(chosen.model_copy(update={"artifacts": artifacts, "publish_to": place}))


def test_a_pointer_that_is_not_ours_is_left_alone(bucket: Any, chosen: Settings) -> None:
    bucket.put_object(Key=f"{PREFIX}/current.json", Body=b'{"version": 3}')
    with pytest.raises(UsageError, match="is no pointer of chimera_pipeline"):
        published_copy.publish(chosen)
    assert [found.key for found in bucket.objects.all()] == [f"{PREFIX}/current.json"]
