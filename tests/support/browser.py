"""A real Chromium, headless, with accessibility checks; Debian's package drives it, nothing is
downloaded."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.support.tools import require

CHROMIUM = shutil.which("chromium")
# Root has no sandbox of its own in a container; the rest keeps Chromium from calling home.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",  # draws without a process for that: a sixth of the browser's time
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # What Playwright turns off, for it counts no more beside another list; a renderer that waits
    # for the next page; and the popup of an address bar that nobody sees: a page of its own in each
    # window, with a renderer, which took a third of the browser's time.
    (
        "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess,"
        "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,LensOverlay,"
        "MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,OptimizationHints,NetworkTimeServiceQuerying,AimEnabled,PreconnectToSearch"
    ),
)


def require_chromium() -> str:
    """The path of Chromium."""
    require("Chromium", "apt-get install chromium", is_here=CHROMIUM is not None)
    return str(CHROMIUM)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for a with statement."""
    path = require_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def accessible(page: Page) -> None:
    """axe finds nothing against the page as it is."""
    _have_axe(page)
    _require_none(page, page.evaluate(_VIOLATIONS))
    contrasting(page)


def contrasting(page: Page) -> None:
    """axe finds that each text contrasts with what is behind it.

    That takes it longer than all other rules: in a process it is measured once for each way in
    which text is shown.
    """
    _have_axe(page)
    violations, looks = page.evaluate(_WITHOUT_CONTRAST, list(_contrasting))
    _require_none(page, violations)
    _contrasting.update(looks)


_contrasting: set[str] = set()
"""The ways of which that is known."""


def _have_axe(page: Page) -> None:
    # The page's own policy keeps scripts of others out, axe among them: it is evaluated, not
    # loaded.
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)


def _require_none(page: Page, violations: list[dict[str, Any]]) -> None:
    report = AxeResults({"violations": violations}).generate_report()
    assert not violations, f"{page.url}\n{report}"


_VIOLATIONS = """async () => {
    const rules = { "color-contrast": { enabled: false } };
    return (await axe.run({ resultTypes: ["violations"], rules })).violations;
}"""

# Contrast depends on a text's colour, what is behind it, and its size. One without a place on the
# screen is for screen readers. Of each way some are measured: axe leaves out what lies under
# something else.
_WITHOUT_CONTRAST = """async (contrasting) => {
    const behind = new Map([[null, ""]]);
    const shown = new Map();
    const isText = (node) => node.nodeType === Node.TEXT_NODE && node.data.trim();
    for (const element of document.querySelectorAll("*")) {
        const style = getComputedStyle(element);
        const own = `${style.backgroundColor} ${style.backgroundImage} ${style.opacity}`;
        const isClear = own === "rgba(0, 0, 0, 0) none 1";
        behind.set(element, (isClear ? "" : `, ${own}`) + behind.get(element.parentElement));
        const { width, right } = element.getBoundingClientRect();
        const isField = element.matches("button, input, select, textarea");
        if (width <= 1 || right <= 0) continue;
        if (!isField && ![...element.childNodes].some(isText)) continue;
        const { color, fontSize, fontWeight, textShadow } = style;
        const look = [color, fontSize, fontWeight, textShadow, behind.get(element)].join(" ");
        shown.set(look, [...(shown.get(look) ?? []), element]);
    }
    const looks = [...shown.keys()].filter((look) => !contrasting.includes(look));
    if (looks.length === 0) return [[], looks];
    const include = looks.flatMap((look) => shown.get(look).slice(0, 5));
    const options = { resultTypes: ["violations"], runOnly: ["color-contrast"] };
    return [(await axe.run({ include }, options)).violations, looks];
}"""


def tab_to(page: Page, name: str) -> None:
    """Presses Tab until what has the focus is called ``name``."""
    named = "e => e.labels?.length ? e.labels[0].innerText : e.innerText"
    for _ in range(60):
        page.keyboard.press("Tab")
        text = page.evaluate(f"({named})(document.activeElement)") or ""
        if " ".join(text.split()) == name:
            return
    raise AssertionError(f"the keyboard does not reach {name}")


READ_WHEN_RELEASED = """() => {
    const read = Blob.prototype.text;
    Blob.prototype.text = async function () {
        await new Promise((release, fail) => Object.assign(globalThis, { release, fail }));
        return read.call(this);
    };
}"""
"""What makes the reading of a file wait for ``release()``, or for ``fail()``, on the page."""


def click_now(button: Locator) -> None:
    """Click where a button is, as people do: also where nothing may be pressed there now."""
    button.scroll_into_view_if_needed()
    place = button.bounding_box()
    assert place is not None
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    button.page.mouse.click(x, y)


def shot(page: Page, name: str, *, full: bool = True) -> None:
    """Keeps a screenshot where ACMIDM_SCREENSHOTS names a folder, for those who want to look."""
    folder = os.environ.get("ACMIDM_SCREENSHOTS")
    if folder:
        assert re.fullmatch(r"[a-z0-9-]+", name)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=full)
