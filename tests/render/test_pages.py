"""The HTML reports in a real browser: they filter, they are accessible, they need no network, and
nothing of a form's author runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from acmidm.desk.access import NamedApi
from acmidm.desk.status import ListedConnection, ListedKey, WaitsFor
from acmidm.desk.views import Status, View
from acmidm_onboarding.texts import Language
from tests.render.reports import board, connection, declared, declared_steps, page_of, status
from tests.support.browser import accessible, contrasting, shot
from tests.support.samples import NOW


@dataclass
class Reader:
    """Somebody who opens reports without a network; whatever a page requests or complains of is
    kept."""

    page: Page
    folder: Path
    complaints: list[str]

    def open(self, html: str) -> Page:
        """The page from a file, in a window as wide as most are."""
        file = self.folder / "page.html"
        file.write_text(html)
        self.page.set_viewport_size({"width": 1280, "height": 720})
        self.page.emulate_media(media="screen", color_scheme="light")
        self.page.goto(file.as_uri())
        return self.page

    def complain(self, dialog: Dialog) -> None:
        """Of a dialog: a script of somebody else ran."""
        self.complaints.append(dialog.message)
        dialog.dismiss()


@pytest.fixture(scope="module")
def window(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """One window for all: to open one takes Chromium longer than to load a page in it."""
    context = browser.new_context(offline=True)
    page, complaints = context.new_page(), list[str]()
    window = Reader(page, tmp_path_factory.mktemp("reports"), complaints)
    page.on("request", lambda request: complaints.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", window.complain)
    yield window
    context.close()


@pytest.fixture
def reader(window: Reader) -> Iterator[Reader]:
    yield window
    complaints = [one for one in window.complaints if not one.startswith("file:")]
    window.complaints.clear()
    assert complaints == []


def shown(page: Page) -> list[str]:
    return [
        row.inner_text().splitlines()[1].split("\t")[0]
        for row in page.locator("tbody tr:visible").all()
    ]


def test_the_list_filters_by_keyboard_alone(reader: Reader) -> None:
    """Search, environment, scope and expiry, each reached with Tab; what is shown is read out by a
    screen reader.

    The first key to end comes first on request, and the page's own order comes back.
    """
    page = reader.open(page_of(status()))
    assert shown(page) == ["loket", "dossiers", "soon", "over"]
    page.keyboard.press("Tab")  # to the content
    page.keyboard.press("Tab")
    page.keyboard.type("gent DOSS")
    assert shown(page) == ["dossiers"]
    assert page.get_by_role("status").inner_text() == "1 of 4 shown"
    page.keyboard.press("Control+A")
    page.keyboard.type("ent dossiers")
    assert shown(page) == [], "as on the command line, no word begins with that"
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.press("Tab")
    page.keyboard.type("prod")
    assert shown(page) == ["dossiers"]
    page.get_by_role("button", name="Show all").press("Enter")
    expect(page.locator("tbody tr[hidden]")).to_have_count(0)
    page.get_by_label("Scope").select_option("dv_dosis_schrijven")
    assert shown(page) == ["dossiers"]
    page.get_by_label("Scope").select_option("all")
    page.get_by_label("With an end").select_option("within 30 days")
    assert shown(page) == ["soon", "over"]
    assert "12 days left" in page.locator("td.warning, td .warning").first.inner_text()
    page.get_by_label("With an end").select_option("in the past")
    assert shown(page) == ["over"]
    page.get_by_label("With an end").select_option("all")
    page.get_by_label("Order").select_option("by what ends first")
    assert shown(page) == ["over", "soon", "loket", "dossiers"]
    page.get_by_label("Order").select_option("by organisation")
    assert shown(page) == ["loket", "dossiers", "soon", "over"]


def test_the_list_of_an_apis_owner_filters(reader: Reader) -> None:
    """By words, environment and scope; nothing that a form's author wrote runs, and a narrow window
    shows it without scrolling to the side."""
    evil = '<img src=x onerror="alert(1)">'
    connections = (
        connection("loket", scopes=("dv_dosis_schrijven",), reasons={"dv_dosis_schrijven": evil}),
        connection("balie", scopes=("DosisImport",), organisation=evil * 3, stack="prod"),
    )
    api = NamedApi(
        name="dosis", product="dosis", scopes=frozenset({"dv_dosis_schrijven", "DosisImport"})
    )
    accesses: list[ListedConnection] = []
    for one in connections:
        accesses += api.row_per_scope(one)
    report = Status(
        view=View.API,
        api=evil,
        checked_at=NOW,
        stacks=("tni", "prod"),
        connections=tuple(accesses),
    )
    page = reader.open(page_of(report))
    assert sorted(shown(page)) == ["balie", "loket"]
    page.get_by_label("Scope").select_option("DosisImport")
    assert shown(page) == ["balie"]
    page.get_by_label("Scope").select_option("all")
    page.get_by_label("Search").fill("gent loket")
    assert shown(page) == ["loket"]
    accessible(page)
    page.set_viewport_size({"width": 400, "height": 720})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_the_board_filters_and_reads_in_its_language(reader: Reader) -> None:
    """Each step of the guide, in its order; filters by words, by whom it waits for; nothing of it
    is English."""
    page = reader.open(page_of(board(), Language.NL))
    assert page.locator("html").get_attribute("lang") == "nl"
    numbers = page.locator(".step .number").all_inner_texts()
    assert [int(number) for number in numbers] == [1, 2, 3, 4, 5, 7, 8, 9, 10]
    places = page.locator("[data-words]:visible")
    everything = places.count()
    page.get_by_label("Wacht op").select_option("de eigenaar van de API")
    theirs = [place for place in board().connections if place.waits_for is WaitsFor.API_OWNER]
    assert places.count() == len(theirs) > 0
    assert page.get_by_role("status").inner_text() == f"{len(theirs)} van {everything} getoond"
    counts = page.locator(".step .count").all_inner_texts()
    assert (
        sum(map(int, counts))
        == page.locator(".card:visible").count()
        == len({one.key for one in theirs})
    )
    page.get_by_role("button", name="Alles tonen").click()
    expect(page.locator(".card [hidden]")).to_have_count(0)
    page.get_by_label("Zoeken").fill("ent")
    assert page.locator(".card:visible").count() == 0, "no word begins with that"
    page.get_by_label("Zoeken").fill("gent lok")
    assert places.count() == everything
    assert (
        places.filter(has_text="wacht op de organisatie")
        .first.get_by_text("api@stad.example")
        .is_visible()
    )
    ours = places.filter(has_text="wacht op Digitaal Vlaanderen").first
    ours.locator("summary").click()
    assert "Sleutels" in ours.locator("dl").inner_text()


def test_filters_are_in_the_address(reader: Reader) -> None:
    """A view can be kept and sent; what a page does not know is no filter, and a place on it
    neither."""
    page = reader.open(page_of(status()))
    page.get_by_label("Search").fill("gent")
    page.get_by_label("With an end").select_option("within 30 days")
    address = page.url
    assert address.endswith("#search=gent&days=30")
    page.goto("about:blank")
    page.goto(address)
    assert shown(page) == ["soon", "over"]
    page.evaluate("location.hash = 'content'")
    assert shown(page) == ["soon", "over"]
    page.evaluate("location.hash = 'environment=prod&scope=none&else=x'")
    expect(page.locator("tbody tr:visible")).to_have_count(1)
    assert page.get_by_label("Scope").input_value() == ""
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("tbody tr[hidden]")).to_have_count(0)
    assert page.url.endswith("page.html#")


LONG = connection(
    "x" * 64,
    scopes=(f"dv_{'verenigingen_' * 9}schrijven", "S" * 100),
    keys=(ListedKey(kid="k" * 255),),
)
HOSTILE = connection(
    "x", organisation="<img src=x onerror=alert(1)>", scopes=('"><script>alert(1)</script>',)
)
EACH_LAYOUT, WIDE = (400, 800, 1280), (1280,)
"""A width on each side of what the style sheet tells apart."""
PAGES: dict[str, tuple[Callable[[], Status], Language, tuple[int, ...]]] = {
    "status": (lambda: status(LONG, HOSTILE), Language.EN, EACH_LAYOUT),
    "board": (lambda: board(Language.NL, LONG, HOSTILE), Language.NL, EACH_LAYOUT),
    "board-en": (lambda: board(Language.EN), Language.EN, WIDE),
    "declared": (declared, Language.EN, WIDE),
    "steps": (declared_steps, Language.NL, WIDE),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", PAGES)
def test_nothing_lies_beyond_the_edge_and_axe_finds_nothing(reader: Reader, name: str) -> None:
    """However narrow the window and long the names: no scrolling sideways, no column out of sight.
    In light and in dark."""
    report, language, layouts = PAGES[name]
    page = reader.open(page_of(report(), language))
    for width in (400, 800, 1100, 1280, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        edge = page.evaluate(
            "Math.max(document.scrollingElement.scrollWidth,"
            " ...[...document.querySelectorAll('body *')].map(element =>"
            " element.getBoundingClientRect().right))"
        )
        assert edge <= width
        shot(page, f"report-{name}-{width}", full=False)
        if width in layouts:
            accessible(page)
    page.emulate_media(color_scheme="dark")
    contrasting(page)
    shot(page, f"report-{name}-dark")


def test_without_scripts_and_on_paper_all_of_it_shows(browser: Browser, reader: Reader) -> None:
    """Filters are there only where they work."""
    printed = reader.open(page_of(status()))
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(printed.url)
    assert page.locator("tbody tr").count() == 4
    assert not page.get_by_label("Search").is_visible()
    printed.emulate_media(media="print")
    assert not printed.get_by_label("Search").is_visible()
    for row in printed.locator("tbody tr").all():
        assert row.is_visible()
    shot(printed, "report-print")
