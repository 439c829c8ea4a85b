from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import pointer
from chimera_pipeline.readers.locators import Place, resolve

JSON = """
{
  "a/b": {"x": [1, {"y": "z, ]}"}, 22]},
  "t~": [],
  "": {"k": 5.50},
  "n": null
}
"""


@pytest.mark.parametrize(
    ("locator", "line", "text"),
    [
        ("/a~1b/x/0", 3, "1"),
        ("/a~1b/x/1/y", 3, '"z, ]}"'),
        ("/a~1b/x/2", 3, "22"),
        ("/t~0", 4, "[]"),
        ("//k", 5, "5.50"),
        ("/n", 6, "null"),
        ("line 5", 5, '  "": {"k": 5.50},'),
        ("line 2/n", 6, "null"),
    ],
)
def test_places_in_json(locator: str, line: int, text: str) -> None:
    assert resolve(Document(JSON.encode()), locator) == Place(line, text)


def test_the_empty_pointer_is_the_whole_value() -> None:
    assert resolve(Document(b'\n{"a": 1}\n'), "") == Place(2, '{"a": 1}')


def test_places_in_csv() -> None:
    document = Document(b'a,b\n1,"x\ny"\nragged\n3,4\n')
    assert resolve(document, "row 1") == Place(2, '1,"x\ny"')
    assert resolve(document, "row 2") == Place(5, "3,4")
    assert resolve(document, "line 4") == Place(4, "ragged")


def test_places_in_json_lines_and_yaml() -> None:
    lines = Document(b'junk\n{"a": {"b": 1}}\n{\n "a": 2\n}\n')
    assert resolve(lines, "line 2/a/b") == Place(2, "1")
    assert resolve(lines, "line 3/a") == Place(4, "2")
    document = Document(b"run:\n  eid: x\nresults:\n  - mean: 5\n  - mean: 6\n")
    assert resolve(document, "/results/1/mean") == Place(5, "6")
    assert resolve(document, "/run/eid") == Place(2, "x")


@pytest.mark.parametrize(
    "locator",
    ["row 0", "row 9", "line 99", "line x", "/zz", "/a~1b/x/9", "/a~1b/x/-1", "/a~1b/x/y", "/n/deeper", "where"],
)
def test_a_locator_that_leads_nowhere_is_refused(locator: str) -> None:
    data = b"a,b\n1,2\n" if locator.startswith("row") else JSON.encode()
    with pytest.raises(ArtifactError, match="locator"):
        resolve(Document(data), locator)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None)
@given(value=st.dictionaries(st.text(max_size=4), VALUES, max_size=4), indent=st.sampled_from([None, 1]))
def test_every_pointer_into_any_json_leads_to_its_value(value: dict[str, object], indent: int | None) -> None:
    document = Document(json.dumps(value, indent=indent).encode())
    pending: list[tuple[tuple[object, ...], object]] = [((), value)]
    while pending:
        parts, node = pending.pop()
        assert json.loads(resolve(document, pointer(*parts)).text) == node
        if isinstance(node, dict):
            pending += [((*parts, key), item) for key, item in node.items()]
        elif isinstance(node, list):
            pending += [((*parts, index), item) for index, item in enumerate(node)]
