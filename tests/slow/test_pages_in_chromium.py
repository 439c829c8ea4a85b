"""The published pages in a real browser: accessibility, policy, devices, paper, links, script on and off.

One run over examples, one over two months of synthetic history with a file of hostile names; Chromium of the system.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from chimera_pipeline.orchestration import run
from chimera_pipeline.settings import Settings
from tests import corpus
from tests.doubles import capable_model
from tests.doubles.ollama_server import OllamaServer
from tests.unit.report.made import HOSTILE

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
PAGES = {
    "engineer": "all/report.html",
    "founders": "all/founders.html",
    "checks": "all/checks.html",
    "index of one": "all/../index.html",
    "month": "months/2025-08/report.html",
    "month for founders": "months/2025-08/founders.html",
    "hostile month": "months/2025-10/report.html",
    "history": "months/index.html",
}
SIZES = {"wide": (1280, 900), "phone": (360, 740)}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """name -> file of every page."""
    base = tmp_path_factory.mktemp("pages")
    with OllamaServer(answer=capable_model.answer) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLLAMA_HOST", server.host)
        run.execute(Settings(artifacts=str(ROOT / "examples/artifacts"), out=base / "one", llm="ollama"))
    months = base / "artifacts"
    months.mkdir()
    for month in ("07", "08"):
        shutil.copy(ROOT / f"examples/synthetic_history/synthetic_requests_2025-{month}.csv", months)
    rows = corpus.suite(model=HOSTILE, error="")
    corpus.write(months, {"evil <img src=x onerror=alert(1)>.csv": corpus.csv_text(rows, corpus.REQUEST_COLUMNS)})
    run.execute(Settings(artifacts=str(months), out=base / "two", period="month", llm="none"), period="month")
    folders = {"all": base / "one/reports/all", "months": base / "two/reports"}
    out = {}
    for name, path in PAGES.items():
        folder, _, rest = path.partition("/")
        out[name] = (folders[folder] / rest).resolve()
        assert out[name].is_file(), path
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "no Chromium on PATH: apt install chromium"
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


class Watched:
    """An open page with everything it complained of and asked for."""

    def __init__(self, context: BrowserContext, file: Path) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())

    def quiet(self, file: Path) -> None:
        assert self.complaints == []
        assert [url for url in self.requests if not url.startswith("data:")] == [file.as_uri()]


def opened(browser: Browser, file: Path, size: str = "wide", **options: Any) -> Watched:
    width, height = SIZES[size]
    return Watched(browser.new_context(viewport={"width": width, "height": height}, **options), file)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_leaves_the_file(
    published: dict[str, Path], browser: Browser, name: str, scheme: Any
) -> None:
    file = published[name]
    watched = opened(browser, file, color_scheme=scheme)
    for details in watched.page.locator("details").all():
        details.evaluate("one => one.open = true")
    found = Axe().run(watched.page)
    assert [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found.response["violations"]] == []
    watched.quiet(file)
    watched.page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_needs_no_sideways_scroll(published: dict[str, Path], browser: Browser, name: str) -> None:
    watched = opened(browser, published[name], "phone")
    watched.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 360
    watched.page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_every_link_resolves(published: dict[str, Path], browser: Browser, name: str) -> None:
    file = published[name]
    watched = opened(browser, file)
    links = watched.page.eval_on_selector_all("a[href]", "all => all.map(a => a.getAttribute('href'))")
    assert links
    ids: dict[Path, set[str]] = {}
    for link in set(links):
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        assert target.is_file(), link
        if anchor:
            ids.setdefault(target, set(re.findall(r'\bid="?([^\s">]+)', target.read_text())))
            assert anchor in ids[target], link
    watched.page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_without_script_everything_is_there_and_no_dead_control(
    published: dict[str, Path], browser: Browser, name: str
) -> None:
    watched = opened(browser, published[name], java_script_enabled=False)
    assert watched.page.locator("h1").count() == 1
    assert watched.page.locator("button, input").count() == 0
    watched.page.context.close()


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_paper_holds_the_whole_report(published: dict[str, Path], browser: Browser, paper: str) -> None:
    watched = opened(browser, published["engineer"], color_scheme="dark")
    data = watched.page.pdf(format=paper, prefer_css_page_size=False)
    assert data.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", data)) > 3
    watched.page.emulate_media(media="print")
    assert watched.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert watched.page.locator("#appendix ~ details tr#F1").is_visible()
    assert not watched.page.locator("#theme").is_visible()
    watched.page.context.close()


def test_the_founders_screen_is_one_screen(published: dict[str, Path], browser: Browser) -> None:
    for name in ("founders", "month for founders"):
        watched = opened(browser, published[name])
        end = watched.page.locator("text=Everything: tables, charts").bounding_box()
        assert end is not None
        assert end["y"] + end["height"] <= 1000
        watched.page.context.close()


def test_a_table_sorts_filters_and_copies(published: dict[str, Path], browser: Browser) -> None:
    watched = opened(browser, published["engineer"], permissions=["clipboard-read", "clipboard-write"])
    page = watched.page
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    files = page.locator("#files ~ details table")
    tools = page.locator("#files ~ details .tools")
    before = files.locator("tbody tr").count()
    tools.locator("input").fill("json")
    assert 0 < files.locator("tbody tr:visible").count() < before
    tools.locator("input").fill("")
    head = files.locator("thead th").nth(4)
    head.locator("button").click()
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    counts = [int(text) for text in files.locator("tbody tr td:nth-child(5)").all_inner_texts()]
    assert counts == sorted(counts, reverse=True)
    tools.locator("button", has_text="Copy as CSV").click()
    tools.locator("button", has_text="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines()[0].startswith("No.,File,Type,Status")
    assert len(copied.splitlines()) == before + 1
    watched.quiet(published["engineer"])
    page.context.close()


def test_hovering_a_number_tells_its_source_and_the_theme_turns(published: dict[str, Path], browser: Browser) -> None:
    watched = opened(browser, published["engineer"], color_scheme="light")
    page = watched.page
    page.locator('.cards a[href^="#F"]').first.hover()
    tip = page.locator("#tip")
    assert re.search(r"F\d+ · f_[0-9a-f]{12} ", tip.inner_text())
    assert "row " in tip.inner_text() or "/" in tip.inner_text()
    page.keyboard.press("Escape")
    assert not tip.is_visible()
    page.locator("#theme").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 17, 22)"
    page.context.close()


def test_a_link_to_a_fact_opens_what_hides_it(published: dict[str, Path], browser: Browser) -> None:
    watched = opened(browser, published["engineer"])
    link = watched.page.locator('.cards a[href^="#F"]').first
    label = str(link.get_attribute("href"))[1:]
    link.click()
    watched.page.locator(f"tr#{label}").wait_for(state="visible")
    watched.page.context.close()


def test_a_page_of_twenty_charts_stays_below_its_budget(published: dict[str, Path]) -> None:
    for file in set(published.values()):
        assert file.stat().st_size < 500_000, file
