"""Whom a client comes to send for, in a review: by name, however many they are."""

from __future__ import annotations

import pytest

from tests.support.rendering import as_markdown, print_report
from tests.support.samples import client, reviewed

NAMES = [f"Gemeente Voorbeeldem-aan-de-Leie {number:02}" for number in range(14)]


def sending(*names: str) -> dict[str, dict[str, object]]:
    afzenders = [{"code": f"OVO9000{name[-2:]}", "name": name} for name in names]
    return {"notificaties": {"merk_code": "gent", **({"afzenders": afzenders} if names else {})}}


def test_all_are_named_always(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its code, as text, as Markdown and as data; in the row how many they are."""
    before, after = client(products=sending()), client(products=sending(*NAMES))
    for old, new in ((before, after), (after, before)):
        report = reviewed((old, new))
        [change] = report.connections[0].changes
        assert [field.field for field in change.fields] == NAMES
        print_report(report)
        for text in (capsys.readouterr().out, as_markdown(report), report.model_dump_json()):
            assert all(name in text for name in NAMES)
            assert all(f"OVO9000{name[-2:]}" in text for name in NAMES)
        assert change.text.endswith("through notificaties: 14")
