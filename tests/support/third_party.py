"""A type of authority of somebody else's: a package of its own, built and installed as pip does
it."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

PACKAGE = Path(__file__).parents[1] / "authorities" / "dictionary"
SETTINGS = {
    "authority": "dictionary",
    "registerName": "third-party",
    "issuer": "http://127.0.0.1:1/op",
    "productsUrl": "http://127.0.0.1:1/products/v1",
    "operatorClientId": "onboarding",
}


@cache
def dictionary_site() -> Path:
    """The folder that has its wheel installed, once per process; built from a copy, for a build
    leaves traces."""
    folder = Path(mkdtemp(prefix="acmidm-theirs-"))
    atexit.register(shutil.rmtree, folder)
    shutil.copytree(PACKAGE, folder / "package")
    _pip("wheel", "--no-build-isolation", "--wheel-dir", folder, folder / "package")
    _pip("install", "--target", folder / "site", *folder.glob("*.whl"))
    return folder / "site"


def _pip(command: str, *words: str | Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", command, "--quiet", "--no-index", "--no-deps", *words],
        check=True,
    )
