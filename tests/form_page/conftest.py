"""The page in a browser that has no network: whatever it requests or complains of is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from acmidm.form_page.page import form_page
from acmidm_onboarding.forms.loading import load_catalogue
from tests.support.engine import ROOT

SENTENCE = "paard batterij nietje"

KEEPING = """() => {
    HTMLAnchorElement.prototype.click = () => {};
    const create = URL.createObjectURL;
    URL.createObjectURL = (blob) => { globalThis.kept = blob.text(); return create(blob); };
}"""
"""What makes the page keep what it would save."""


@dataclass
class Filled:
    """Somebody who fills in the page."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def open(self, name: str, content: object) -> None:
        """Open a file on the page; a document as YAML."""
        text = (
            content
            if isinstance(content, str)
            else yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
        )
        self.page.evaluate("document.getElementById('opened').replaceChildren()")
        self.page.locator("#file").set_input_files(
            {"name": name, "mimeType": "", "buffer": text.encode()}
        )
        self.page.locator("#opened .notice").wait_for()

    def saved(self, press: Callable[[], object]) -> tuple[str, str]:
        """The name and the text of the file that somebody gets who presses a button."""
        with self.page.expect_download(timeout=60_000) as download:
            press()
        return download.value.suggested_filename, Path(download.value.path()).read_text()

    def made(self) -> dict[str, Any]:
        """The document of the file that is made."""
        _, text = self.saved(lambda: self.page.locator("button[type=submit]").click())
        document: dict[str, Any] = yaml.safe_load(text)
        return document

    def mistakes(self) -> list[str]:
        """What the page refuses; nothing where it makes the file."""
        self.page.locator("button[type=submit]").click()
        return self.page.locator("#mistakes:visible li").all_inner_texts()

    def without_key(self) -> None:
        """Choose that a file without a key is what is meant."""
        self.page.locator("#keyless").evaluate("box => { box.checked = true; }")

    def make_key(
        self, algorithm: str = "ES256", form: str = "encrypted", sentence: str = SENTENCE
    ) -> tuple[str, str]:
        """Make a pair; the private key's file."""
        self.page.locator("#algorithm").select_option(algorithm)
        self.page.locator("#format").select_option(form)
        if form == "encrypted":
            for name in ("passphrase", "again"):
                self.page.locator(f"#{name}").fill(sentence)
        saved = self.saved(lambda: self.page.locator("#make-key").click())
        expect(self.page.locator("#make-key")).to_be_enabled()
        return saved


@pytest.fixture(scope="session")
def html() -> str:
    return form_page(load_catalogue(ROOT / "catalogue"))


@pytest.fixture
def filled(browser: Browser, html: str, tmp_path: Path) -> Iterator[Filled]:
    """The page as a file, in Dutch."""
    file = tmp_path / "aansluiten.html"
    file.write_text(html)
    context = browser.new_context(
        offline=True, locale="nl-BE", viewport={"width": 1180, "height": 900}
    )
    filled = Filled(context.new_page())
    filled.page.on("console", lambda message: filled.complaints.append(message.text))
    filled.page.on("pageerror", lambda error: filled.complaints.append(str(error)))
    filled.page.on(
        "request",
        lambda request: (
            filled.complaints.append(request.url)
            if request.url.startswith(("http", "ws"))
            else None
        ),
    )
    filled.page.goto(file.as_uri())
    yield filled
    context.close()
    assert filled.complaints == []
