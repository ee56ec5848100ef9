"""What people confirmed is held against what can be seen without an API: evidence of the probe, and
a file from the portal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from acmidm.orders.checking import check
from acmidm_onboarding.values.problems import Failure
from tests.support.by_hand_stack import carry_out, opened
from tests.support.confirmed import BY, CLIENT_ID
from tests.support.evidence import write_evidence
from tests.support.forms import PLAIN, SEND, FormFile
from tests.support.rendering import print_report

NOTHING = "nothing"
BOTH = ", ".join(sorted((PLAIN, SEND)))


@pytest.fixture(autouse=True)
def form(form: FormFile) -> FormFile:
    """All that it asks is confirmed."""
    carry_out(opened())
    return form


def differences(exported: Path | None = None) -> list[tuple[str, str, str]]:
    return [(one.part, one.confirmed, one.seen) for one in check(opened(), exported).differences]


def prove(form: FormFile, kid: str = "key-1", **said: Any) -> None:
    about = {"application": form.application, "client_id": CLIENT_ID, "scopes": [PLAIN], **said}
    write_evidence(form.path.parent, form.keys[kid].as_dict(private=True), **about)


def test_what_agrees_is_listed_to_be_looked_at(
    form: FormFile, capsys: pytest.CaptureFixture[str]
) -> None:
    prove(form)
    assert differences() == []
    report = check(opened())
    assert {(one.client, one.by) for one in report.attested} == {(form.key, BY.by)}
    assert {one.part for one in report.attested} == {
        "client",
        "scopes",
        "keys",
        "product/notificaties",
    }
    print_report(report)
    out = capsys.readouterr().out
    assert all(f"[ ] {one.sentence}" in out for one in report.attested)


@pytest.mark.parametrize(
    ("said", "difference"),
    [
        ({"client_id": "another"}, ("client_id", CLIENT_ID, "another")),
        ({"scopes": [PLAIN, "elys_arts"]}, ("scopes", BOTH, "elys_arts")),
    ],
    ids=lambda case: next(iter(case)),
)
def test_what_evidence_proves_and_nobody_confirmed(
    form: FormFile, said: dict[str, Any], difference: tuple[str, str, str]
) -> None:
    prove(form, **said)
    assert differences() == [difference]


def test_a_key_that_nobody_confirmed_has_got_a_token(form: FormFile) -> None:
    form.add_key("key-2")
    form.save()
    prove(form, "key-2")
    assert differences() == [
        ("keys", form.keys["key-1"].thumbprint(), form.keys["key-2"].thumbprint())
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"Client_ID;Scopes\n{CLIENT_ID};{SEND}, {PLAIN}\n", []),
        (f"client_id,scopes\n{CLIENT_ID},{PLAIN}\n", [("scopes", BOTH, PLAIN)]),
        (f"client_id\n{CLIENT_ID}\nother\n", [("client_id", NOTHING, "other")]),
        ("client_id\n", [("client_id", CLIENT_ID, NOTHING)]),
    ],
    ids=["the same", "fewer scopes", "a client more", "a client less"],
)
def test_a_file_from_the_portal(
    text: str, found: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    """With commas or semicolons, in either case; a column of scopes may be missing."""
    file = tmp_path / "portal.csv"
    file.write_text(text)
    assert differences(file) == found


def test_a_file_without_client_ids_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "portal.csv"
    file.write_text("name\nloket\n")
    with pytest.raises(Failure, match="client_id"):
        check(opened(), file)
