"""The HTML reports in a real browser: they filter, they are accessible, they need no network, and
nothing of a form's author runs."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from acmidm.desk.progress import Facts, Step, WaitsFor, progress
from acmidm.desk.status import ListedConnection, ListedKey, Status, in_order, listed
from acmidm.desk.steps import Steps, steps_of
from acmidm.render.html import as_html
from acmidm.render.text import Report
from acmidm_onboarding.forms.loading import load_onboardings
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.client import HandedOver
from acmidm_onboarding.values.declaration import in_stack
from acmidm_onboarding.values.terms import Environment, Platform
from tests.desk.test_standing import CASES, MISSING, NO_KEY, WHOLE, on_production
from tests.support.browser import accessible, shot
from tests.support.engine import ROOT
from tests.support.samples import NOW, listed_connection


def opened(browser: Browser, folder: Path, html: str) -> Page:
    """The page from a file, without a network; whatever it asks for or complains of fails the
    test."""
    file = folder / "page.html"
    file.write_text(html)
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.on(
        "request",
        lambda request: pytest.fail(request.url) if not request.url.startswith("file:") else None,
    )
    page.on("console", lambda message: pytest.fail(message.text))
    page.on("dialog", lambda _: pytest.fail("a script of somebody else ran"))
    page.goto(file.as_uri())
    return page


def connection(application: str, **how: Any) -> ListedConnection:
    keys = (ListedKey(kid="key", thumbprint="t", expires=NOW, days_left=400),)
    return listed_connection(application, **{"keys": keys, "products": ("notificaties",), **how})


def status(*more: ListedConnection) -> Status:
    return Status(
        checked_at=NOW,
        stacks=("tni", "prod"),
        connections=(
            connection("loket"),
            connection(
                "dossiers",
                environment=Environment.PROD,
                stack="prod",
                scopes=("vo_info", "dv_dosis_schrijven"),
            ),
            connection("soon", keys=(ListedKey(kid="key", expires=NOW, days_left=12),)),
            connection("over", keys=(ListedKey(kid="key", expires=NOW, days_left=-3),)),
            *more,
        ),
    )


def named(application: str, facts: Facts) -> Facts:
    names = {"application": application, "key": f"OVO002067/{application}"}
    return replace(facts, connection=facts.connection.model_copy(update=names))


def board(language: Language = Language.NL, *more: ListedConnection) -> Steps:
    """The board with something at each step: every case of the derivation, each of an application
    of its own, on TNI and some on production, and ``more`` of which all is done."""
    facts = [
        named(f"loket-{at}", replace(WHOLE, **case.values[5])) for at, case in enumerate(CASES)
    ]
    facts += [on_production(one) for one in facts[::4]]
    facts += [on_production(replace(WHOLE, connection=one)) for one in more]
    return steps_of(map(progress, facts), language, checked_at=NOW, stacks=("tni", "prod"))


def shown(page: Page) -> list[str]:
    return [
        row.inner_text().splitlines()[1].split("\t")[0]
        for row in page.locator("tbody tr:visible").all()
    ]


def test_the_list_filters_by_keyboard_alone(browser: Browser, tmp_path: Path) -> None:
    """Search, environment, scope and expiry, each reached with Tab; what is shown is read out by a
    screen reader.

    The first key to end comes first on request, and the page's own order comes back.
    """
    page = opened(browser, tmp_path, as_html(status()))
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
    page.get_by_label("Keys that end").select_option("within 30 days")
    assert shown(page) == ["soon", "over"]
    assert "12 days left" in page.locator("td.warning, td .warning").first.inner_text()
    page.get_by_label("Keys that end").select_option("in the past")
    assert shown(page) == ["over"]
    page.get_by_label("Keys that end").select_option("at any time")
    page.get_by_label("Order").select_option("first key to end first")
    assert shown(page) == ["over", "soon", "loket", "dossiers"]
    page.get_by_label("Order").select_option("by organisation")
    assert shown(page) == ["loket", "dossiers", "soon", "over"]


def test_the_board_filters_and_reads_in_its_language(browser: Browser, tmp_path: Path) -> None:
    """Each step of the guide, in its order; filters by words, by whom it waits for; nothing of it
    is English."""
    page = opened(browser, tmp_path, as_html(board()))
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
        == len({one.connection.key for one in theirs})
    )
    page.get_by_role("button", name="Alles tonen").click()
    expect(page.locator(".card [hidden]")).to_have_count(0)
    page.get_by_label("Zoeken").fill("ent")
    assert page.locator(".card:visible").count() == 0, "no word begins with that"
    page.get_by_label("Zoeken").fill("gent lok")
    assert places.count() == everything
    assert (
        places.filter(has_text="Wacht op de organisatie")
        .first.get_by_text("api@stad.example")
        .is_visible()
    )
    ours = places.filter(has_text="Wacht op Digitaal Vlaanderen").first
    ours.locator("summary").click()
    assert "api@stad.example" in ours.locator("dl").inner_text()


def test_an_application_has_one_card_without_commands() -> None:
    """At the first step at which somebody must do something, else as far as it is; each place says
    its own step."""
    rows = [
        progress(replace(WHOLE, connection=listed_connection())),
        progress(on_production(WHOLE)),
        progress(replace(WHOLE, connection=listed_connection("other"), usable_keys=frozenset())),
        progress(on_production(replace(WHOLE, connection=listed_connection("other")))),
    ]
    steps = steps_of(rows, Language.EN, checked_at=NOW, stacks=("tni", "prod"))
    assert [
        (step, [len(card.places) for card in cards]) for step, _, cards in steps.by_step if cards
    ] == [
        (Step.KEY, [2]),
        (Step.DONE, [2]),
    ]
    for place in board(Language.EN).connections:
        assert not re.search(r"(acmidm|pulumi) [a-z]", place.on_card)
    assert any("acmidm deploy" in place.text for place in board(Language.EN).connections)


def test_filters_are_in_the_address(browser: Browser, tmp_path: Path) -> None:
    """A view can be kept and sent; what a page does not know is no filter, and a place on it
    neither."""
    page = opened(browser, tmp_path, as_html(status()))
    page.get_by_label("Search").fill("gent")
    page.get_by_label("Keys that end").select_option("within 30 days")
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


def declared() -> Status:
    """The connections that this repository's own forms declare, as if they had been brought up;
    client-IDs are stand-ins."""
    onboardings = load_onboardings([ROOT / "onboardings"], ROOT / "catalogue")
    connections = [
        listed(
            environment.value,
            replace(state, client_id=str(uuid.uuid5(uuid.NAMESPACE_URL, str(place)))),
            PICTURED,
        )
        for environment in Environment
        for place, state in in_stack(onboardings.connections(environment), protect=None).items()
    ]
    return Status(checked_at=PICTURED, stacks=("tni", "prod"), connections=in_order(connections))


def declared_steps() -> Steps:
    """The board of the same connections, each somewhere on its way."""
    portal = {**NO_KEY, "administrators": 0}
    no_mail, one_is = (
        {"handed_over": HandedOver(not_sent="no-smtp")},
        {**portal, "administrators": 1},
    )
    ways: list[dict[str, Any]] = [{"evidence": None}, {}, no_mail, MISSING, {}, portal, one_is]
    facts = []
    for one, how in zip(
        (one for one in declared().connections if one.platform is Platform.ACMIDM),
        cycle(ways),
        strict=False,
    ):
        changes: dict[str, Any] = (
            {"client_id": None}
            if how == MISSING
            else {"keys": (), "keys_in_portal": True}
            if "administrators" in how
            else {}
        )
        facts.append(
            replace(
                WHOLE, **{**how, "connection": one.model_copy(update=changes), "is_exempt": not how}
            )
        )
    return steps_of(map(progress, facts), Language.NL, checked_at=NOW, stacks=("tni", "prod"))


PICTURED = datetime(2027, 7, 20, 9, 30, tzinfo=UTC)
"""A day on which some of those keys are about to end."""


LONG = connection(
    "x" * 64,
    scopes=(f"dv_{'verenigingen_' * 9}schrijven", "S" * 100),
    keys=(ListedKey(kid="k" * 255),),
)
HOSTILE = connection(
    "x", organisation="<img src=x onerror=alert(1)>", scopes=('"><script>alert(1)</script>',)
)
EACH_LAYOUT, WIDE = (400, 800, 1100, 1280), (1280,)
"""A width on each side of what the style sheet tells apart."""
PAGES: dict[str, tuple[Callable[[], Report], tuple[int, ...]]] = {
    "status": (lambda: status(LONG, HOSTILE), EACH_LAYOUT),
    "board": (lambda: board(Language.NL, LONG, HOSTILE), EACH_LAYOUT),
    "board-en": (lambda: board(Language.EN), WIDE),
    "declared": (declared, WIDE),
    "steps": (declared_steps, WIDE),
}


@pytest.mark.parametrize("name", PAGES)
def test_nothing_lies_beyond_the_edge_and_axe_finds_nothing(
    browser: Browser, tmp_path: Path, name: str
) -> None:
    """However narrow the window and long the names: no scrolling sideways, no column out of sight.
    In light and in dark."""
    report, layouts = PAGES[name]
    page = opened(browser, tmp_path, as_html(report()))
    for width in (400, 800, 1100, 1280, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        edges = page.evaluate(
            "[...document.querySelectorAll('body *')].map(element =>"
            " element.getBoundingClientRect().right)"
        )
        assert max(edges) <= width
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        shot(page, f"report-{name}-{width}", full=False)
        if width in layouts:
            accessible(page)
    page.emulate_media(color_scheme="dark")
    accessible(page)
    shot(page, f"report-{name}-dark")


def test_without_scripts_and_on_paper_all_of_it_shows(browser: Browser, tmp_path: Path) -> None:
    """Filters are there only where they work."""
    file = tmp_path / "page.html"
    file.write_text(as_html(status()))
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(file.as_uri())
    assert page.locator("tbody tr").count() == 4
    assert not page.get_by_label("Search").is_visible()
    printed = opened(browser, tmp_path, as_html(status()))
    printed.emulate_media(media="print")
    assert not printed.get_by_label("Search").is_visible()
    for row in printed.locator("tbody tr").all():
        assert row.is_visible()
    shot(printed, "report-print")


def test_a_page_has_no_handlers_and_a_policy_that_fits() -> None:
    """One file: no address in it, no inline handler, a policy of hashes."""
    html = as_html(status())
    assert not re.search(r"<[^>]* on[a-z]+=", html)
    assert "http://" not in html
    assert "https://" not in html
    assert "default-src &#39;none&#39;" in html
    assert "unsafe" not in html
    assert html.count("<script>") == html.count("script-src") == 1
