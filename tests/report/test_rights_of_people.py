"""Whether somebody may upload the keys that forms leave to the portal, where no authority answers,
or none can tell."""

from __future__ import annotations

from dataclasses import replace

from acmidm.report.rights import missing_rights
from acmidm_onboarding.authorities.port import KnowsRights
from acmidm_onboarding.values.terms import Platform
from tests.support.changed import changed
from tests.support.declared_connection import CONNECTION
from tests.support.unanswered_stack import stack

_IN_PORTAL = changed(CONNECTION, keys=None, codes=("OVO002067",))


def test_an_authority_that_is_down_is_one_line() -> None:
    """However many organisations wait for it; and nothing fails."""
    another = replace(_IN_PORTAL, codes=("OVO001992",))
    (sentence,) = missing_rights(stack(), [_IN_PORTAL, another])
    assert sentence.startswith(
        "whether somebody holds API-beheerder on tni could not be found out: "
    )


def test_who_needs_no_right_and_an_authority_that_cannot_tell_are_not_asked() -> None:
    assert missing_rights(stack(), [CONNECTION, replace(_IN_PORTAL, codes=())]) == []
    assert (
        missing_rights(
            stack(),
            [
                changed(_IN_PORTAL, retire={"acmidm": "2020-03-31"}),
                changed(_IN_PORTAL, retire={"acmidm": "2020-03-31"}, keep=True),
            ],
        )
        == []
    )
    assert missing_rights(stack(), [replace(_IN_PORTAL, platform=Platform.GEOSECURE)]) == []
    keycloak = stack(
        authority="keycloak",
        managementUrl="http://127.0.0.1:1/admin/realms/r",
        issuer="http://127.0.0.1:1/realms/r",
    )
    assert missing_rights(keycloak, [_IN_PORTAL]) == []
    assert not isinstance(keycloak.authorities.platforms[Platform.ACMIDM].authority, KnowsRights)
