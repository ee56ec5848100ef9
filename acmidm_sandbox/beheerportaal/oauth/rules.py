"""The rules of a token request, as `rules.yaml` has them: `checks.py` says when one is broken."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from acmidm_sandbox.beheerportaal.jwk import SIGNING_ALGORITHMS
from acmidm_sandbox.beheerportaal.limits import LONGEST_JTI

LONGEST_LIFETIME_SECONDS = 600
LONGEST_TOLERATED_SECONDS = 960 * 60
CLOCK_SKEW_SECONDS = 30
BLANKS = {
    "algorithms": ", ".join(SIGNING_ALGORITHMS),
    "clock_skew": CLOCK_SKEW_SECONDS,
    "longest_lifetime": LONGEST_LIFETIME_SECONDS,
    "tolerated_minutes": LONGEST_TOLERATED_SECONDS // 60,
    "longest_jti": LONGEST_JTI,
}
"""What a text can name."""


class RequestPart(StrEnum):
    """Where a rule looks: in the request, or in the header or the claims of its assertion."""

    REQUEST = "request"
    HEADER = "header"
    CLAIM = "claim"


class Demand(StrEnum):
    """What a platform wants."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    REFUSED = "refused"


class Basis(StrEnum):
    """How that is known: read in its documentation, seen in a public client, or neither."""

    DOCUMENTED = "documented"
    SEEN = "seen"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Ruling:
    """One platform's rule. `tolerated` is empty where the sandbox holds to it."""

    demand: Demand
    basis: Basis
    source: str
    tolerated: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A row; `rulings` has the platforms that know it.

    `answers` has the sentence and the error of each way to break it, `""` where there is one.
    """

    part: RequestPart
    text: str
    rulings: Mapping[str, Ruling]
    answers: Mapping[str, tuple[str, str]]


def _read_rules() -> Iterator[tuple[str, Rule]]:
    parts = yaml.safe_load(Path(__file__).with_name("rules.yaml").read_text("utf-8"))
    for part, rows in parts.items():
        for name, row in rows.items():
            text = row.pop("text").format(**BLANKS)
            answers = _answers(row.pop("answer", {}), row.pop("error", "invalid_client"))
            rulings = {}
            for platform, (demand, basis, *source) in row.items():
                ruling = Ruling(Demand(demand), Basis(basis), *source)
                for each in ("acmidm", "geosecure") if platform == "both" else (platform,):
                    rulings[each] = ruling
            yield name, Rule(RequestPart(part), text, rulings, answers)


def _answers(written: Any, error: str) -> dict[str, tuple[str, str]]:
    """Return the answers of a row, where those that are a text alone have this error."""
    by_way = written if isinstance(written, dict) else {"": written}
    answers = {}
    for way, answer in by_way.items():
        sentence, its_error = (answer, error) if isinstance(answer, str) else answer
        answers[way] = (sentence, its_error)
    return answers


RULES = dict(_read_rules())
