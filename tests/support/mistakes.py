"""Mistakes that somebody makes in the files of a form that was right. The form itself stays as it
was: saved again, it is mended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.support.forms import FormFile

Mistake = Callable[[FormFile], Path]
"""Makes a mistake, and returns the file that has it."""


def broken_yaml(form: FormFile) -> Path:
    form.path.write_text(f"{form.path.read_text()}\n  - [")
    return form.path


def unknown_field(form: FormFile) -> Path:
    return _with(form, colour="blue")


def platform_without_authority(form: FormFile) -> Path:
    """A stack alone says so, and no file by itself."""
    return _with(form, platforms=["acmidm", "geosecure"])


def keys_of_a_supplier(form: FormFile) -> Path:
    """In the file of the supplier, which all have that name it."""
    file = form.folder / "leverancier" / "keys.yaml"
    file.write_text("tni: [nothing-there.jwk.json]\n")
    return file


def _with(form: FormFile, **changes: Any) -> Path:
    form.path.write_text(yaml.safe_dump({**form.document, **changes}, sort_keys=False))
    return form.path
