"""The two languages say the same, and a visitor gets the one that was asked for."""

import re
import string
from datetime import UTC, datetime
from pathlib import Path

from acmidm_sandbox.beheerportaal import web
from acmidm_sandbox.beheerportaal.jwk import SENTENCES
from acmidm_sandbox.beheerportaal.web.visit import LANGUAGES, moment
from tests.sandbox.web import anybody
from tests.support.portal import RunningPortal

FOLDER = Path(web.__file__).parent
_USED = re.compile(r"""\b(?:t|texts|visit\.texts)\(\s*['"]([a-z_.0-9+±-]+)['"]\s*[,)]""")


def blanks(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}


def test_the_languages_have_the_same_texts_with_the_same_blanks() -> None:
    """None is missing in one of them."""
    dutch, english = LANGUAGES["nl"].messages, LANGUAGES["en"].messages
    assert dutch.keys() == english.keys()
    assert {key: blanks(text) for key, text in dutch.items()} == {
        key: blanks(text) for key, text in english.items()
    }


def test_pages_in_english_need_not_be_drawn() -> None:
    """Those in Dutch are (``tests/end_to_end/browser``): nothing lacks its name there, and all fits
    on a narrow screen. In English no text is empty either, and no word is longer."""
    longest = {}
    for language, texts in LANGUAGES.items():
        assert [key for key, text in texts.messages.items() if not text.strip()] == []
        longest[language] = max(
            len(word) for text in texts.messages.values() for word in text.split()
        )
    assert longest["en"] <= longest["nl"]


def test_every_text_that_is_used_exists() -> None:
    """In templates and code, those of mistakes among them."""
    used = {
        key
        for file in [*FOLDER.glob("*.py"), *FOLDER.glob("templates/*.html")]
        for key in _USED.findall(file.read_text())
    }
    assert len(used) > 60
    assert (
        used - {key for key in used if key.endswith((".", "_"))} <= LANGUAGES["nl"].messages.keys()
    )
    assert {f"jwk.{code}" for code in SENTENCES} <= LANGUAGES["nl"].messages.keys()


def test_pages_are_in_dutch_until_somebody_chooses_english(portal: RunningPortal) -> None:
    """Whatever the browser prefers; an address in a language stays in it."""
    visitor = anybody(portal, **{"Accept-Language": "en-GB,en;q=0.9"})
    assert visitor.http.get("/").headers["location"].startswith("/portaal/nl/")
    assert '<html lang="en">' in visitor.http.get("/portaal/en/aanmelden").text
    assert '<html lang="nl">' in visitor.http.get("/portaal/xx/nowhere").text


def test_times_are_those_of_brussels() -> None:
    """Summer and winter, and the day too."""
    assert moment(datetime(2026, 7, 31, 22, 30, tzinfo=UTC)) == "1/8/2026 00:30"
    assert moment(datetime(2026, 12, 1, 22, 30, tzinfo=UTC)) == "1/12/2026 23:30"
