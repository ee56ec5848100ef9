"""Whether somebody may upload the keys that forms leave to the portal: steps 4 and 8 of the guide,
where the authority tells."""

from __future__ import annotations

from collections.abc import Iterable

import typer

from acmidm.words import first_of, plain
from acmidm_onboarding.authorities.errors import AuthorityError
from acmidm_onboarding.authorities.port import KnowsRights
from acmidm_onboarding.rules.mandates import has_ended
from acmidm_onboarding.rules.retirement import leaving_parts
from acmidm_onboarding.settings import InvalidSettings
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.terms import Platform


def missing_rights(stack: Stack, connections: Iterable[Declaration]) -> list[str]:
    """Return a sentence per organisation and platform where keys are left to the portal and nobody
    has the right *API-beheerder*, and one per platform that does not answer.

    Each authority that knows rights is read once per organisation. Connections that have left need
    no right. One platform that does not answer is not asked again.
    """
    waiting: dict[tuple[Platform, tuple[str, ...]], list[Declaration]] = {}
    """The connections whose keys are left to the portal, by platform and the codes of their
    organisation."""
    day = stack.now.date()
    for connection in connections:
        is_leaving = connection.platform in leaving_parts(connection, day)
        has_left = is_leaving or has_ended(connection, day)
        if connection.keys.declared is None and connection.codes and not has_left:
            waiting.setdefault((connection.platform, connection.codes), []).append(connection)
    # Nobody waits long for a warning.
    platforms = stack.authorities.platforms_briefly if waiting else {}
    sentences: list[str] = []
    down: set[Platform] = set()
    for (platform, codes), of_organisation in waiting.items():
        if platform not in platforms or platform in down:
            continue
        authority = platforms[platform].authority
        if not isinstance(authority, KnowsRights):
            continue
        try:
            is_missing = authority.administrators(codes) == 0
        except AuthorityError as error:
            down.add(platform)
            sentences.append(
                tr(
                    "whether somebody holds API-beheerder on {environment} could not be found out:"
                    " {error}",
                    environment=stack.forms.settings.environment,
                    error=error,
                )
            )
            continue
        if is_missing:
            applications = first_of([connection.application for connection in of_organisation])
            sentences.append(
                tr(
                    "{organisation} has nobody with the right API-beheerder on {environment}"
                    " ({platform}), who could upload the key of {applications} in the"
                    " Beheerportaal; ask its Lokale Beheerder, or phone 1700, choice 5",
                    organisation=plain(of_organisation[0].organisation),
                    environment=stack.forms.settings.environment,
                    platform=platform,
                    applications=applications,
                )
            )
    return sentences


def warn_of_missing_rights(stack: Stack, connections: Iterable[Declaration]) -> None:
    """Print the sentences of ``missing_rights`` on stderr, as warnings."""
    try:
        sentences = missing_rights(stack, connections)
    except InvalidSettings:  # the command reports them
        return
    for sentence in sentences:
        typer.echo(tr("warning: {sentence}", sentence=sentence), err=True)
