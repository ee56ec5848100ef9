"""What a review of two revisions says of clients: what somebody checks of a new one, and what is a danger by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.report.repository import Repository, repository

__all__ = ["repository"]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, "is a new client: OVO002067; private_key_jwt with keys in files; contacts evil@evil.example"),
        ({"keys": ()}, "is a new client: OVO002067; private_key_jwt with keys from the portal; contacts evil@evil.example"),
        (
            {
                "keys": (),
                "token_endpoint_auth_method": "client_secret_post",
                "exemptions": {"client-secret": {"reason": "x", "reference": "y"}},
            },
            "is a new client: OVO002067; uses a client secret (client_secret_post); contacts evil@evil.example",
        ),
    ],
    ids=["files", "portal", "secret"],
)
def test_the_line_of_a_new_client(repository: Repository, how: dict[str, Any], said: str) -> None:
    """Has its code, how it authenticates with which keys, and its contacts."""
    repository.write("nieuw", contacts=["evil@evil.example"], **how)
    assert repository.of_client("nieuw")["client_created"]["text"] == said


def test_keys_that_are_all_replaced_are_a_danger(repository: Repository) -> None:
    """Under the same kid or another: whoever has the new ones is the client. Contacts are told too."""
    before = json.loads((repository.form.path.parent / "loket-key-1.jwk.json").read_text())
    repository.form.request("prod")["jwks"].clear()
    repository.form.add_key("key-2", "prod")
    repository.form.document["contacts"] = ["evil@evil.example"]
    repository.form.save()
    found = repository.of_client("loket")
    assert found["keys_replaced"]["severity"] == "danger"
    old, new = found["keys_replaced"]["fields"]
    assert (old["field"], new["field"], "old" in new, "new" in old) == ("key-1", "key-2", False, False)
    assert len(old["old"]) == 43
    assert before["kty"] == "EC"
    assert found["client_updated"]["text"] == "is described anew: contacts api-beheer@stad-gent.example → evil@evil.example"


@pytest.mark.parametrize(
    ("name", "more"),
    [("nieuw", ""), ("loket", ", which the engine refuses where this connection has a client already; see docs/adoption.md")],
)
def test_a_takeover_is_a_danger(repository: Repository, name: str, more: str) -> None:
    """With the client-ID that it names; of a connection that was there too."""
    form = repository.write("nieuw") if name == "nieuw" else repository.form
    form.request("prod")["adopt"] = {"acmidm": "of-somebody-else"}
    form.save()
    adopted = repository.of_client(name)["client_adopted"]
    assert (adopted["severity"], adopted["text"]) == ("danger", f"takes over the existing client of-somebody-else{more}")


def test_half_of_the_forms_gone_is_a_danger(repository: Repository) -> None:
    """Each with its organisation, its form and what it had."""
    repository.git("switch", "--quiet", "main")
    repository.set("prod", protectClients="false")
    forms = [repository.write(f"app{number}") for number in range(3)]
    repository.commit()
    repository.git("switch", "--quiet", "--force-create", "change")
    for form in forms[:2]:
        form.path.unlink()
    review = repository.review("--fail-on", "danger", code=1)
    assert review.stdout.startswith("2 clients are removed on prod\n")
    assert "Stad Gent · app0  OVO002067/app0, form gent/app0\n  danger   is removed, with its scopes, keys and products\n" in review.stdout


def test_a_form_that_was_not_valid_and_goes_is_told(repository: Repository) -> None:
    """Nobody sees which clients go with it; what is corrected shows as new."""
    repository.git("switch", "--quiet", "main")
    gone, corrected = repository.write("gone"), repository.write("corrected")
    for form in (gone, corrected):
        form.path.write_text(f"{form.path.read_text()}unheard_of: 1\n")
    repository.commit()
    repository.git("switch", "--quiet", "--force-create", "change")
    gone.path.unlink()
    corrected.save()
    (said,) = repository.beside()
    assert said.startswith("also changes which forms there are: those that were not valid before go, with their clients: ")
    assert said.endswith("onboardings/gent/gone.yaml not valid → none")
