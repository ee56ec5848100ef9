"""A real Chromium, headless, with accessibility checks; Debian's package drives it, nothing is
downloaded."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
# Root has no sandbox of its own in a container; the rest keeps Chromium from calling home.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # What Playwright turns off, for it counts no more beside another list; and the popup of an
    # address bar that nobody sees: a page of its own in each window, with a renderer, which took a
    # third of the browser's time.
    (
        "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,"
        "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,LensOverlay,"
        "MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,OptimizationHints,NetworkTimeServiceQuerying,AimEnabled,PreconnectToSearch"
    ),
)


def require_chromium() -> str:
    """The path of Chromium. Without it a test is skipped, but never in CI."""
    if CHROMIUM is None:
        reason = "chromium is not installed: on Debian, apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return CHROMIUM


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
    # The page's own policy keeps scripts of others out, axe among them: it is evaluated, not
    # loaded.
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"


def shot(page: Page, name: str, *, full: bool = True) -> None:
    """Keeps a screenshot where ACMIDM_SCREENSHOTS names a folder, for those who want to look."""
    folder = os.environ.get("ACMIDM_SCREENSHOTS")
    if folder:
        assert re.fullmatch(r"[a-z0-9-]+", name)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=full)
