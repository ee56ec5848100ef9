"""What HTML reports have in them: a browser is not needed for that."""

from __future__ import annotations

import re
from dataclasses import replace

from acmidm.desk.status import Step, UnusedMandate
from acmidm.desk.views import Status
from acmidm.report.document import Row
from acmidm_onboarding.texts import Language
from tests.render.reports import board, status, steps_of
from tests.support.rendering import as_html
from tests.support.samples import NOW, listed_connection
from tests.support.standing import WHOLE, on_production


def test_an_application_has_one_card_without_commands() -> None:
    """At the first step at which somebody must do something, else as far as it is; each place says
    its own step."""
    facts = [
        replace(WHOLE, connection=listed_connection()),
        on_production(WHOLE),
        replace(WHOLE, connection=listed_connection("other"), usable_keys=frozenset()),
        on_production(replace(WHOLE, connection=listed_connection("other"))),
    ]
    groups = steps_of(facts, Language.EN).as_document().groups
    assert [(group.number, list(map(len, group.cards))) for group in groups if group.cards] == [
        (Step.KEY, [2]),
        (Step.DONE, [2]),
    ]
    everything = board(Language.EN)
    rows = everything.as_document().sections[0].lines
    assert len(rows) == len(everything.connections)
    for row in rows:
        assert isinstance(row, Row)
        assert not re.search(r"(acmidm|pulumi) [a-z]", str(row.cells))
    assert any("acmidm deploy" in one.to_do for one in everything.connections)


def test_a_list_without_anything_says_so() -> None:
    """Of mandates alone it has only these."""
    mandate = UnusedMandate(
        supplier="leverancier", supplier_name="Leverancier", until=NOW.date(), applications=()
    )
    alone = Status(checked_at=NOW, stacks=("tni",), connections=(), unused_mandates=(mandate,))
    nothing = alone.model_copy(update={"unused_mandates": ()})
    assert "<li>No connection was found.</li>" in as_html(nothing)
    assert "1 mandate that no form uses" in as_html(alone)
    assert "No connection" not in as_html(alone)


def test_a_page_has_no_handlers_and_a_policy_that_fits() -> None:
    """One file: no address in it, no inline handler, a policy of hashes."""
    html = as_html(status())
    assert not re.search(r"<[^>]* on[a-z]+=", html)
    assert "http://" not in html
    assert "https://" not in html
    assert "default-src &#39;none&#39;" in html
    assert "unsafe" not in html
    assert html.count("<script>") == html.count("script-src") == 1
