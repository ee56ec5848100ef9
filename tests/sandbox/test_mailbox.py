"""The post office, by a real SMTP client, and the page Postvak."""

from __future__ import annotations

import re
import smtplib
import stat
import uuid
from pathlib import Path

import pytest

from acmidm_sandbox.beheerportaal.limits import LONGEST_MAIL
from acmidm_sandbox.beheerportaal.mail import ReceivedMail, received_mails
from story.person import MENU, PortalVisitor
from tests.sandbox.mails import connected, deliver, hostile, mail
from tests.sandbox.web import person
from tests.support.portal import RunningPortal, running_portal

MAILBOX = "/portaal/nl/postvak"
_codes = (f"OVO{number:06d}" for number in range(500_000, 600_000))


@pytest.fixture
def code() -> str:
    """An organisation of this test alone."""
    return next(_codes)


@pytest.fixture
def reader(portal: RunningPortal, code: str) -> PortalVisitor:
    return person(portal, f"postvak-{uuid.uuid4().hex[:8]}", [code])


def received(portal: RunningPortal, code: str) -> list[ReceivedMail]:
    return [one for one in received_mails(portal.settings.mails) if one.organisation == code]


def link(page: str, name: str) -> str:
    """Where a link leads that is named so."""
    found = re.search(rf'<a href="([^"]+)"[^>]*>{re.escape(name)}</a>', page)
    assert found, page
    return found[1]


def test_a_mail_is_read_by_its_organisation(
    portal: RunningPortal, reader: PortalVisitor, code: str
) -> None:
    """In the menu, in the list, and on a page with its text, without its HTML and its files."""
    message = mail(
        code,
        subject="Uw cliënt-ID op TNI",
        text="Dag Gent,\n\n  <b>uw</b> client-ID: 1234 & zo €\n",
    )
    message.add_alternative("<script>alert(1)</script><p>In HTML</p>", subtype="html")
    message.add_attachment("In een bestand", filename="sleutel.txt")
    deliver(portal, message, "een@stad.example", "twee@stad.example")
    assert MAILBOX in reader.http.get(f"/portaal/nl{MENU}").text
    page = reader.http.get(MAILBOX).text
    assert "een@stad.example, twee@stad.example" in page
    opened = reader.http.get(link(page, "Uw cliënt-ID op TNI"))
    assert "Dag Gent,\n\n  &lt;b&gt;uw&lt;/b&gt; client-ID: 1234 &amp; zo €" in opened.text
    assert "In HTML" not in opened.text
    assert "alert" not in opened.text
    assert message["Message-ID"].strip("<>") in opened.text
    assert "In een bestand" not in opened.text
    for number in ("0", "x", "9" * 40, "-1"):
        assert reader.http.get(f"{MAILBOX}/{number}").status_code == 404


def test_nobody_sees_a_mail_of_another(
    portal: RunningPortal, reader: PortalVisitor, code: str
) -> None:
    """Not in the list, and not by its number; and without the right API-beheerder nothing at
    all."""
    deliver(portal, mail(code, subject="Voor ons alleen"))
    address = link(reader.http.get(MAILBOX).text, "Voor ons alleen")
    stranger = person(portal, f"vreemd-{uuid.uuid4().hex[:8]}", [next(_codes)])
    assert "Voor ons alleen" not in stranger.http.get(MAILBOX).text
    unseen = stranger.http.get(address)
    assert (unseen.status_code, "Voor ons alleen" in unseen.text) == (404, False)
    powerless = person(portal, f"zonder-{uuid.uuid4().hex[:8]}", [code], api_beheerder=False)
    assert [powerless.http.get(path).status_code for path in (MAILBOX, address)] == [403] * 2
    nobody = powerless.http.get(f"{portal.origin}{MAILBOX}", headers={"Cookie": ""})
    assert nobody.status_code == 303


def test_a_mail_that_names_no_organisation_is_nobodys(
    portal: RunningPortal, reader: PortalVisitor, code: str
) -> None:
    """It is kept for whoever runs the sandbox, and on no page."""
    place = f"acmidm/tni/{code}"
    odd = (
        "",
        "OVO002067",
        place,
        f"acmidm/tni/x{code}/mijn-gent",
        f"{place}/mijn-gent/more",
        "acmidm/tni/%/mijn-gent",
    )
    for named in ((), *((value,) for value in odd)):
        message = mail(code)
        del message["X-Acmidm-Connection"]
        raw = (
            b"".join(f"X-Acmidm-Connection: {value}\r\n".encode() for value in named)
            + message.as_bytes()
        )
        deliver(portal, raw)
        kept = next(
            one
            for one in received_mails(portal.settings.mails)
            if one.message_id == message["Message-ID"]
        )
        assert kept.organisation == "", named
    assert "Er zijn nog geen mails" in reader.http.get(MAILBOX).text


def test_a_shared_number_shows_nobody_a_mail(portal: RunningPortal) -> None:
    """The departments have one KBO number: who has it beside an OVO code sees the mails of the code
    only. Another number is one's own."""
    for number, shown in (("0316380841", False), ("0207451227", True)):
        subject = f"Mail {uuid.uuid4()}"
        deliver(portal, mail(number, subject=subject))
        reader = person(portal, f"kbo-{uuid.uuid4().hex[:8]}", [next(_codes), number])
        assert (subject in reader.http.get(MAILBOX).text) is shown


def test_the_same_message_id_twice_is_one_mail(
    portal: RunningPortal, reader: PortalVisitor, code: str
) -> None:
    """Received twice, as after a lost answer; for another organisation it is another mail, and
    without one each is its own."""
    message = mail(code, subject="Tweemaal")
    deliver(portal, message, "een@stad.example")
    deliver(portal, message, "een@stad.example", "twee@stad.example")
    other = next(_codes)
    message.replace_header("X-Acmidm-Connection", f"acmidm/tni/{other}/x")
    deliver(portal, message)
    kept = received(portal, code)
    assert [(one.received, one.recipients) for one in kept] == [
        (2, ["een@stad.example", "twee@stad.example"])
    ]
    assert [one.received for one in received(portal, other)] == [1]
    page = reader.http.get(MAILBOX).text
    assert page.count("Tweemaal</a>") == 1
    assert "2 keer ontvangen" in page
    anonymous = mail(code)
    del anonymous["Message-ID"]
    for _ in range(2):
        deliver(portal, anonymous)
    assert [one.received for one in received(portal, code)] == [1, 1, 2]


def test_what_is_too_large_is_refused(portal: RunningPortal, code: str) -> None:
    """By its announced size, and by what comes; the portal goes on."""
    large = mail(code, text="x" * 70 + "\n" + ("y" * 70 + "\n") * (LONGEST_MAIL // 71))
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        deliver(portal, large)
    assert refused.value.smtp_code == 552
    with connected(portal) as client:
        client.ehlo()
        client.mail("a@b.example")
        assert client.rcpt("c@d.example")[0] == 250
        assert client.data(large.as_bytes())[0] == 552
    deliver(portal, mail(code))
    assert len(received(portal, code)) == 1


def test_a_mail_that_cannot_be_kept_is_not_accepted(portal: RunningPortal, code: str) -> None:
    """While its folder is no folder: the sender tries again, and it is one mail."""
    message, folder = mail(code), portal.settings.mails
    deliver(portal, mail(code))
    moved = folder.rename(folder.with_name("moved"))
    folder.touch()
    with pytest.raises(smtplib.SMTPDataError) as refused:
        deliver(portal, message)
    folder.unlink()
    moved.rename(folder)
    assert refused.value.smtp_code == 500
    deliver(portal, message)
    kept = [
        one.received for one in received(portal, code) if one.message_id == message["Message-ID"]
    ]
    assert kept == [1]


@pytest.mark.tool
def test_each_mail_is_a_file_of_its_owner_alone(tmp_path: Path, code: str) -> None:
    """With who it was for: a process has a umask of its own."""
    with running_portal(tmp_path, receives_mail=True) as portal:
        deliver(portal, mail(code), "een@stad.example")
        (kept,) = received(portal, code)
    assert kept.recipients == ["een@stad.example"]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in portal.settings.mails.rglob("*")}
    assert modes == {0o600, 0o700}


def test_a_portal_without_a_post_office_has_no_mailbox(geosecure: RunningPortal) -> None:
    """GeoSecure's: what is mailed is at ACM/IDM's portal."""
    reader = person(geosecure, f"postvak-{uuid.uuid4().hex[:8]}")
    assert "Postvak" not in reader.http.get(f"/portaal/nl{MENU}").text


def test_a_hostile_mail_is_listed_and_spoils_nothing(
    portal: RunningPortal, reader: PortalVisitor, code: str
) -> None:
    """Each is a row and a page of its own; never a 500, or a header of the sender's."""
    wanted = hostile(code)
    for raw in wanted.values():
        deliver(portal, raw)
    page = reader.http.get(MAILBOX)
    links = re.findall(rf'<th [^>]*><a href="({MAILBOX}/\d+)"', page.text)
    assert (page.status_code, len(links)) == (200, len(wanted))
    for name, address in zip(reversed(wanted), links, strict=True):
        opened = reader.http.get(address)
        assert opened.status_code == 200, name
        assert "set-cookie" not in opened.headers, name
    assert len(received(portal, code)) == len(wanted)


def test_the_newest_mail_is_shown_first(
    portal: RunningPortal, reader: PortalVisitor, code: str
) -> None:
    for number in range(3):
        deliver(portal, mail(code, subject=f"Mail-{number}"))
    page = reader.http.get(MAILBOX).text
    assert re.findall(r"Mail-(\d+)</a>", page) == ["2", "1", "0"]


def test_a_sender_does_not_say_who_a_mail_was_for(portal: RunningPortal, code: str) -> None:
    """A header of the name that the post office gives its own is not believed."""
    message = mail(code)
    message["X-RcptTo"] = "iemand.anders@stad.example"
    deliver(portal, message, "een@stad.example")
    (kept,) = received(portal, code)
    assert kept.recipients == ["een@stad.example"]
