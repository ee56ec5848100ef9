"""Whatever the probe says is among its texts, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

import acmidm.probe
from acmidm.commands import probe as command
from acmidm.probe.mistakes import MISTAKES
from acmidm.probe.steps import Outcome
from acmidm_onboarding.texts import FOLDER
from acmidm_onboarding.values.terms import Environment

FILES = sorted(Path(acmidm.probe.__path__[0]).glob("*.py"))
SOURCE = "".join(file.read_text() for file in (*FILES, Path(command.__file__)))
QUOTED = set(re.findall(r'"([^"\n]*)"', SOURCE))
TEXTS = set(yaml.safe_load((FOLDER / "probe.nl.yaml").read_text("utf-8")))
FINDINGS = {name.removesuffix(".what") for name in TEXTS if name.endswith(".what")}
SHOWN_OTHERWISE = {"key:not registered"}
"""Mistakes whose every sentence has another name than theirs."""
COMPOSED = {
    *(f"at.{environment}" for environment in Environment),
    *(f"outcome.{outcome}" for outcome in Outcome),
    *(
        "found.none",
        "found.one",
        "found.many",
        *("all", "all.one", "all.many", "all.recorded", "all.recorded.one", "all.recorded.many"),
        "server",
        "why.bad key",
        "why.bad clock",
        "missing",
        "proxy:page",
        "proxy:no JSON",
    ),
    *("unreached:refused", "unreached:unknown", "unreached:otherwise"),
}
"""Names that the code puts together."""


def test_every_mistake_has_a_sentence_and_a_remedy() -> None:
    """Each row of the table, and each name in the code that looks like one."""
    rows = {row.id for row in MISTAKES}
    named = {name for name in QUOTED if re.fullmatch(r"[a-z_]+:[\w ]+", name)}
    assert rows | named <= FINDINGS | SHOWN_OTHERWISE
    assert {f"{name}.remedy" for name in FINDINGS} <= TEXTS


def test_every_text_is_said() -> None:
    """And what passed, or was not tried, has its text too."""
    assert {name for name in QUOTED if re.fullmatch(r"(said|why)\.[\w -]+", name)} <= TEXTS
    bare = {re.sub(r"\.(what|remedy)$|^step\.", "", name) for name in TEXTS}
    assert bare - QUOTED <= COMPOSED
