"""People at the web interface of a portal under test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from story.person import PortalVisitor
from tests.support.people import add_user
from tests.support.portal import RunningPortal
from tests.support.trust import TRUSTED

GENT = "OVO002067"


def anybody(portal: RunningPortal, **headers: str) -> PortalVisitor:
    """Someone who has not logged on."""
    return PortalVisitor(
        httpx.Client(
            base_url=portal.origin, headers=headers, timeout=30, trust_env=False, verify=TRUSTED
        )
    )


def person(
    portal: RunningPortal,
    name: str,
    organisation: Sequence[str] = (GENT,),
    *,
    api_beheerder: bool = True,
    **more: Any,
) -> PortalVisitor:
    """A new user, logged on; `more` are further keywords of `add_user`."""
    somebody = anybody(portal)
    somebody.name = name
    somebody.password = add_user(
        portal.settings.database, name, organisation, api_beheerder=api_beheerder, **more
    )
    assert somebody.log_on().status_code == 303
    return somebody


def cookies_of(answer: httpx.Response) -> Mapping[str, str]:
    """The cookies that an answer sets, each with its attributes."""
    return {
        line.partition("=")[0]: line.partition("=")[2]
        for line in answer.headers.get_list("set-cookie")
    }
