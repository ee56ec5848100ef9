"""Who gets which mail, what is in it, and what becomes of one that is refused or repeated: on a
real mail server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from acmidm.desk.reminders.delivery import Delivered, deliver
from acmidm.desk.reminders.due import due
from acmidm.desk.reminders.ledger import Ledger, locked_ledger
from acmidm.desk.reminders.mails import reminders
from acmidm.desk.status import ListedConnection, ListedMandate, ListedScope, Step, WaitsFor
from acmidm_onboarding.settings import Settings
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.terms import Environment
from tests.desk.conftest import settings_of
from tests.desk.samples import connection, key, progress
from tests.support.handing_over import text_of
from tests.support.mail_server import MailServer

NOW = datetime(2026, 11, 26, 3, 17, tzinfo=UTC)
END = NOW + timedelta(days=5)
LONG_AGO = NOW - timedelta(days=30)
GHENT = "Stad Gent op de testomgeving (TNI)"


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    return tmp_path / "reminded" / "tni.json"


def run(
    rows: list[ListedConnection],
    settings: Settings,
    file: Path,
    now: datetime = NOW,
    languages: Mapping[str, Language] | None = None,
) -> list[Delivered]:
    with locked_ledger(file) as ledger:
        return list(
            deliver(reminders(due(rows, ledger.sent, now)), languages or {}, ledger, settings, now)
        )


def ends(application: str = "loket", **how: object) -> ListedConnection:
    return progress(connection(application, key(f"{application}-2026", END), **how))


def uploads(
    application: str = "balie", since: datetime | None = LONG_AGO, **how: object
) -> ListedConnection:
    values = {
        "application": application,
        "organisation": "Stad Gent",
        "portal": "https://portaal.example",
        "contacts": "api@stad.example",
    }
    return progress(
        connection(application, keys_in_portal=True, **how),
        Step.KEY,
        WaitsFor.ORGANISATION,
        since,
        "upload",
        values,
    )


def test_one_mail_has_all_that_ends_and_waits(
    settings: Settings, post_office: MailServer, ledger_file: Path
) -> None:
    """In Dutch, as text and HTML; the next run sends nothing."""
    rows = [ends(), ends("portaal", keys_in_portal=True), uploads()]
    assert [one.problems for one in run(rows, settings, ledger_file)] == [()]
    (mail,) = post_office.received
    assert (
        mail["Subject"]
        == f"{GHENT}: 2 publieke sleutels vervallen, de eerste op 1 december 2026, en een stap"
        " wacht op u"
    )
    assert mail["To"] == "api@stad.example"
    assert mail["X-Acmidm-Connection"] == "acmidm/tni/OVO002067/loket"
    text, html = text_of(mail), text_of(mail, "html")
    for said in (
        (
            "De publieke sleutel loket-2026 van loket vervalt op 1 december 2026 om 03:17 (UTC),"
            " binnen 7 dagen."
        ),
        "zet de nieuwe publieke sleutel in uw aansluitingsformulier (gent/loket), naast de oude.",
        "laad de nieuwe publieke sleutel op in het Beheerportaal (",
        "balie, stap 5: Publieke sleutel",
        "Meld aan op het Beheerportaal (",
        ") en laad er de publieke sleutel van balie op, in de vorm van een JSON Web Key.",
        "Deze stap wacht op u sinds 27 oktober 2026.",
        "https://portaal.example",
    ):
        assert said in text
        assert said in html
    assert html.count('<a href="https://portaal.example') == 2
    assert run(rows, settings, ledger_file, NOW + timedelta(hours=1)) == []
    assert len(post_office.received) == 1


def test_a_mandate_that_ends_is_in_the_mail_of_its_key(
    settings: Settings, post_office: MailServer, ledger_file: Path
) -> None:
    """With what keeps it, and the day after which it counts no more."""
    mandate = ListedMandate(supplier="leverancier", until=date(2026, 11, 30), days_left=4)
    run([ends(mandate=mandate), uploads()], settings, ledger_file)
    (mail,) = post_office.received
    about = (
        "een publieke sleutel vervalt op 1 december 2026, en een mandaat eindigt op 30 november"
        " 2026"
    )
    assert mail["Subject"] == f"{GHENT}: {about}, en een stap wacht op u"
    said = "Het mandaat van leverancier voor loket eindigt op 30 november 2026, binnen 7 dagen."
    assert said in text_of(mail)


def test_a_scope_that_ends_says_where_a_later_day_goes(
    settings: Settings, post_office: MailServer, ledger_file: Path
) -> None:
    """Each step is one mail: the next run sends nothing."""
    scope = ListedScope(scope="vo_info", until=date(2026, 11, 30), days_left=4)
    rows = [progress(connection("loket", scopes_until=(scope,)))]
    run(rows, settings, ledger_file)
    (mail,) = post_office.received
    assert mail["Subject"].strip() == f"{GHENT}: een scope eindigt op 30 november 2026"
    said = "De scope vo_info van loket eindigt op 30 november 2026, binnen 7 dagen."
    assert said in text_of(mail)
    assert "zet dan een latere dag bij until in uw aansluitingsformulier" in text_of(mail)
    assert run(rows, settings, ledger_file) == []


def test_a_mandate_to_send_for_another_says_who_renews_it(
    settings: Settings, post_office: MailServer, ledger_file: Path
) -> None:
    """Each of two that end on one day is named; the next run sends nothing."""
    mandates = tuple(
        ListedMandate(
            supplier="Stad Gent", organisation=name, until=date(2026, 11, 30), days_left=4
        )
        for name in ("Stad Zele", "Stad Aalst")
    )
    rows = [progress(connection("berichten", sends_by=mandates))]
    run(rows, settings, ledger_file)
    (mail,) = post_office.received
    assert mail["Subject"] == f"{GHENT}: 2 mandaten eindigen, het eerste op 30 november 2026"
    for name in ("Stad Zele", "Stad Aalst"):
        said = (
            f"Het mandaat waarmee berichten voor {name} verzendt, eindigt op 30 november 2026,"
            " binnen 7 dagen."
        )
        assert said in text_of(mail)
        assert f"Laat de eigenaars van {name} dan een latere dag" in text_of(mail)
    assert run(rows, settings, ledger_file) == []


def test_english_where_the_organisation_says_so(
    settings: Settings, post_office: MailServer, ledger_file: Path
) -> None:
    run([ends(), uploads()], settings, ledger_file, languages={"OVO002067": Language.EN})
    (mail,) = post_office.received
    assert (
        mail["Subject"]
        == "Stad Gent on the test environment (TNI): a public key ends on 1 December 2026, and one"
        " step waits for you"
    )
    assert (
        "Log on to the Beheerportaal (https://portaal.example) and upload the public key of balie"
        " there" in text_of(mail)
    )
    assert '<html lang="en">' in text_of(mail, "html")


def test_a_mail_may_be_about_a_step_alone(
    settings: Settings, post_office: MailServer, ledger_file: Path
) -> None:
    run([uploads()], settings, ledger_file)
    (mail,) = post_office.received
    assert mail["Subject"] == f"{GHENT}: een stap wacht op u"
    assert "Sleutels die verlopen" not in text_of(mail)


def test_a_key_beside_one_that_stays_is_to_be_used_and_no_new_one_made(
    settings: Settings, post_office: MailServer, ledger_file: Path
) -> None:
    run(
        [progress(connection("loket", key("old", END), key("new", END + timedelta(days=300))))],
        settings,
        ledger_file,
    )
    text = text_of(post_office.received[0])
    assert (
        "De sleutel new blijft geldig. Laat uw applicatie vóór die dag daarmee ondertekenen" in text
    )
    assert "nieuw sleutelpaar" not in text


def test_a_kid_that_is_a_sentence_is_not_mailed(
    settings: Settings, post_office: MailServer, ledger_file: Path
) -> None:
    """From the sender that an organisation trusts: it is named by its thumbprint."""
    lure = key("Uw toegang is verlopen, meld u aan op https://kwaad.example", END).model_copy(
        update={"thumbprint": "NzbLsXh8uDCcd"}
    )
    run(
        [progress(connection("loket", lure, key("loket_2027.a-1", END + timedelta(days=300))))],
        settings,
        ledger_file,
    )
    (mail,) = post_office.received
    assert "kwaad.example" not in "".join(
        str(part.get_content()) for part in mail.walk() if not part.is_multipart()
    )
    assert "NzbLsXh8uDCcd" in text_of(mail)
    assert "loket_2027.a-1" in text_of(mail)


def test_nobody_learns_of_another_organisation(
    settings: Settings, post_office: MailServer, ledger_file: Path
) -> None:
    """Neither whom it names as contacts nor what it has, though a supplier is a contact of both;
    nor of another environment."""
    both = "leverancier@example.org"
    rows = [
        ends("a", contacts=("gent@stad.example", both)),
        ends("b", contacts=(both, "gent@stad.example")),
        ends("c", contacts=("other@stad.example",)),
        ends("d", contacts=("gent@stad.example", both), code="OVO000001", organisation="Aalst"),
        ends("e", contacts=("gent@stad.example", both), environment=Environment.PROD, stack="prod"),
        ends("f", contacts=("aalst@stad.example", both), code="OVO000001", organisation="Aalst"),
    ]
    run(rows, settings, ledger_file)
    found = {
        (str(mail["To"]), *re.findall(r"sleutel ([a-f])-2026", text_of(mail)))
        for mail in post_office.received
    }
    assert found == {
        (f"gent@stad.example, {both}", "a", "b"),
        ("other@stad.example", "c"),
        (f"gent@stad.example, {both}", "d"),
        (f"gent@stad.example, {both}", "e"),
        (f"aalst@stad.example, {both}", "f"),
    }
    for mail in post_office.received:
        whole = str(mail) + text_of(mail) + text_of(mail, "html")
        assert ("Aalst" in whole) is ("Gent" not in whole)
        assert ("aalst@" in whole) is (mail["To"] == f"aalst@stad.example, {both}")


def test_a_mail_that_is_refused_is_tried_in_the_next_run_and_stops_no_other(
    settings: Settings, post_office: MailServer, ledger_file: Path
) -> None:
    rows = [ends("a", contacts=("gone@stad.example",)), ends("b")]
    post_office.refused["gone@stad.example"] = "550 no such mailbox"
    first = run(rows, settings, ledger_file)
    assert [(one.is_sent, len(one.problems)) for one in first] == [(False, 1), (True, 0)]
    assert first[0].problems[0].startswith("gone@stad.example was refused: 550")
    post_office.refused.clear()
    (again,) = run(rows, settings, ledger_file, NOW + timedelta(days=1))
    assert (again.is_sent, again.reminder.contacts) == (True, ("gone@stad.example",))
    assert len(post_office.received) == 2


def test_one_contact_that_is_refused_is_reported_and_the_others_have_it(
    settings: Settings, post_office: MailServer, ledger_file: Path
) -> None:
    """Once: they do not get it again because of the one."""
    rows = [ends(contacts=("api@stad.example", "gone@stad.example"))]
    post_office.refused["gone@stad.example"] = "550 no such mailbox"
    (done,) = run(rows, settings, ledger_file)
    assert done.is_sent
    assert done.problems[0].startswith("gone@stad.example was refused")
    assert run(rows, settings, ledger_file) == []


def test_a_server_that_is_down_loses_nothing(
    settings: Settings, post_office: MailServer, ledger_file: Path
) -> None:
    rows = [ends()]
    (done,) = run(rows, settings_of("smtp://127.0.0.1:1"), ledger_file)
    assert not done.is_sent
    assert "cannot be reached" in done.problems[0]
    assert Ledger(ledger_file).sent == {}
    run(rows, settings, ledger_file)
    assert len(post_office.received) == 1


class Killed(BaseException):
    """What ends a process."""


@pytest.mark.parametrize("row", [ends(), uploads()], ids=["key", "step"])
def test_a_run_that_dies_before_it_records_repeats_that_one_mail(
    row: ListedConnection,
    settings: Settings,
    post_office: MailServer,
    ledger_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the same Message-ID, the next night too, by which a mailbox knows it again. What was
    recorded before is not repeated."""
    rows = [ends("a", contacts=("first@stad.example",)), row]
    record, count = Ledger.record, iter(range(9))

    def dies(*given: object) -> None:
        if next(count):
            raise Killed
        record(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "record", dies)
        with pytest.raises(Killed):
            run(rows, settings, ledger_file)
    assert len(post_office.received) == 2
    assert len(run(rows, settings, ledger_file, NOW + timedelta(days=1))) == 1
    ids = [str(mail["Message-ID"]) for mail in post_office.received]
    assert ids[1] == ids[2] != ids[0]
    assert run(rows, settings, ledger_file, NOW + timedelta(days=1)) == []


def test_each_threshold_and_each_week_is_a_message_of_its_own(
    settings: Settings, post_office: MailServer, ledger_file: Path
) -> None:
    """Else a mailbox that keeps one of each Message-ID would keep the first alone."""
    for night in range(61):
        run(
            [ends(contacts=("a@stad.example",)), uploads()],
            settings,
            ledger_file,
            END - timedelta(days=60 - night),
        )
    assert len({str(mail["Message-ID"]) for mail in post_office.received}) == len(
        post_office.received
    )
    keys = [mail for mail in post_office.received if mail["To"] == "a@stad.example"]
    assert [re.findall(r"binnen (\d+) dagen", text_of(mail)) for mail in keys] == [
        ["60"],
        ["30"],
        ["7"],
    ]
    assert "De vorige herinnering was van" in text_of(post_office.received[-1])


def test_hostile_names_stay_text(
    settings: Settings, post_office: MailServer, ledger_file: Path
) -> None:
    """No header, no markup, no second recipient."""
    name = "Gent\r\nBcc: evil@example.org\r\n\r\n<script>alert(1)</script>"
    row = progress(
        connection("x</li><img src=x>{0}{{7*7}}", key("k\r\n<b>", END), organisation=name)
    )
    run([row], settings, ledger_file)
    (mail,) = post_office.received
    assert mail["Bcc"] is None
    assert mail["To"] == "api@stad.example"
    assert "<script>" not in text_of(mail, "html")
    assert "<img" not in text_of(mail, "html")
    assert "49" not in text_of(mail, "html").partition("<body>")[2]
