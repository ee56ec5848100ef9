"""The page in a browser that has no network: whatever it requests or complains of is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Page, Request, expect

from acmidm.form_page.page import form_page
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from tests.support.offered import catalogue_folder

SENTENCE = "paard batterij nietje"

KEEPING = """() => {
    HTMLAnchorElement.prototype.click = () => {};
    const create = URL.createObjectURL;
    URL.createObjectURL = (blob) => { globalThis.kept = blob.text(); return create(blob); };
}"""
"""What makes the page keep what it would save: a browser stops one that saves a file a second."""

_OPEN_EACH = """async (texts) => {
    const [field, notices] = ["file", "opened"].map((id) => document.getElementById(id));
    const outcomes = [];
    for (const text of texts) {
        const given = new DataTransfer();
        given.items.add(new File([text], "aansluiting-loket.yaml"));
        const isOpened = new Promise((done) => {
            new MutationObserver(done).observe(notices, { childList: true });
        });
        field.files = given.files;
        field.dispatchEvent(new Event("change", { bubbles: true }));
        await isOpened;
        globalThis.kept = null;
        document.querySelector("button[type=submit]").click();
        const mistakes = [...document.querySelectorAll("#mistakes:not([hidden]) li")];
        outcomes.push([mistakes.map((item) => item.innerText), await globalThis.kept]);
    }
    return outcomes;
}"""


@dataclass
class Filled:
    """Somebody who fills in the page."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def notice_request(self, request: Request) -> None:
        """Complain of a request of the page, of which there is none."""
        if request.url.startswith(("http", "ws")):
            self.complaints.append(request.url)

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

    def outcomes(self, documents: Iterable[object]) -> list[tuple[list[str], str | None]]:
        """Open each document and press the button, in the page itself; what it refuses, and the
        file that it makes.

        ``KEEPING`` comes first.
        """
        texts = [yaml.safe_dump(one, allow_unicode=True, sort_keys=False) for one in documents]
        return [(mistakes, kept) for mistakes, kept in self.page.evaluate(_OPEN_EACH, texts)]

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
    return form_page(load_catalogue(catalogue_folder()))


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Filled]:
    """A window without a network for the tests of a file: to open one takes Chromium longer than to
    load the page in it."""
    context = browser.new_context(offline=True, locale="nl-BE")
    window = Filled(context.new_page())
    window.page.on("console", lambda message: window.complaints.append(message.text))
    window.page.on("pageerror", lambda error: window.complaints.append(str(error)))
    window.page.on("request", window.notice_request)
    yield window
    context.close()


@pytest.fixture
def filled(window: Filled, html: str, tmp_path: Path) -> Iterator[Filled]:
    """The page as a file, in Dutch, as it is when somebody opens it."""
    file = tmp_path / "aansluiten.html"
    file.write_text(html)
    window.page.set_viewport_size({"width": 1180, "height": 900})
    window.page.emulate_media(color_scheme="light")
    window.page.goto(file.as_uri())
    yield window
    complaints = window.complaints.copy()
    window.complaints.clear()
    assert complaints == []
