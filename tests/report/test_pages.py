"""The HTML reports in a real browser: they filter, they are accessible, they need no network, and nothing of a form's author runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from acmidm.report.drifting import drift_of
from acmidm.report.html import drift_as_html, review_as_html, status_as_html
from acmidm.report.listing import ListedConnection, ListedKey, Status
from acmidm.report.preview import Plan
from components.model.form import Environment, Platform
from tests.report.samples import NOW, client, reviewed
from tests.support.browser import accessible, shot


def opened(browser: Browser, folder: Path, html: str) -> Page:
    """The page from a file, without a network; whatever it asks for or complains of fails the test."""
    file = folder / "page.html"
    file.write_text(html)
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.on("request", lambda request: pytest.fail(request.url) if not request.url.startswith("file:") else None)
    page.on("console", lambda message: pytest.fail(message.text))
    page.on("dialog", lambda _: pytest.fail("a script of somebody else ran"))
    page.goto(file.as_uri())
    return page


def connection(application: str, **how: object) -> ListedConnection:
    values = {
        "stack": "tni",
        "environment": Environment.TNI,
        "form": f"gent/{application}",
        "organisation": "Stad Gent",
        "organisation_code": "OVO002067",
        "application": application,
        "platform": Platform.ACMIDM,
        "client_id": f"id-of-{application}",
        "token_endpoint_auth_method": "private_key_jwt",
        "scopes": ("vo_info",),
        "keys": (ListedKey(kid="key", thumbprint="t", expires=NOW, days_left=400),),
        "products": ("notificaties",),
    }
    return ListedConnection.model_validate({**values, **how})


def status(*more: ListedConnection) -> Status:
    return Status(
        checked_at=NOW,
        stacks=("tni", "prod"),
        connections=(
            connection("loket"),
            connection("dossiers", environment=Environment.PROD, stack="prod", scopes=("vo_info", "dv_dosis_schrijven")),
            connection("soon", keys=(ListedKey(kid="key", expires=NOW, days_left=12),)),
            connection("over", keys=(ListedKey(kid="key", expires=NOW, days_left=-3),)),
            *more,
        ),
    )


def shown(page: Page) -> list[str]:
    return [row.inner_text().splitlines()[1].split("\t")[0] for row in page.locator("tbody tr:visible").all()]


def test_the_list_filters_by_keyboard_alone(browser: Browser, tmp_path: Path) -> None:
    """Search, environment, scope and expiry, each reached with Tab; what is shown is told to a screen reader."""
    page = opened(browser, tmp_path, status_as_html(status()))
    assert shown(page) == ["loket", "dossiers", "soon", "over"]
    page.keyboard.press("Tab")  # to the content
    page.keyboard.press("Tab")
    page.keyboard.type("gent DOSS")
    assert shown(page) == ["dossiers"]
    assert page.get_by_role("status").inner_text() == "1 of 4 shown"
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.press("Tab")
    page.keyboard.type("prod")
    assert shown(page) == ["dossiers"]
    page.get_by_role("button", name="Show all").press("Enter")
    page.wait_for_function("document.querySelectorAll('tbody tr[hidden]').length === 0")
    page.get_by_label("Scope").select_option("dv_dosis_schrijven")
    assert shown(page) == ["dossiers"]
    page.get_by_label("Scope").select_option("all")
    page.get_by_label("Keys that end").select_option("within 30 days")
    assert shown(page) == ["soon", "over"]
    assert "12 days left" in page.locator("td.warning, td .warning").first.inner_text()
    page.get_by_label("Keys that end").select_option("in the past")
    assert shown(page) == ["over"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible(browser: Browser, tmp_path: Path, scheme: str) -> None:
    """axe finds no violation in any of the reports, in light and in dark."""
    plan = Plan(Environment.TNI, {}, {}, {}, frozenset(), {}, {}, (), None)
    review = reviewed((client(), None), (client("gent/x"), client("gent/x", scopes={"dv_dosis_schrijven": "why"})))
    hostile = connection("x", organisation="<img src=x onerror=alert(1)>", scopes=('"><script>alert(1)</script>',))
    for name, html in {
        "status": status_as_html(status(hostile)),
        "review": review_as_html(review),
        "drift": drift_as_html(drift_of("tni", plan, review.connections, (), NOW)),
    }.items():
        page = opened(browser, tmp_path, html)
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        accessible(page)
        shot(page, f"report-{name}-{scheme}")


def test_without_scripts_and_on_paper_all_of_it_shows(browser: Browser, tmp_path: Path) -> None:
    """Filters are there only where they work."""
    file = tmp_path / "page.html"
    file.write_text(status_as_html(status()))
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(file.as_uri())
    assert page.locator("tbody tr").count() == 4
    assert not page.get_by_label("Search").is_visible()
    printed = opened(browser, tmp_path, status_as_html(status()))
    printed.emulate_media(media="print")
    assert not printed.get_by_label("Search").is_visible()


def test_a_page_has_no_handlers_and_a_policy_that_fits() -> None:
    """One file: no address in it, no inline handler, a policy of hashes."""
    html = status_as_html(status())
    assert not re.search(r"<[^>]* on[a-z]+=", html)
    assert "http://" not in html
    assert "https://" not in html
    assert "default-src &#39;none&#39;" in html
    assert "unsafe" not in html
