"""The keys at the addresses that forms have: fetched, each address once, and checked as the keys in
files are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from acmidm.report.three_views import ClientDrift
from acmidm.terminal import working
from acmidm.words import WHOLE, plain
from acmidm_onboarding.authorities.http.pace import REQUESTS_AT_ONCE
from acmidm_onboarding.authorities.published_keys import fetch_keys, problems_of
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.documents import read_document
from acmidm_onboarding.forms.validation import split_sentence
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.keys import keys_of
from acmidm_onboarding.values.problems import Problem, Unusable
from acmidm_onboarding.values.terms import Environment

Fetched = Mapping[str, tuple[PublicJwk, ...] | str]
"""Per address its keys, or why they cannot be used."""


def fetched(addresses: Iterable[str]) -> Fetched:
    """Fetch the keys at each address."""

    def fetch(address: str) -> tuple[PublicJwk, ...] | str:
        try:
            return fetch_keys(address)
        except Unusable as error:
            return str(error)

    wanted = sorted(set(addresses))
    if not wanted:
        return {}
    with working(say("report.fetching")), ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(fetch, wanted), strict=True))


def problems_online(
    forms: Iterable[LoadedForm], profiles: Mapping[Environment, Profile]
) -> Iterator[Problem]:
    """Yield what is wrong with the keys at the addresses of forms, each at the line of its
    address."""
    wanted = [
        (loaded, environment, request.jwks_uri)
        for loaded in forms
        for environment, request in loaded.form.environments.items()
        if request.jwks_uri
    ]
    published, now = fetched(address for *_, address in wanted), datetime.now(UTC)
    for loaded, environment, address in wanted:
        document = read_document(Path.cwd() / loaded.file, loaded.file)
        profile = profiles.get(environment, Profile.ACMIDM)
        keys = published[address]
        for sentence in problems_of(keys, environment, profile, loaded.form.exemptions, now):
            what, remedy = split_sentence(f"{address} {sentence}")
            yield document.problem(("environments", environment.value, "jwks_uri"), what, remedy)


def look_at_published_keys(
    clients: Iterable[ClientDrift], profile: Profile, now: datetime
) -> list[str]:
    """Give each client at an authority the keys at the address that it declares; return what is
    wrong with them, a sentence each."""
    wanted = [
        (client, state)
        for client in clients
        if (state := client.declared or client.recorded) and state.jwks_uri
    ]
    published, problems = fetched(state.jwks_uri for _, state in wanted if state.jwks_uri), []
    for client, state in wanted:
        keys = published[state.jwks_uri or ""]
        if client.real and not isinstance(keys, str):
            client.real = replace(client.real, keys=keys_of({key.kid: key.members for key in keys}))
        sentences = problems_of(keys, state.environment, profile, state.exemptions, now)
        problems += [
            plain(f"{state.key}: {state.jwks_uri} {sentence}", WHOLE) for sentence in sentences
        ]
    return problems
