"""The page as the file that it is: what a browser is not needed for."""

from __future__ import annotations

import hashlib
import re

from acmidm_onboarding.texts.page import SENTENCES
from tests.support.engine import ROOT

ASSETS = ROOT / "acmidm/form_page/assets"
JS_YAML = "32391560601990bb6e0daabd8106a35a6a539de088532413931a70a4cb4f4769"
"""SHA-256 of dist/js-yaml.min.js of js-yaml 4.3.2."""


def test_there_is_no_address_in_it_that_could_be_requested(html: str) -> None:
    """Nor a handler in the markup, nor a way around its policy."""
    assert "unsafe" not in html
    assert not re.search(
        r"<[^>]* (on[a-z]+|src|action)=", html.partition('<script type="application/json"')[0]
    )
    assert "sourceMappingURL" not in html


def test_what_is_not_ours_is_as_npm_has_it() -> None:
    """Behind its licence, which the page then has too."""
    licence, ours, code = (ASSETS / "js-yaml.min.js").read_text().partition("*/\n")
    assert (ROOT / "LICENSES/MIT-js-yaml.txt").read_text().strip() in licence + ours
    assert hashlib.sha256(code.encode()).hexdigest() == JS_YAML


def test_each_text_is_used() -> None:
    """By the template, a script or the mail; a name that is put together counts for all it may
    be."""
    used = "".join(file.read_text() for file in ASSETS.iterdir() if file.name != "js-yaml.min.js")
    used += "".join(file.read_text() for file in (ROOT / "acmidm").rglob("*.py"))
    together = tuple(
        f"{kind}."
        for kind in (
            "field",
            "choice",
            "where",
            "label",
            "environment",
            "algorithm",
            "format",
            "mistakes",
            "refused",
            "key.keeps",
            "month",
        )
    )
    for name in SENTENCES:
        subject, _, stem = name.partition(".")
        if subject != "form_page":
            continue  # a sentence of the loader, too
        assert stem.startswith(together) or re.search(rf"""[."'`]{re.escape(stem)}["'`]""", used), (
            name
        )
