"""What a review of two revisions says of clients: what somebody checks of a new one, and what is a
danger by itself."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from tests.support.forms import PLAIN
from tests.support.repository import Repository, repository

__all__ = ["repository"]


SECRET = "client_secret_basic"
EXEMPT = {"client-secret": {"reason": "a package that knows no keys", "reference": "SD-4810"}}


AUTHENTICATES: dict[str, tuple[dict[str, Any], str]] = {
    "files": ({}, "private_key_jwt with keys in files"),
    "portal": ({"keys": ()}, "private_key_jwt with keys from the portal"),
    "secret": (
        {"keys": (), "token_endpoint_auth_method": SECRET, "exemptions": EXEMPT},
        f"uses a client secret ({SECRET})",
    ),
}


def test_the_line_of_a_new_client(repository: Repository) -> None:
    """Has its code, how it authenticates with which keys, and its contacts."""
    for name, (how, _) in AUTHENTICATES.items():
        repository.write(name, contacts=["evil@evil.example"], **how)
    found = repository.of_clients()
    for name, (_, authenticates) in AUTHENTICATES.items():
        said = f"is a new client: OVO002067; {authenticates}; contacts evil@evil.example"
        assert found[name]["client_created"]["text"] == said


NEW_CONTACTS = {
    "api@evil.example": "no other contact of its organisation is at evil.example",
    "api@niet-stad-gent.example": (
        "no other contact of its organisation is at niet-stad-gent.example"
    ),
    "api@büro.example": "no other contact of its organisation is at xn--bro-hoa.example",
    "stad-gent.example@GMail.com": "anybody can have an address at gmail.com",
    "stad-gent.example@\uff47mail.com": "anybody can have an address at gmail.com",
    **{
        f"stad-gent.example@{domain}": f"anybody can have an address at {domain}"
        for domain in (
            *("evil.telenet.be", "evil.fastmail.com", "yahoo.com.br", "yahoo.co.uk", "web.de"),
            *("yandex.com", "mailinator.com", "yopmail.com", "duck.com", "iemand.gmail.com"),
        )
    },
}
KNOWN_CONTACTS = [
    "api@live.stad-gent.example",
    "ander@Stad-Gent.example",
    "ander@it.stad-gent.example",
    "beheer@district.example",
    "beheer@leverancier.example",
]


def test_a_contact_of_a_domain_that_is_new_to_its_organisation(repository: Repository) -> None:
    """Its owners and suppliers are known, as ``main`` has them, but for a provider's domain. One
    line per contact, whatever else is new: one that is new makes no other known."""
    gent = "owners: [beheer@district.example, beheer@telenet.be]\n"
    for file, text in {"gent": gent, "bedrijf": "name: Bedrijf\n"}.items():
        path = repository.folder / "onboardings" / file / "organisation.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            (path.read_text() if path.exists() else "owners: [a@leverancier.example]\n") + text
        )
    mandate = "mandates: [{supplier: bedrijf, applications: [loket], until: 2999-12-31}]\n"
    (repository.folder / "onboardings" / "gent" / "mandates.yaml").write_text(mandate)
    repository.merge()
    contacts = [*NEW_CONTACTS, *KNOWN_CONTACTS]
    repository.write("nieuw", contacts=["een@stad-gent.example", *contacts])
    repository.form.document["contacts"] += contacts
    repository.form.save()
    connections = repository.report()["connections"]
    assert {connection["application"] for connection in connections} == {"loket", "nieuw"}
    for connection in connections:
        found = [one for one in connection["changes"] if one["kind"] == "contact_to_check"]
        assert {one["subject"]: one["note"] for one in found} == NEW_CONTACTS
        assert {one["severity"] for one in found} == {"warning"}


def test_keys_that_are_all_replaced_are_a_danger(repository: Repository) -> None:
    """Under the same kid or another: whoever has the new ones is the client. Contacts are told
    too."""
    before = json.loads((repository.form.path.parent / "loket-key-1.jwk.json").read_text())
    repository.form.request("prod")["jwks"].clear()
    repository.form.add_key("key-2", "prod")
    repository.form.document["contacts"] = ["evil@evil.example"]
    repository.form.save()
    found = repository.of_client("loket")
    assert found["keys_replaced"]["severity"] == "danger"
    old, new = found["keys_replaced"]["fields"]
    assert (old["field"], new["field"], "old" in new, "new" in old) == (
        "key-1",
        "key-2",
        False,
        False,
    )
    assert len(old["old"]) == 43
    assert before["kty"] == "EC"
    assert (
        found["client_updated"]["text"]
        == "is described anew: contacts api-beheer@stad-gent.example → evil@evil.example"
    )


def test_a_key_that_may_have_to_stay(repository: Repository) -> None:
    """Since when another has been there is in no file; that none stays which the client has already
    is."""

    def said(*names: str) -> str | None:
        repository.form.request("prod")["jwks"] = [f"loket-{name}.jwk.json" for name in names]
        repository.form.save()
        return repository.of_client("loket").get("key_may_stay", {}).get("text")

    repository.form.add_key("key-2", "prod")
    repository.form.save()
    repository.merge()
    knows = "; acmidm review --stack knows"
    assert (
        said("key-2")
        == 'may not lose "key-1" yet: it leaves once "key-2" has been there long enough and'
        f" works{knows}"
    )
    repository.form.add_key("key-3", "prod")
    assert (
        said("key-3")
        == 'may not lose "key-1", "key-2" yet: it leaves once a new one has been there a'
        f" while{knows}"
    )
    assert said("key-1", "key-2", "key-3") is None
    repository.set("prod", keyOverlapDays="0")
    repository.merge()
    assert said("key-3") is None


def test_a_takeover_is_a_danger(repository: Repository) -> None:
    """With the client-ID that it names; of a connection that was there too."""
    refused = (
        ", which the engine refuses where this connection has a client already; see"
        " docs/adoption.md"
    )
    for form, name in ((repository.write("nieuw"), "new"), (repository.form, "old")):
        form.request("prod")["adopt"] = {"acmidm": f"{name}-of-somebody-else"}
        form.save()
    found = repository.of_clients()
    for application, name, more in (("nieuw", "new", ""), ("loket", "old", refused)):
        adopted = found[application]["client_adopted"]
        assert (adopted["severity"], adopted["text"]) == (
            "danger",
            f"takes over the existing client {name}-of-somebody-else{more}",
        )


def test_what_goes_stops_a_pipeline(repository: Repository) -> None:
    """Each with its organisation, its form and what it had; so many at once are refused until
    somebody allows them."""
    repository.set("prod", protectClients="false")
    forms = [repository.write(f"app{number}", keys=()) for number in range(9)]
    repository.merge()
    for form in forms[:3]:
        form.path.unlink()
    review = repository.review("--fail-on", "danger", code=1)
    assert review.stdout.startswith("3 clients are removed on prod\n")
    assert (
        "Stad Gent · app0  OVO002067/app0, form gent/app0\n  danger   is removed, with its scopes,"
        " keys and products\n" in review.stdout
    )
    repository.review()
    forms[3].path.unlink()
    refused = repository.review(code=1)
    assert (
        "refused  4 clients of 10 on prod would be removed or replaced, more than 30%:"
        " OVO002067/app0, " in refused.stdout
    )
    assert all(f"OVO002067/app{number}" in refused.stderr for number in range(4))
    repository.review("--allow-mass-change")


def test_fail_on(repository: Repository) -> None:
    """A pipeline stops on the kinds that it names, and on a name that means nothing it does not
    pass."""
    repository.write("nieuw")
    for kinds, code in {
        "client_removed,danger": 0,
        "tni:scope_granted": 0,
        "prod:scope_granted": 1,
        "client_removed, warning": 1,
    }.items():
        repository.review("--fail-on", kinds, code=code)
    unknown = '--fail-on: "scope_grant" is no kind of change; did you mean "scope_granted"?\n'
    assert repository.review("--fail-on", "scope_grant", code=2).output == unknown
    assert (
        repository.review("--fail-on", "acc:danger", code=2).output
        == '--fail-on: environment "acc" is not known; use tni: or prod:\n'
    )
    assert repository.review("--fail-on", " , ", code=2).output.startswith(
        "--fail-on names no kind of change; use attributes_changed, "
    )


def test_forms_that_were_not_valid(repository: Repository) -> None:
    """Nobody sees which clients go with one; what is corrected, a key too, shows as new, and all
    else is compared."""
    gone, corrected, keyless = (repository.write(name) for name in ("gone", "corrected", "keyless"))
    for form in (gone, corrected):
        form.path.write_text(f"{form.path.read_text()}unheard_of: 1\n")
    jwk = keyless.path.with_name("keyless-key-1.jwk.json")
    text = jwk.read_text()
    jwk.write_text("{")
    repository.merge()
    gone.path.unlink()
    corrected.save()
    jwk.write_text(text)
    repository.form.document["contacts"] = ["loket@stad-gent.example"]
    repository.form.save()
    report = repository.report()
    (said,) = [change["text"] for change in report["other_changes"]]
    assert said.startswith(
        "also changes which forms there are: those that were not valid before go, with their"
        " clients: "
    )
    assert said.endswith("onboardings/gent/gone.yaml not valid → none")
    found = {
        (one["application"], change["kind"])
        for one in report["connections"]
        for change in one["changes"]
    }
    assert {one for one in found if one[1].startswith("client")} == {
        ("loket", "client_updated"),
        ("corrected", "client_created"),
        ("keyless", "client_created"),
    }
    assert report["headline"].endswith(
        "; 3 forms were not valid before: all that they have shows as new"
    )
    assert repository.review().stderr.splitlines() == [
        f"onboardings/gent/{name}.yaml was no valid form at main: all that it has shows as new"
        for name in ("corrected", "gone", "keyless")
    ]


def test_an_exemption_that_exempts_nothing(repository: Repository) -> None:
    """Reported as it becomes so, in any environment of the form, and then to whoever changes the
    form for another reason."""
    form = repository.write("oud", keys=(), token_endpoint_auth_method=SECRET, exemptions=EXEMPT)
    form.document["environments"]["tni"] = deepcopy(form.request("prod"))

    def changed(**fields: Any) -> set[tuple[str, str, str | None]]:
        """What a change of the form is once what it was is on ``main``."""
        repository.merge()
        form.document.update(fields)
        form.save()
        found = repository.report()["connections"]
        return {
            (one["environment"], change["kind"], change.get("subject"))
            for one in found
            for change in one["changes"]
        }

    form.save()
    updated = {(environment, "client_updated", None) for environment in ("prod", "tni")}
    unneeded = ("prod", "exemption_unneeded", "client-secret")
    assert changed(contacts=["loket@stad-gent.example"]) == updated, "on prod it is needed"
    method = changed(token_endpoint_auth_method="private_key_jwt")
    assert {one for one in method if one[1] == "exemption_unneeded"} == {unneeded}
    assert changed() == set(), "it does not nag"
    assert changed(contacts=["elders@stad-gent.example"]) == {*updated, unneeded}


def test_policies_check_what_is_declared_now(repository: Repository) -> None:
    """As the engine's program does: an exemption that is taken away from a client that needs it is
    a mistake, reported with its place."""
    form = repository.write("oud", keys=(), token_endpoint_auth_method=SECRET, exemptions=EXEMPT)
    repository.merge()
    del form.document["exemptions"]
    form.save()
    said = f"the client authenticates with {SECRET} on prod; use private_key_jwt"
    assert said in repository.review(code=2).stderr


PAST, SOON, LATER = "2020-12-31", "2998-06-30", "2998-12-31"


def test_a_scope_until_a_day(repository: Repository) -> None:
    """A scope is granted until a day, renewed, and lost where the day has passed; one that is
    wanted until a day that has passed is named, and not granted."""

    def told() -> list[tuple[str, str]]:
        found = repository.of_clients().get("loket", {})
        return [(kind, change["text"]) for kind, change in found.items()]

    [(_, request)] = repository.form.document["environments"].items()
    request["scopes"][PLAIN] = {"until": SOON}
    repository.form.save()
    assert told() == [
        ("scope_shortened", f"has scope {PLAIN} until {SOON}, and had it without an end")
    ]
    repository.merge()
    request["scopes"][PLAIN] = {"until": PAST}
    repository.form.save()
    assert [kind for kind, _ in told()] == ["scope_ended", "scope_withdrawn"]
    repository.merge()
    assert told() == []
    request["scopes"][PLAIN] = {"until": LATER}
    repository.form.save()
    [(kind, change)] = repository.of_clients()["loket"].items()
    assert kind == "scope_granted"
    assert f"gains scope {PLAIN} until {LATER}" in change["text"]
    assert change["until"] == LATER
