"""Reports in Dutch have no English sentence left, and their templates have no word of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from acmidm.desk.history import History, HistoryEntry
from acmidm.desk.status import ListedConnection, ListedKey
from acmidm.desk.views import Status
from acmidm.report.connection import ConnectionChanges
from acmidm.report.drift import Drift, ExpiringKey, UndeclaredClient, drift_of
from acmidm.report.kinds import Change, FieldChange, Kind, Report
from acmidm.report.review import Review
from acmidm_onboarding.engine_resources import Resource
from acmidm_onboarding.texts import Language, speak, tr
from acmidm_onboarding.values.terms import Environment, Platform
from tests.support.engine import ROOT
from tests.support.rendering import as_html, as_markdown, print_report
from tests.support.samples import NOW, by_hand, client, listed_connection, reviewed
from toolchain.translations import forms_of, read

THREE_WORDS = re.compile(r"[A-Za-z]{2,}(?:'s)? [A-Za-z]{2,} [A-Za-z]+")


@pytest.fixture(autouse=True)
def in_dutch() -> Iterator[None]:
    speak(Language.NL)
    yield
    speak(Language.EN)


def every_change(*, hand: bool) -> tuple[Change, ...]:
    """One of each kind, with all facts that a change can have."""
    fields = (
        FieldChange(field="redirect", old="a", new=None),
        FieldChange(field="grant", old=None, new="b"),
    )
    return tuple(
        Change(
            kind=kind,
            by_hand=hand,
            subject="s-1",
            note="SD-1",
            owner="OVO1",
            verified=False,
            is_default=True,
            thumbprint="t-1",
            old_thumbprint="t-0",
            expires=NOW,
            fields=fields if some else (),
            changed_by="jan",
            changed_at=NOW,
        )
        for kind in Kind
        for some in (False, True)
    )


def changes(*, hand: bool, environment: Environment = Environment.PROD) -> ConnectionChanges:
    names = {
        "key": "OVO002067/loket",
        "organisation": "Stad Gent",
        "application": "loket",
        "client_id": "c-1",
    }
    found = [one for one in every_change(hand=hand) if one.kind.row.resource is not Resource.NONE]
    return ConnectionChanges.model_validate(
        {
            **names,
            "platform": Platform.ACMIDM,
            "environment": environment,
            "form": "gent/loket",
            "changes": found,
        }
    )


def review() -> Review:
    other_changes = tuple(
        one for one in every_change(hand=False) if one.kind.row.resource is Resource.NONE
    )
    headlines = reviewed(
        (client("een"), None), (None, client("twee")), (client("drie"), client("drie", keys={}))
    )
    tni = changes(hand=False, environment=Environment.TNI)
    return headlines.model_copy(
        update={
            "other_changes": other_changes,
            "connections": (*headlines.connections, changes(hand=False), tni),
            "unchanged": {Environment.PROD: 1, Environment.TNI: 0},
            "problems": (
                tr(
                    "{key}: its client is protected: {remedy}; see docs/operations.md on how to"
                    " part with one",
                    key="k",
                    remedy=tr("put its form back"),
                ),
            ),
        }
    )


def drift() -> Drift:
    undeclared = UndeclaredClient(
        platform=Platform.ACMIDM,
        client_id="c-9",
        client_name="n",
        organisation="o",
        application="a",
        made_by="m",
    )
    key = ExpiringKey(
        key="k",
        organisation="Stad Gent",
        application="a",
        platform=Platform.ACMIDM,
        kid="k1",
        thumbprint="t",
        expires=NOW + timedelta(days=3),
        days_left=3,
    )
    ended = key.model_copy(update={"days_left": -1})
    found = drift_of(
        "tni",
        Environment.TNI,
        by_hand((client(), None), (client("twee"), client("twee", keys={}))),
        NOW,
        expiring=(key, ended),
        left_behind=(undeclared,),
        undeclared=(undeclared,) * 30,
    )
    more = {
        "by_hand": (*found.by_hand, changes(hand=True)),
        "healed": False,
        "repaired": (changes(hand=True),),
    }
    return found.model_copy(update=more)


def status() -> Status:
    keys = tuple(
        ListedKey(
            kid=f"k{left}", thumbprint="t", expires=NOW + timedelta(days=left), days_left=left
        )
        for left in (-3, 3, 300)
    )
    connections: list[ListedConnection] = [
        listed_connection(
            "een", keys=keys, leaves={"acmidm": "2027-01-01"}, keep=True, products=("dosis",)
        ),
        listed_connection("twee", keys=None, client_id=None),
        listed_connection("drie"),
        listed_connection("vier", jwks_uri="https://gent.example/keys", keys_in_portal=True),
        listed_connection("vijf", token_endpoint_auth_method="client_secret_post"),
    ]
    return Status(
        checked_at=NOW, stacks=("tni", "prod"), search="gent", connections=tuple(connections)
    )


def history() -> History:
    found = changes(hand=True)
    entry = HistoryEntry(
        **{
            name: getattr(found, name)
            for name in ("key", "organisation", "application", "platform", "client_id")
        },
        stack="tni",
        environment=Environment.TNI,
        at=NOW,
        actor="jan",
        changes=found.changes,
    )
    return History(stacks=("tni", "prod"), since=NOW, clients=2, entries=(entry,))


def english() -> dict[str, str]:
    """What is between the blanks of each English sentence, three words or more; not what Dutch has
    too."""
    messages = [message for message in read() if message.id]
    dutch = "\n".join(form for message in messages for form in forms_of(message.string))
    pieces: dict[str, str] = {}
    for message in messages:
        for form in forms_of(message.id):
            for piece in re.split(r"\{[^}]*\}|[\[\]]", form):
                pieces[piece.strip(" ,;:()")] = form
    return {
        piece: form
        for piece, form in pieces.items()
        if THREE_WORDS.search(piece) and piece not in dutch
    }


@pytest.mark.parametrize("report", [review, drift, status, history])
def test_no_english_sentence_is_left(report: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(report)
    made: Report = report()
    print_report(made)
    said = [capsys.readouterr().out]
    said += [as_markdown(made)] if isinstance(made, Review | Drift) else []
    said += [as_html(made)] if isinstance(made, Status) else []
    shown = re.sub(r"&#39;|&#8203;", "", " ".join(said)).lower()
    known = english()
    assert len(known) > 150
    assert {name: piece for piece, name in known.items() if piece.lower() in shown} == {}


def test_the_page_says_in_which_language_it_is() -> None:
    assert '<html lang="nl">' in as_html(status())
    speak(Language.EN)
    assert '<html lang="en">' in as_html(status())


def test_the_templates_have_no_word_of_their_own() -> None:
    """But for the page of the catalogue, which is Markdown, and in English alone."""
    for file in (ROOT / "acmidm" / "render" / "templates").glob("*.html.j2"):
        page = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "{}", file.read_text(), flags=re.DOTALL)
        assert re.findall(r'(?:aria-label|placeholder)="([^"{]+)"', page) == []
        assert re.findall(r"[A-Za-z]{2,}", re.sub(r"<[^>]*>", "", page)) == [], file.name
