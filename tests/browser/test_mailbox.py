"""The page Postvak, as somebody of the organisation reads it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.portal.mails import CALENDAR, deliver, mail
from tests.support.browser import accessible, shot
from tests.support.portal import RunningPortal

TEXT = """Dag,

De OAuth-client van Mijn Gent is aangemaakt op de testomgeving (TNI).
De client-ID is:

    8f6a2b1e-4c1f-4f0e-9a2f-6f1f0a5f7f11

Meld aan op het Beheerportaal en laad daar uw publieke sleutel op.

Vragen? De Servicedesk Informatiekanalen helpt u verder.
"""


def test_the_mailbox_from_the_menu_to_a_file(portal: RunningPortal, desk: Callable[..., Desk]) -> None:
    """Found in the menu, read, kept as a file, and left again; axe finds nothing, in either language, on a narrow screen too."""
    message = mail(subject="Uw OAuth client-ID voor mijn-gent: testomgeving (TNI)", text=TEXT)
    message.add_alternative("<h1>Nooit getoond</h1><img src='https://elders.example/x.png'>", subtype="html")
    message.add_attachment(CALENDAR.encode(), "text", "calendar", filename="sleutel-vervalt.ics")
    deliver(portal, message)
    deliver(portal, message)
    deliver(portal, mail(subject="Herinnering: " + "een heel lang onderwerp dat niet op een regel past " * 3), "x" * 60 + "@stad.example")
    someone = desk()
    page = someone.page
    someone.log_on()
    page.get_by_role("link", name="Postvak", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Postvak")
    accessible(page)
    shot(page, "mailbox-nl")
    page.get_by_role("link", name="Uw OAuth client-ID voor mijn-gent: testomgeving (TNI)").click()
    expect(page.get_by_text("8f6a2b1e-4c1f-4f0e-9a2f-6f1f0a5f7f11")).to_be_visible()
    assert "Nooit getoond" not in page.content()
    accessible(page)
    shot(page, "mail-nl")
    with page.expect_download() as kept:
        page.get_by_role("link", name="sleutel-vervalt.ics").click()
    assert kept.value.suggested_filename == "sleutel-vervalt.ics"
    page.get_by_role("link", name="English").click()
    expect(page.get_by_text("received 2 times")).to_be_visible()
    accessible(page)
    shot(page, "mail-en")
    page.set_viewport_size({"width": 360, "height": 740})
    shot(page, "mail-narrow")
    page.get_by_label("Where you are").get_by_role("link", name="Mailbox").click()
    accessible(page)
    shot(page, "mailbox-narrow-en")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert someone.complaints == []
    assert not any("elders.example" in one for one in someone.sent)
