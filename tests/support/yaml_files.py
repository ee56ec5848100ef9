"""YAML files by the library in C, which takes a tenth of the time: tests write one for each form
and each stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def read_yaml(file: Path) -> Any:
    return yaml.load(file.read_text(), Loader=yaml.CSafeLoader)


def write_yaml(file: Path, document: object, *, sort_keys: bool = True) -> None:
    file.write_text(yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=sort_keys))
