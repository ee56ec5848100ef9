"""Connections that leave, or get another name, on one protecting stack.

They leave announced, are taken down from their day on in two runs, or are let go where their form
keeps the client. What protection holds up is what nobody retired. A connection is named by its
organisation's code and its application: where its form is means nothing, and ``formerly`` keeps its
client under another name. Two that cannot both have the name that they want keep their clients too:
in a merger and in a chain of names.

The first two runs are an ``up``, and the third ``acmidm deploy``, which goes on where that is due.
What a review says of the first is in ``reports/test_sources.py``.

Commands are run from a folder below the project, with a stack by its whole name and a setting that
is encrypted: scopes were withdrawn there, and the client was left for ever.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.support.client_secrets import has_access, secret_of
from tests.support.command_line import CommandLine
from tests.support.engine import Outcome
from tests.support.forms import DOSSIERS, PLAIN, SEND, FormFile, write_form
from tests.support.leaving import Leaving, granted, is_protected
from tests.support.portal import RunningPortal
from tests.support.registry import Registry, kids
from tests.support.retired import DUE, KEPT, retire
from tests.support.together import Script, differing, kinds, own, together

pytestmark = pytest.mark.usefixtures("random_plugin")
COMING = "2999-03-31"
PRODUCTS = ("notificaties", "dosis")
RENAMED = ("etags", "application", "client_name", "software_id", "organisation")
"""What changes of a client with its name."""
NOBODYS = {"software_id": None, "managed_by": None, "keys_declared": False}


@pytest.fixture(scope="module")
def at(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Leaving:
    made = Leaving.connected(tmp_path_factory, portal, registry, protectClients=True)
    made.project.succeed("config", "set", "--secret", "acmidm:issuer", portal.issuer)
    return made


def needs_nothing_more(at: Leaving, form: FormFile) -> Script:
    """From the first deployment on, no run and no report finds anything more to do."""
    assert differing((yield at.drift), form) == []
    there = at.there(form)
    yield at.up
    assert at.there(form) == there
    assert own((yield at.settled), form) == {}


@together
def test_what_is_announced_stays_until_its_day(at: Leaving) -> Script:
    """Reports name the day."""
    form = at.form("coming")
    yield at.up
    before = at.client(form)
    retire(form, COMING)
    yield at.up
    assert at.client(form) == before
    listed = at.project.acmidm("status", "--stack", "tni", form.application).stdout
    assert f"leaves {COMING}" in " ".join(listed.split())
    form.document["contacts"] = ["loket@stad-gent.example"]
    form.save()
    reviewed = yield at.review
    assert kinds(reviewed, form) == ["retirement_coming", "client_updated"]
    yield at.deploy
    assert at.client(form) == {**before, "contacts": ["loket@stad-gent.example"]}
    assert is_protected(at, form)
    yield from needs_nothing_more(at, form)


@together
def test_the_first_run_withdraws_scopes_and_the_second_removes_the_client(
    at: Leaving,
) -> Script:
    """Also after a run that was cut off between the two. No run does anything more of it."""
    form = at.form("whole")
    yield at.up
    before = at.client(form)
    retire(form)
    yield at.up
    after = at.client(form)
    assert granted(after) == []
    assert {**after, "scopes": before["scopes"]} == before
    reviewed = yield at.review
    assert kinds(reviewed, form) == ["client_removed"]
    yield at.deploy
    configurations = [at.registry.configuration(name, before["client_id"]) for name in PRODUCTS]
    assert (at.there(form), configurations) == (None, [None, None])
    yield at.up
    assert at.there(form) is None
    form.path.unlink()
    assert own((yield at.settled), form) == {}


@together
def test_a_day_that_is_taken_away_between_the_two_runs_gives_all_back(at: Leaving) -> Script:
    form = at.form("back")
    yield at.up
    before = at.client(form)
    retire(form)
    yield at.up
    assert granted(at.client(form)) == []
    del form.document["retire"]
    form.save()
    yield at.deploy
    assert at.client(form) == before
    assert is_protected(at, form)
    yield from needs_nothing_more(at, form)


@together
def test_a_product_leaves_with_its_scopes_alone(at: Leaving) -> Script:
    """Its lines may go afterwards."""
    form = at.form("product")
    yield at.up
    before = at.client(form)
    retire(form, {"dosis": DUE})
    yield at.up
    after = at.client(form)
    assert granted(after) == [SEND]
    assert {**after, "scopes": before["scopes"]} == before
    yield at.deploy
    assert at.client(form) == {**after, "products": {**before["products"], "dosis": None}}
    assert is_protected(at, form)
    assert differing((yield at.drift), form) == []
    del form.document["retire"], form.request()["products"]["dosis"]
    del form.request()["scopes"][DOSSIERS]
    form.save()
    yield at.up
    assert own((yield at.settled), form) == {}


@together
def test_one_deployment_does_both_runs(at: Leaving) -> Script:
    """Its day is the only thing that has changed."""
    form = at.form("at-once")
    yield at.up
    client_id = at.client(form)["client_id"]
    assert at.token(form, client_id) == 200
    yield at.up
    retire(form)
    done = yield at.deploy
    assert done.code == 0, done.output
    (sentence,) = [line for line in done.stderr.splitlines() if "a second run goes on" in line]
    assert form.key in sentence
    configurations = [at.registry.configuration(name, client_id) for name in PRODUCTS]
    assert (at.there(form), configurations) == (None, [None, None])
    assert at.token(form, client_id) == 401
    assert differing((yield at.drift), form) == []


@together
def test_what_was_let_go_is_nobodys_and_adopt_takes_it_back(at: Leaving) -> Script:
    """It keeps its scopes and works on. It is listed as made by hand, and no drift."""
    form = at.form("kept")
    yield at.up
    before = at.client(form)
    client_id = before["client_id"]
    retire(form, KEPT)
    yield at.up
    assert at.client(form) == before
    reviewed = yield at.review
    assert kinds(reviewed, form) == ["client_let_go"]
    yield at.deploy
    assert at.client(form) == {**before, **NOBODYS}
    assert at.token(form, client_id) == 200
    assert not any(form.key in place for place in at.resources())
    documents = [at.registry.product_document(name, client_id) for name in PRODUCTS]
    marks = [(one["software_id"], one["managed_by"]) for one in documents if one]
    assert marks == [(None, None), (None, None)]
    found = yield at.drift
    assert differing(found, form) == []
    (listed,) = [one for one in found["undeclared"] if one["client_id"] == client_id]
    assert listed.get("made_by") is listed.get("software_id") is None
    assert listed["products"] == []

    del form.document["retire"]
    form.request()["adopt"] = {"acmidm": client_id}
    form.save()
    yield at.up
    assert at.client(form) == before
    assert is_protected(at, form)
    assert own((yield at.settled), form) == {}


@together
def test_a_form_that_goes_between_the_two_runs_lets_its_client_go(at: Leaving) -> Script:
    """The first run has recorded that it stays."""
    form = at.form("form-gone")
    yield at.up
    client_id = at.client(form)["client_id"]
    retire(form, KEPT)
    yield at.up
    form.path.unlink()
    yield at.deploy
    assert at.is_nobodys(client_id)


@together
def test_a_compromised_key_goes_before_the_client_is_let_go(at: Leaving) -> Script:
    """Also one that is marked between the two runs: the same command goes on until it has gone."""
    form = at.form("compromised", keys=("key-1", "key-2"))
    yield at.up
    client_id = at.client(form)["client_id"]
    retire(form, KEPT)
    yield at.up
    stolen, good = form.request()["jwks"]
    form.request()["jwks"] = [{"file": stolen, "compromised": True}, good]
    form.save()
    yield at.deploy
    assert kids(at.client(form)) == {"key-2"}
    assert at.is_nobodys(client_id)
    assert not any(form.key in place for place in at.resources())


@together
def test_a_day_that_is_called_off_between_the_two_runs_keeps_it_ours(at: Leaving) -> Script:
    form = at.form("called-off")
    yield at.up
    before = at.client(form)
    retire(form, KEPT)
    yield at.up
    del form.document["retire"]
    form.save()
    reviewed = yield at.review
    assert kinds(reviewed, form) == ["retirement_called_off", "protection_restored"]
    yield at.deploy
    assert at.client(form) == before
    yield from needs_nothing_more(at, form)


@together
def test_what_another_has_taken_over_meanwhile_stays_as_it_is(at: Leaving) -> Script:
    """Its marks are another's: they are not ours to take off."""
    form = at.form("taken-over")
    yield at.up
    retire(form, KEPT)
    yield at.up
    client_id = at.client(form)["client_id"]
    at.registry.change(client_id, software_id="acmidm/tni/ander", managed_by="ander/tni")
    done = yield at.deploy
    assert f"client {client_id} is left where it is" in done.output
    assert at.client(form)["managed_by"] == "ander/tni"


@together
def test_what_is_removed_and_protected_stays(at: Leaving) -> Script:
    """A form, and a product of another: after the refusal authority and state have both, and
    reverting is enough."""
    form, other = at.form("protected"), at.form("protected-product")
    yield at.up
    yield at.up
    yield at.deploy
    before, resources = [at.client(form), at.client(other)], at.resources()
    form.path.unlink()
    dosis, scope = other.request()["products"].pop("dosis"), other.request()["scopes"].pop(DOSSIERS)
    other.save()
    refused = yield at.up
    assert refused.code != 0
    assert "because it is protected" in refused.output
    for one in (form, other):
        assert f'{one.key}/dosis" cannot be deleted' in refused.output
    kept = at.resources()
    stay = [place for place in resources if form.key in place or f"{other.key}/dosis" in place]
    assert {place: kept[place] for place in stay} == {place: resources[place] for place in stay}
    assert at.client(form) == before[0]
    assert at.registry.configuration("dosis", before[1]["client_id"]) == dosis

    other.request()["products"]["dosis"], other.request()["scopes"][DOSSIERS] = dosis, scope
    other.save()
    form.save()
    assert at.client(form) == before[0]
    left = own((yield at.settled), form, other)
    assert left.keys() <= {f"ClientScopes {other.key}"}, "a scope that went comes back"


@together
def test_what_the_state_has_lost_leaves_all_the_same(at: Leaving) -> Script:
    """Another client is in the state, so that a bare ``up`` takes it for one that has left;
    ``acmidm deploy`` asks the authority."""
    form = at.form("lost")
    yield at.up
    at.project.lose(form)
    retire(form)
    left_behind = (yield at.drift)["left_behind"]
    assert at.client(form)["client_id"] in {one["client_id"] for one in left_behind}
    yield at.up
    assert granted(at.client(form)) != []
    yield at.deploy
    assert at.there(form) is None
    yield from needs_nothing_more(at, form)


@together
def test_a_mandate_that_ends_takes_what_the_state_has_lost(at: Leaving) -> Script:
    """The supplier's key works until then: one run takes the client over without its scopes, the
    next one takes the key."""
    form = at.form("lent")
    form.use_supplier("theirs")
    yield at.up
    client_id = at.client(form)["client_id"]
    yield at.up
    form.use_supplier("theirs", until="2020-12-31")
    at.project.lose(form)
    done = yield at.deploy
    assert "the mandate of leverancier ended on 2020-12-31" in done.stderr
    there = at.client(form)
    assert (there["client_id"], granted(there)) == (client_id, [])
    yield at.up
    assert kids(at.client(form)) == set(), "at the latest: a deployment may have gone on to this"
    assert own((yield at.settled), form) == {}


def clients_of(at: Leaving, *forms: FormFile) -> list[dict[str, Any]]:
    """The one client of each form, with its keys, scopes and products, but for what a rename
    changes."""
    found = []
    for form in forms:
        named = at.registry.everything(form.application)[form.application]
        (client,) = [one for one in named if one["software_id"] == f"acmidm/tni/{form.key}"]
        found.append({name: value for name, value in client.items() if name not in RENAMED})
    return found


def mistakes(at: Leaving) -> list[str]:
    """What is wrong with the forms."""
    validated = at.project.acmidm("validate")
    assert validated.code != 0
    return validated.output.splitlines()


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
def test_names_of_forms_and_folders_mean_nothing(at: Leaving) -> Script:
    """What is granted by hand shows beneath another name of the form: nothing is withdrawn that no
    preview has shown."""
    form = write_form(at.forms, "vroeger/loket", scopes=(SEND, DOSSIERS))
    yield at.up
    before = clients_of(at, form)
    form.rename("vroeger/anders")
    (at.forms / "vroeger").rename(at.forms / "nu")
    client_id = before[0]["client_id"]
    at.registry.set_scopes(client_id, [SEND, DOSSIERS, PLAIN])
    shown = yield at.looking_preview
    assert own(shown, form) == {f"ClientScopes {form.key}": ("update", [f"scopes.{PLAIN}"])}
    at.registry.set_scopes(client_id, [SEND, DOSSIERS])
    yield at.up
    assert clients_of(at, form) == before
    yield at.deploy
    assert own((yield at.settled), form) == {}


@together
def test_another_application_keeps_the_client_and_its_secret(at: Leaving) -> Script:
    """Once it is carried out, ``formerly`` may go."""
    form = write_form(
        at.forms,
        "gent/balie",
        scopes=(SEND,),
        keys=(),
        token_endpoint_auth_method="client_secret_basic",
    )
    yield at.up
    before, old = clients_of(at, form), form.application
    secret = secret_of(at.project, form)
    rename(form, f"{old}-nieuw", old)
    assert steps((yield at.looking_preview), form) == {"update"}
    done = yield at.up
    assert done.code == 0, done.output
    assert clients_of(at, form) == before
    assert at.registry.clients(old) == []
    assert secret_of(at.project, form) == secret
    assert has_access(at.portal, before[0]["client_id"], secret)
    del form.document["formerly"]
    form.save()
    yield at.deploy
    assert own((yield at.settled), form) == {}


@together
def test_another_code_of_the_organisation_keeps_the_client(at: Leaving) -> Script:
    form = write_form(at.forms, "ander/loket")
    yield at.up
    before = clients_of(at, form)
    form.organisation |= {"ovo": "OVO002068", "formerly": form.code}
    form.save()
    assert steps((yield at.looking_preview), form) == {"update"}
    yield at.up
    assert clients_of(at, form) == before
    yield at.deploy
    assert own((yield at.settled), form) == {}


@together
def test_two_organisations_with_the_same_application_merge(at: Leaving) -> Script:
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
    before = clients_of(at, ours, theirs, desk)
    into["formerly"] = [merged["ovo"], f"{merged['ovo']}/{name}"]
    move(theirs, "fusie/loket-oud", into, application=f"{name}-oud", formerly=name)
    move(desk, "fusie/balie", into)
    (at.forms / "oud" / "organisation.yaml").unlink()
    (at.forms / "oud").rmdir()
    review = git.review_of_forms("--environment", "tni", "--allow-mass-change")
    assert kinds(review, ours) == []
    assert kinds(review, theirs) == kinds(review, desk) == ["client_renamed", "client_updated"]
    assert not any("another client" in note for note in review["notes"])
    assert steps((yield at.looking_preview), ours, theirs, desk) == {"update"}
    yield at.up
    assert clients_of(at, ours, theirs, desk) == before
    assert [len(at.registry.clients(form.application)) for form in (ours, theirs, desk)] == [1] * 3
    del into["formerly"], theirs.document["formerly"]
    theirs.save()
    yield at.deploy
    assert own((yield at.settled), ours, theirs, desk) == {}


@together
def test_a_chain_of_names_takes_two_runs(at: Leaving) -> Script:
    """One connection gets the name that another has, which gets a third: what is refused says how
    both keep their clients."""
    one, two, three = (f"{name}-{uuid.uuid4().hex[:8]}" for name in ("een", "twee", "drie"))
    first, second = (write_form(at.forms, f"gent/{name}", application=name) for name in (one, two))
    yield at.up
    before = clients_of(at, first, second)
    rename(second, three, two)
    rename(first, two, one)
    (sentence,) = [line for line in mistakes(at) if "two deployments" in line]
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
    done = yield at.deploy
    assert done.code == 0, done.output
    assert clients_of(at, first, second) == before
    assert at.registry.clients(one) == at.registry.clients(f"{one}-tijdelijk") == []
    assert own((yield at.settled), first, second) == {}
