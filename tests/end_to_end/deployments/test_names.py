"""A connection is named by its organisation's code and its application: where its form is means
nothing, and ``formerly`` keeps its client under another name.

On one protecting stack, whose deployment looks first, as after a run that was cut off: with the
program, the engine's refresh would panic on an alias. Two connections that cannot both have the
name that they want keep their clients too: in a merger, a chain and a swap of names.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.client_secrets import has_access, secret_of
from tests.support.command_line import CommandLine
from tests.support.engine import Outcome
from tests.support.forms import DOSSIERS, PLAIN, SEND, FormFile, write_form
from tests.support.portal import RunningPortal
from tests.support.registry import Registry
from tests.support.together import OneStack, Script, kinds, own, together

pytestmark = pytest.mark.usefixtures("random_plugin")
RENAMED = ("etags", "application", "client_name", "software_id", "organisation")
"""What changes of a client with its name."""


@dataclass
class Names(OneStack):
    """A stack that protects its clients."""

    def clients_of(self, *forms: FormFile) -> list[dict[str, Any]]:
        """The one client of each form, with its keys, scopes and products, but for what a rename
        changes."""
        found = []
        for form in forms:
            named = self.registry.everything(form.application)[form.application]
            (client,) = [one for one in named if one["software_id"] == f"acmidm/tni/{form.key}"]
            found.append({name: value for name, value in client.items() if name not in RENAMED})
        return found

    def mistakes(self) -> list[str]:
        """What is wrong with the forms."""
        validated = self.project.acmidm("validate")
        assert validated.code != 0
        return validated.output.splitlines()


@pytest.fixture(scope="module")
def at(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Names:
    return Names.connected(tmp_path_factory, portal, registry, protectClients=True)


def move(form: FormFile, name: str, organisation: dict[str, Any], **changes: Any) -> None:
    """Move a form to the folder of another organisation, with its keys."""
    old = form.path
    files = [form.path.with_name(file) for file in form.request()["jwks"]]
    form.name, form.organisation = name, organisation
    form.document |= changes
    form.request()["jwks"] = [f"uit-{file.name}" for file in files]
    form.save()
    old.unlink()
    for file in files:
        file.rename(form.path.with_name(f"uit-{file.name}"))


def rename(form: FormFile, application: str, formerly: str | None = None) -> None:
    form.document["application"] = application
    form.document.pop("formerly", None)
    if formerly:
        form.document["formerly"] = formerly
    form.save()


def steps(shown: dict[str, tuple[str, list[str]]], *forms: FormFile) -> set[str]:
    """What a preview does with resources of these forms."""
    return {step for step, _ in own(shown, *forms).values()}


@together
def test_names_of_forms_and_folders_mean_nothing(at: Names) -> Script:
    """What is granted by hand shows beneath another name of the form: nothing is withdrawn that no
    preview has shown."""
    form = write_form(at.forms, "vroeger/loket", scopes=(SEND, DOSSIERS))
    yield at.up
    before = at.clients_of(form)
    form.rename("vroeger/anders")
    (at.forms / "vroeger").rename(at.forms / "nu")
    client_id = before[0]["client_id"]
    at.registry.set_scopes(client_id, [SEND, DOSSIERS, PLAIN])
    shown = yield at.looking_preview
    assert own(shown, form) == {f"ClientScopes {form.key}": ("update", [f"scopes.{PLAIN}"])}
    at.registry.set_scopes(client_id, [SEND, DOSSIERS])
    yield at.up
    assert at.clients_of(form) == before
    yield at.up
    assert own((yield at.settled), form) == {}


@together
def test_another_application_keeps_the_client_and_its_secret(at: Names) -> Script:
    """Once it is carried out, ``formerly`` may go."""
    form = write_form(
        at.forms,
        "gent/balie",
        scopes=(SEND,),
        keys=(),
        token_endpoint_auth_method="client_secret_basic",
    )
    yield at.up
    before, old = at.clients_of(form), form.application
    secret = secret_of(at.project, form)
    rename(form, f"{old}-nieuw", old)
    assert steps((yield at.looking_preview), form) == {"update"}
    done = yield at.up
    assert done.code == 0, done.output
    assert at.clients_of(form) == before
    assert at.registry.clients(old) == []
    assert secret_of(at.project, form) == secret
    assert has_access(at.portal, before[0]["client_id"], secret)
    del form.document["formerly"]
    form.save()
    yield at.up
    assert own((yield at.settled), form) == {}


@together
def test_another_code_of_the_organisation_keeps_the_client(at: Names) -> Script:
    form = write_form(at.forms, "ander/loket")
    yield at.up
    before = at.clients_of(form)
    form.organisation |= {"ovo": "OVO002068", "formerly": form.code}
    form.save()
    assert steps((yield at.looking_preview), form) == {"update"}
    yield at.up
    assert at.clients_of(form) == before
    yield at.up
    assert own((yield at.settled), form) == {}


@together
def test_two_organisations_with_the_same_application_merge(at: Names) -> Script:
    """A whole earlier key keeps the one client, the code beside it another that has its name; the
    lines may go afterwards."""
    name = f"loket-{uuid.uuid4().hex[:12]}"
    into: dict[str, Any] = {"name": "Fusie", "ovo": "OVO000810"}
    merged = {"name": "Oud", "ovo": "OVO000820"}
    ours = write_form(at.forms, "fusie/loket", application=name, organisation=into)
    theirs = write_form(
        at.forms, "oud/loket", application=name, scopes=(SEND, DOSSIERS), organisation=merged
    )
    desk = write_form(at.forms, "oud/balie", organisation=merged)
    git = CommandLine(at.project)
    git.keep_in_git()
    yield at.up
    before = at.clients_of(ours, theirs, desk)
    into["formerly"] = [merged["ovo"], f"{merged['ovo']}/{name}"]
    move(theirs, "fusie/loket-oud", into, application=f"{name}-oud", formerly=name)
    move(desk, "fusie/balie", into)
    (at.forms / "oud" / "organisation.yaml").unlink()
    (at.forms / "oud").rmdir()
    review = git.review_of_forms("--environment", "tni")
    assert kinds(review, ours) == []
    assert kinds(review, theirs) == kinds(review, desk) == ["client_renamed", "client_updated"]
    assert not any("another client" in note for note in review["notes"])
    assert steps((yield at.looking_preview), ours, theirs, desk) == {"update"}
    yield at.up
    assert at.clients_of(ours, theirs, desk) == before
    assert [len(at.registry.clients(form.application)) for form in (ours, theirs, desk)] == [1] * 3
    del into["formerly"], theirs.document["formerly"]
    theirs.save()
    yield at.up
    assert own((yield at.settled), ours, theirs, desk) == {}


@together
def test_a_chain_of_names_takes_two_runs(at: Names) -> Script:
    """One connection gets the name that another has, which gets a third: what is refused says how
    both keep their clients."""
    one, two, three = (f"{name}-{uuid.uuid4().hex[:8]}" for name in ("een", "twee", "drie"))
    first, second = (write_form(at.forms, f"gent/{name}", application=name) for name in (one, two))
    yield at.up
    before = at.clients_of(first, second)
    rename(second, three, two)
    rename(first, two, one)
    (sentence,) = [line for line in at.mistakes() if "two deployments" in line]
    assert sentence.endswith(
        f"{second.code}/{two} is still declared by onboardings/{first.name}.yaml; two that get"
        " another name take two deployments: first give that form an application that no form has"
        f" and run acmidm deploy, then give it {two} with that one under formerly, and remove this"
        " line; or remove it, if it is a copy"
    )
    rename(first, f"{one}-tijdelijk", one)
    done: Outcome = yield at.up
    assert done.code == 0, done.output
    rename(first, two, f"{one}-tijdelijk")
    rename(second, three)
    done = yield at.up
    assert done.code == 0, done.output
    assert at.clients_of(first, second) == before
    assert at.registry.clients(one) == at.registry.clients(f"{one}-tijdelijk") == []
    assert own((yield at.settled), first, second) == {}
