"""docs/architecture.md and its diagram are true: every room is there, every arrow an import or an edge of the graph."""

import itertools
import re
import warnings
import xml.etree.ElementTree as ET

import pytest

from tests.unit.test_layers import LAYERS, PACKAGE, ROOT, imported

DOCS = ROOT.parent / "docs"
SVG = ET.fromstring((DOCS / "images" / "architecture.svg").read_text("utf-8"))
PAGE = (DOCS / "architecture.md").read_text("utf-8")
ROOMS = {layer.name: layer.rooms - {"__main__"} for layer in LAYERS}


def test_the_diagram_shows_every_room_and_no_other() -> None:
    shown = {element.attrib["id"].removeprefix("room-") for element in SVG.iter() if "room-" in element.get("id", "")}
    assert shown == set().union(*ROOMS.values())
    there = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert shown == there - {"__init__", "__main__"}


def test_each_layer_is_named() -> None:
    texts = {element.text for element in SVG.iter("{http://www.w3.org/2000/svg}text")}
    assert set(ROOMS) <= texts


def _imports() -> set[tuple[str, str]]:
    """(room or layer, room or layer) of every import inside the package."""
    layer_of = {room: name for name, rooms in ROOMS.items() for room in rooms}
    found = set()
    for path in ROOT.rglob("*.py"):
        file = path.relative_to(ROOT).as_posix()
        room = file.split("/")[0].removesuffix(".py")
        for _, name in imported(file, path.read_text("utf-8")):
            parts = name.split(".")
            if parts[0] == PACKAGE and len(parts) > 1 and parts[1] != room:
                found |= set(itertools.product((room, layer_of.get(room)), (parts[1], layer_of.get(parts[1]))))
    return found


def test_each_arrow_is_an_import_that_is_there() -> None:
    arrows = {(e.attrib["data-from"], e.attrib["data-to"]) for e in SVG.iter() if "data-from" in e.attrib}
    assert len(arrows) > 15
    assert arrows - _imports() == set()
    stages = {arrow for arrow in arrows if set(arrow) <= ROOMS["stages"]}
    assert stages == set()


@pytest.fixture(scope="module")
def edges() -> set[tuple[str, str]]:
    from dagster import BetaWarning, PreviewWarning

    from chimera_pipeline.orchestration.assembly import build_definitions

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", (BetaWarning, PreviewWarning))
        graph = build_definitions().resolve_asset_graph()
    return {
        (parent.to_user_string(), key.to_user_string())
        for key in graph.get_all_asset_keys()
        for parent in graph.get(key).parent_keys
    }


def test_the_way_of_the_data_is_the_one_of_the_assets(edges: set[tuple[str, str]]) -> None:
    lines = [line.split() for line in PAGE.splitlines() if " -> " in line]
    arrows = {(words[at - 1], words[at + 1]) for words in lines for at, word in enumerate(words) if word == "->"}
    assert len(arrows) == 8
    assert arrows - edges == set()


def test_the_stages_stand_in_the_order_that_data_goes_through_them() -> None:
    flow = [e.attrib["data-flow"].split("-") for e in SVG.iter() if "data-flow" in e.attrib]
    assert [pair[0] for pair in flow] + [flow[-1][1]] == [
        "inventory", "readers", "metrics", "facts", "analysis", "report", "audit",
    ]  # fmt: skip


def test_the_table_of_layers_is_the_rule() -> None:
    rows = re.findall(r"^\| \d (\w+) \| (.+?) \|", PAGE, re.MULTILINE)
    said = {layer: {name.rstrip("/") for name in re.findall(r"`([\w/]+)`", rooms)} for layer, rooms in rows}
    assert said == {name: set(rooms) for name, rooms in ROOMS.items()}
