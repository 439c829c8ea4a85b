"""Objects below one prefix of a bucket: written whole or in parts, copied inside the bucket, listed, deleted.

An object appears whole or not at all: a single request, or parts that are put together by a last one. What goes wrong
comes out as the client raises it; `bucket_client.explained` turns it into a sentence.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from chimera_pipeline.errors import InputError
from chimera_pipeline.inventory import bucket_client

PART_BYTES = 8 << 20
"""Larger files are sent in parts of so many bytes, or as many as make `MOST_PARTS`."""
MOST_PARTS = 9_000
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
}
_DELETED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Listed:
    """What a listing tells of an object."""

    size: int
    modified_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Bucket:
    """A prefix of a bucket; keys are given relative to it. `files` is the client."""

    files: Any
    name: str
    prefix: str

    def key(self, relative: str) -> str:
        """The whole key."""
        return f"{self.prefix}/{relative}" if self.prefix else relative

    def get(self, relative: str, most: int) -> tuple[bytes, str] | None:
        """Bytes and ETag of a small object; None where there is none. Raises InputError over `most` bytes."""

        async def get() -> tuple[bytes, str]:
            answer = await self.files._call_s3("get_object", Bucket=self.name, Key=self.key(relative))
            data = bytearray()
            async with answer["Body"] as body:
                while len(data) <= most and (block := await body.read(1 << 20)):
                    data += block
            return bytes(data), str(answer["ETag"])

        try:
            data, etag = bucket_client.within(self.files, get(), most)
        except FileNotFoundError as error:
            if bucket_client.code(error) == "NoSuchBucket":
                raise
            return None
        if len(data) > most:
            raise InputError(f"{relative} is larger than {most} bytes, which no pointer is")
        return data, etag

    def put(self, relative: str, data: bytes, **conditions: Any) -> None:
        """One object in one request; `conditions` are those of PutObject (IfMatch, IfNoneMatch)."""
        self._call(
            "put_object", len(data), Key=self.key(relative), Body=data, ContentType=type_of(relative), **conditions
        )

    def upload(self, relative: str, path: Path, sha256: str) -> None:
        """A file, in parts where it is large. Raises InputError where it is no longer the file of that hash."""
        try:
            stream = path.open("rb")
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error
        with stream:
            size = os.fstat(stream.fileno()).st_size
            if size <= PART_BYTES:
                data = stream.read()
                _same(path, hashlib.sha256(data).hexdigest(), sha256)
                self.put(relative, data)
            else:
                self._in_parts(relative, stream, max(PART_BYTES, -(-size // MOST_PARTS)), path, sha256)

    def _in_parts(self, relative: str, stream: BinaryIO, size: int, path: Path, sha256: str) -> None:
        place: dict[str, Any] = {"Key": self.key(relative)}
        begun = self._call("create_multipart_upload", **place, ContentType=type_of(relative))
        place["UploadId"] = begun["UploadId"]
        digest = hashlib.sha256()
        parts: list[dict[str, Any]] = []
        try:
            while data := stream.read(size):
                digest.update(data)
                number = len(parts) + 1
                sent = self._call("upload_part", len(data), **place, PartNumber=number, Body=data)
                parts.append({"PartNumber": number, "ETag": sent["ETag"]})
            _same(path, digest.hexdigest(), sha256)
            self._call("complete_multipart_upload", **place, MultipartUpload={"Parts": parts})
        except BaseException:
            with contextlib.suppress(*bucket_client.ERRORS):  # what is left of it is swept by the next publication
                self._call("abort_multipart_upload", **place)
            raise

    def copy(self, source: str, relative: str) -> None:
        """An object of this prefix under another key, without its bytes coming here."""
        place = {"Bucket": self.name, "Key": self.key(source)}
        self._call("copy_object", Key=self.key(relative), CopySource=place)

    def listed(self, relative: str) -> dict[str, Listed]:
        """The objects whose key begins so, by relative key."""
        cut = len(self.key(""))
        return {
            entry["Key"][cut:]: Listed(int(entry["Size"]), entry["LastModified"])
            for entry in self._pages("list_objects_v2", "Contents", self.key(relative))
        }

    def delete(self, relatives: Iterable[str]) -> None:
        """Delete objects. Raises InputError naming the first that stays."""
        keys = [{"Key": self.key(relative)} for relative in relatives]
        for start in range(0, len(keys), _DELETED_AT_ONCE):
            some = keys[start : start + _DELETED_AT_ONCE]
            answer = self._call("delete_objects", Delete={"Objects": some, "Quiet": True})
            for failed in answer.get("Errors") or ():
                raise InputError(f"{failed.get('Key')} cannot be deleted: {failed.get('Message')}")

    def abort_uploads(self, relative: str, before: dt.datetime) -> int:
        """Give up uploads in parts below a prefix that were begun before an instant; how many."""
        stale = [
            entry
            for entry in self._pages("list_multipart_uploads", "Uploads", self.key(relative))
            if entry["Initiated"] < before
        ]
        for entry in stale:
            self._call("abort_multipart_upload", Key=entry["Key"], UploadId=entry["UploadId"])
        return len(stale)

    def _pages(self, method: str, what: str, prefix: str) -> Iterator[dict[str, Any]]:
        marks: dict[str, Any] = {}
        while True:
            answer = self._call(method, Prefix=prefix, **marks)
            yield from answer.get(what) or ()
            names = {"NextContinuationToken": "ContinuationToken", "NextKeyMarker": "KeyMarker",
                     "NextUploadIdMarker": "UploadIdMarker"}  # fmt: skip
            marks = {to: answer[name] for name, to in names.items() if answer.get(name)}
            if not answer.get("IsTruncated") or not marks:
                return

    def _call(self, method: str, size: int = 0, **arguments: Any) -> dict[str, Any]:
        made = self.files._call_s3(method, Bucket=self.name, **arguments)
        answer: dict[str, Any] = bucket_client.within(self.files, made, size)
        return answer


def type_of(name: str) -> str:
    """The content type by suffix, so that a browser shows a report instead of saving it."""
    return _TYPES.get(Path(name).suffix, "application/octet-stream")


def _same(path: Path, found: str, expected: str) -> None:
    if found != expected:
        raise InputError(f"{path} changed while it was copied; run again")
