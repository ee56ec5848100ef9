"""Whole numbers are whole in whatever a provider hands to an adapter, also deep in a key or in what
was recorded: the engine sends them as floating point."""

from __future__ import annotations

from typing import Any

from pulumi.dynamic import CreateResult, ReadResult

from acmidm_onboarding.resources.base import AuthorityProvider, Properties

SENT = {"follows": 1767225600.0, "parts": {"jwks": {"a": {"exp": 1893456000.0, "of": [2.0]}}}}


class Recording(AuthorityProvider):
    """Keeps what its methods are given."""

    def __init__(self) -> None:
        self.given: list[Properties] = []

    def make(self, props: Properties) -> CreateResult:
        self.given.append(props)
        return CreateResult("id", {})

    def look(self, id_: str, props: Properties) -> ReadResult:
        self.given.append(props)
        return ReadResult(id_, {})

    def change(self, _id: str, olds: Properties, news: Properties) -> dict[str, Any]:
        self.given += [olds, news]
        return {}

    def remove(self, _id: str, props: Properties) -> None:
        self.given.append(props)


def test_each_method_gets_integers() -> None:
    provider = Recording()
    provider.create(SENT)
    provider.read("id", SENT)
    provider.update("id", SENT, SENT)
    provider.delete("id", SENT)
    whole = "{'follows': 1767225600, 'parts': {'jwks': {'a': {'exp': 1893456000, 'of': [2]}}}}"
    assert [str(dict(props)) for props in provider.given] == [whole] * 5
