"""What HTML reports have in them: a browser is not needed for that."""

from __future__ import annotations

import re
from dataclasses import replace

from acmidm.desk.progress import Step, progress
from acmidm.desk.steps import steps_of
from acmidm.render.html import as_html
from acmidm_onboarding.texts import Language
from tests.render.reports import board, status
from tests.support.samples import NOW, listed_connection
from tests.support.standing import WHOLE, on_production


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


def test_a_page_has_no_handlers_and_a_policy_that_fits() -> None:
    """One file: no address in it, no inline handler, a policy of hashes."""
    html = as_html(status())
    assert not re.search(r"<[^>]* on[a-z]+=", html)
    assert "http://" not in html
    assert "https://" not in html
    assert "default-src &#39;none&#39;" in html
    assert "unsafe" not in html
    assert html.count("<script>") == html.count("script-src") == 1
