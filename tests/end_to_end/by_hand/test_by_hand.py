"""A stack whose authority people change by hand, from its first orders to the day its authority has
an API: real clients, at a real portal that the project does not reach.

The cases share the stack, which protects its clients. Each waits for the same runs: up, up, deploy,
and a deployment with the API.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from acmidm.orders.writing import confirm
from acmidm_onboarding.rules.orders import Order
from acmidm_onboarding.stack import Stack
from tests.support import by_hand_stack
from tests.support.by_hand import adopt, made_by_hand
from tests.support.command_line import CommandLine
from tests.support.confirmed import BY
from tests.support.engine import Outcome, Project, settings_of
from tests.support.forms import DOSSIERS, PLAIN, SEND, FormFile
from tests.support.handing_over import mailing
from tests.support.mail_server import MailServer, running_mail_server
from tests.support.named_forms import changes_of, write
from tests.support.portal import RunningPortal
from tests.support.registry import Registry
from tests.support.together import OneStack, Script, change_list, together

CONFIRMED = Path("confirmed/tni/acmidm")
BY_HAND: dict[str, object] = {"authority": "by_hand", "confirmedFolder": str(CONFIRMED)}


@dataclass(kw_only=True)
class ByHand(OneStack):
    """And the person who carries its orders out at the portal."""

    mails: MailServer

    writes: ClassVar[Collection[str]] = (*OneStack.writes, "deploy_with_an_api")

    @property
    def acmidm(self) -> CommandLine:
        return CommandLine(self.project)

    @property
    def stack(self) -> Stack:
        state = json.loads(self.project.exported())
        return by_hand_stack.opened(state, name=self.project.stack)

    def orders(self, form: FormFile) -> list[Order]:
        """What is ordered of a form's client."""
        with chdir(self.project.folder):
            return by_hand_stack.orders_of(self.stack, form.key)

    def parts(self, form: FormFile) -> list[str]:
        """The parts of that client that something is ordered of."""
        return [order.part for order in self.orders(form)]

    def carry_out(self, form: FormFile, client_id: str = "") -> None:
        """Confirm each order of a form's client, until there is none."""
        with chdir(self.project.folder):
            by_hand_stack.carry_out(self.stack, client_id, form.key)

    def say(self, *words: str) -> None:
        """Confirm by the command line."""
        said = self.acmidm.run("orders", *words, "--stack", "tni", "--by", BY.by)
        assert said.code == 0, said.output

    def there(self, name: str, **how: Any) -> tuple[FormFile, str]:
        """A form whose client somebody made at the portal and confirmed, and its client-ID."""
        form = write(self.project, name, **{"scopes": (PLAIN,), **how})
        client_id = made_by_hand(self.registry, form)
        self.carry_out(form, client_id)
        return form, client_id

    def confirmation(self, form: FormFile) -> Path:
        return self.project.folder / CONFIRMED / form.code / f"{form.application}.yaml"

    def is_recorded(self, form: FormFile) -> bool:
        """Whether the state has a form's client."""
        return f"OAuthClient {form.key}" in self.project.resources()

    def scopes(self, form: FormFile) -> dict[str, str]:
        """Those that the state has, with their reasons."""
        inputs = self.project.resources()[f"ClientScopes {form.key}"]["inputs"]
        return dict(inputs["scopes"])

    def of_client(self, form: FormFile) -> dict[str, Any]:
        """What the portal has of a form's client and of its owner."""
        client = self.registry.client(form.application)
        return {name: client[name] for name in ("client_id", "software_id", "managed_by")}

    def have_an_api(self) -> None:
        """From now on the settings lead to the portal's API."""
        file = self.project.folder / "Pulumi.tni.yaml"
        settings = yaml.safe_load(file.read_text())
        for name in BY_HAND:
            del settings["config"][f"acmidm:{name}"]
        file.write_text(yaml.safe_dump(settings))
        key = self.project.folder / "operator.jwk.json"
        key.write_text(json.dumps(self.portal.operator_key.as_dict(private=True)))
        self.project.configure({**settings_of(self.portal), "operatorPrivateKeyFile": str(key)})

    def refused_move(self, run: Callable[[], Outcome]) -> str:
        """What a run with the API says, while not all that may be there is recorded."""
        file = self.project.folder / "Pulumi.tni.yaml"
        before = file.read_text()
        self.have_an_api()
        refused = run()
        file.write_text(before)
        assert refused.code != 0
        return re.sub(r"\s+", " ", refused.output)

    def deploy_with_an_api(self) -> Outcome:
        self.have_an_api()
        return self.project.recover()


@pytest.fixture(scope="module")
def at(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ByHand]:
    project = Project(tmp_path_factory.mktemp("by-hand"))
    reached = settings_of(portal)
    del reached["managementUrl"], reached["operatorClientId"]
    with running_mail_server() as mails:
        project.prepare({**reached, **BY_HAND, "protectClients": True})
        mailing(project, mails)
        yield ByHand(project, registry, portal, mails=mails)


def assert_in_sync(drift: dict[str, Any], form: FormFile) -> None:
    """A form's client is as it is declared."""
    for part in ("by_hand", "not_applied"):
        assert changes_of(drift, form, part) == set()


@together
def test_what_is_confirmed_is_declared_and_its_organisation_is_told_once(at: ByHand) -> Script:
    """What is only ordered is not declared, and nobody is told; once all is there, nothing changes
    any more. What was confirmed since the last run is recorded before its authority may have an
    API, by which nothing is made anew."""
    to = "told@stad-gent.example"
    form, client_id = at.there("told", contacts=[to])
    portal, in_portal = at.there("portal", keys=(), contacts=[to])
    for number in range(2):  # so that those of other cases that go are no mass change
        at.there(f"stays-{number}")
    adopted = write(at.project, "adopted", scopes=(PLAIN,), contacts=[to])
    adopt(adopted, made_by_hand(at.registry, adopted))
    at.carry_out(adopted)
    ordered = write(at.project, "ordered", scopes=(PLAIN,), contacts=[to])
    assert at.parts(ordered) == ["create"]

    def told() -> list[str]:
        mails = [one for one in at.mails.received if one["To"] == to]
        return [str(one.get_body(("plain",))) for one in mails]

    yield at.up
    outputs = at.project.outputs()["connections"]
    assert outputs[form.key]["acmidm"]["client_id"] == client_id
    assert at.is_recorded(adopted)
    assert not at.is_recorded(ordered)
    assert [at.parts(one) for one in (form, portal, adopted)] == [[], [], []]
    (mail,) = told()
    assert client_id in mail
    assert in_portal in mail
    assert adopted.application not in mail, "it was there before"
    assert ordered.application not in mail

    drift = yield at.drift
    assert_in_sync(drift, form)
    review = yield at.review
    assert changes_of(review, form) == set()
    assert changes_of(review, ordered) == {("ordered", at.orders(ordered)[0].name)}
    yield at.up
    assert not at.is_recorded(ordered)
    assert len(told()) == 1

    made = made_by_hand(at.registry, ordered)
    at.carry_out(ordered, made)
    sentence = f"no client of {ordered.key} is recorded, and people may have made one by hand"
    assert sentence in at.refused_move(at.project.up), "a deployment: see tests/engine"
    assert len(at.registry.clients(ordered.application)) == 1
    deployed = yield at.deploy
    assert deployed.code == 0, deployed.output
    assert at.project.client_id(ordered) == made
    assert len(told()) == 2

    moved = yield at.deploy_with_an_api
    assert moved.code == 0, moved.output
    for one in (form, portal, adopted, ordered):
        outputs = at.project.outputs()["connections"]
        assert at.of_client(one) == {
            "client_id": outputs[one.key]["acmidm"]["client_id"],
            "software_id": f"acmidm/tni/{one.key}",
            "managed_by": "acmidm/tni",
        }
        assert at.registry.client(one.application)["incarnation"]
    assert at.of_client(form)["client_id"] == client_id
    assert len(told()) == 2, "nobody is told again"
    drift = yield at.drift
    for one in (form, portal, adopted, ordered):
        assert_in_sync(drift, one)


@together
def test_what_a_form_asks_is_ordered(at: ByHand) -> Script:
    """It is no drift, and no run does it before somebody has confirmed it."""
    form, client_id = at.there("more", scopes=(SEND,))
    yield at.up
    form.request()["scopes"][PLAIN] = {}
    form.save()
    (order,) = at.orders(form)
    assert order.part == "scopes"
    drift = yield at.drift
    assert_in_sync(drift, form)
    assert changes_of((yield at.review), form) == {("ordered", order.name)}
    yield at.up
    assert at.scopes(form).keys() == {SEND}
    at.registry.set_scopes(client_id, [SEND, PLAIN])
    at.say("done", order.name)
    assert at.orders(form) == []
    yield at.deploy
    assert at.scopes(form).keys() == {SEND, PLAIN}
    yield at.deploy_with_an_api
    assert at.of_client(form)["client_id"] == client_id
    assert_in_sync((yield at.drift), form)


@together
def test_a_scope_that_ended_is_ordered_away(at: ByHand) -> Script:
    """And drift says so, though an order is none: what has ended is still at the portal."""
    form, client_id = at.there("until", scopes=(SEND, PLAIN))
    yield at.up
    form.request()["scopes"][PLAIN] = {"until": "2020-12-31"}
    form.save()
    (order,) = at.orders(form)
    assert order.part == "scopes"
    drift = yield at.drift
    past = [end for end in drift["past"] if end["key"] == form.key]
    assert [(end["of"], end["what"], end["last_day"]) for end in past] == [
        ("scope", PLAIN, "2020-12-31")
    ]
    yield at.up
    assert at.scopes(form).keys() == {SEND, PLAIN}
    at.registry.set_scopes(client_id, [SEND])
    at.say("done", order.name)
    yield at.deploy
    assert at.scopes(form).keys() == {SEND}
    yield at.deploy_with_an_api
    drift = yield at.drift
    assert_in_sync(drift, form)
    assert [end for end in drift["past"] if end["key"] == form.key] == []


@together
def test_what_somebody_did_unordered_is_recorded_and_ordered_away(at: ByHand) -> Script:
    """And it is shown by drift and by a review."""
    form, client_id = at.there("hand")
    yield at.up
    confirmed = yaml.safe_load(at.confirmation(form).read_text())
    confirmed["scopes"][DOSSIERS] = {}
    at.confirmation(form).write_text(yaml.safe_dump(confirmed))
    drift = yield at.drift
    assert changes_of(drift, form, "by_hand") == {("scope_granted", DOSSIERS)}
    (order,) = at.orders(form)
    assert changes_of((yield at.review), form) == {
        ("scope_granted", DOSSIERS),
        ("ordered", order.name),
    }
    yield at.up
    assert at.scopes(form)[DOSSIERS] == "granted outside this project"
    assert at.parts(form) == ["scopes"]
    at.carry_out(form)
    yield at.deploy
    assert at.scopes(form).keys() == {PLAIN}
    yield at.deploy_with_an_api
    assert at.of_client(form)["client_id"] == client_id
    assert_in_sync((yield at.drift), form)


@together
def test_what_somebody_did_unordered_is_taken_over(at: ByHand) -> Script:
    """Into the form, which is then as it is confirmed: nothing is ordered, and nothing differs."""
    form, client_id = at.there("right")
    yield at.up
    confirmed = yaml.safe_load(at.confirmation(form).read_text())
    confirmed["scopes"]["dv_organisatieregister_cjmbeheerder"] = {}
    confirmed["metadata"]["contacts"] = ["nieuw@stad-gent.example"]
    at.confirmation(form).write_text(yaml.safe_dump(confirmed))
    written = at.acmidm.run("drift", "--take-over", client_id, "--stack", "tni")
    assert written.code == 0, written.output
    change = at.project.folder / "change.yaml"
    change.write_text(written.stdout.replace("reason:\n", "reason: dossiers\n"))
    taken = at.acmidm.run("new", "--from", change.name)
    assert taken.code == 0, taken.output
    assert at.orders(form) == []
    drift = yield at.drift
    assert changes_of(drift, form, "by_hand") == set()
    yield at.review
    yield at.up
    assert at.scopes(form)["dv_organisatieregister_cjmbeheerder"] == "dossiers"
    assert at.orders(form) == []
    yield at.deploy
    assert_in_sync((yield at.drift), form)
    yield at.deploy_with_an_api
    assert at.of_client(form)["client_id"] == client_id


@together
def test_a_confirmation_that_is_missing_is_a_danger(at: ByHand) -> Script:
    """Its client stays as it is recorded, and nobody is ordered to make it again."""
    form, _ = at.there("lost")
    yield at.up
    kept = at.confirmation(form).read_text()
    at.confirmation(form).unlink()
    listed = at.acmidm.json("orders", "list", "--stack", "tni")
    assert listed["missing"] == [form.key]
    assert at.orders(form) == []
    drift = yield at.drift
    assert changes_of(drift, form, "by_hand") == {("confirmation_missing", None)}
    (change,) = change_list((yield at.review), form)
    assert (change["kind"], change["severity"]) == ("confirmation_missing", "danger")
    yield at.up
    assert at.is_recorded(form)
    at.confirmation(form).write_text(kept)
    yield at.deploy
    assert at.is_recorded(form)


@together
def test_a_client_id_that_was_confirmed_wrongly_is_corrected(at: ByHand) -> Script:
    """In Git, and then by one deployment, or by two runs: the state has the right one, and its
    organisation is mailed it. Nobody is said to have removed a client."""
    to = "corrected@stad-gent.example"
    forms = [
        write(at.project, f"{name}-corrected", scopes=(SEND,), contacts=[to])
        for name in ("early", "late", "adopted")
    ]
    early, late, adopted = forms
    right = {form.key: made_by_hand(at.registry, form) for form in forms}
    adopt(adopted, f"wrong-{adopted.key}")
    for form in forms:
        at.carry_out(form, f"wrong-{form.key}")

    def correct(form: FormFile) -> None:
        text = at.confirmation(form).read_text()
        at.confirmation(form).write_text(text.replace(f"wrong-{form.key}", right[form.key]))

    def replaced(changes: Collection[dict[str, Any]]) -> list[dict[str, str]]:
        """The client-IDs of the client that replaces another."""
        (change,) = [one for one in changes if one["kind"] == "client_replaced"]
        return list(change["fields"])

    yield at.up
    assert at.project.client_id(early) == f"wrong-{early.key}"
    correct(early)
    listed = at.acmidm.json("orders", "list", "--stack", "tni")
    assert early.key not in listed["missing"]
    drift = yield at.drift
    assert changes_of(drift, early, "by_hand") == set()
    assert changes_of(drift, early, "not_applied") == {("client_replaced", None)}
    (client_id,) = replaced(change_list((yield at.review), early))
    assert client_id == {
        "field": "client_id",
        "old": f"wrong-{early.key}",
        "new": right[early.key],
    }
    yield at.up
    assert at.project.client_id(early) == f"wrong-{early.key}", "its protection is lifted first"
    correct(late)
    correct(adopted)
    adopt(adopted, right[adopted.key])
    deployed = yield at.deploy
    assert deployed.code == 0, deployed.output
    for form in forms:
        assert at.project.client_id(form) == right[form.key]
        assert_in_sync((yield at.drift), form)
    mails = [one for one in at.mails.received if one["To"] == to]
    told = "".join(str(one.get_body(("plain",))) for one in mails)
    assert [right[form.key] in told for form in forms] == [True, True, False]
    yield at.deploy_with_an_api
    for form in forms:
        assert at.of_client(form)["client_id"] == right[form.key]


@together
def test_a_client_goes_once_its_removal_is_confirmed(at: ByHand) -> Script:
    """Its scopes first, and its protection with them; it stays recorded until somebody saw it
    gone."""
    form, client_id = at.there("goes")
    yield at.up
    form.document["retire"] = "2020-03-31"
    form.save()
    assert at.parts(form) == ["scopes"]
    at.registry.set_scopes(client_id, [])
    at.carry_out(form)
    yield at.up
    assert at.is_recorded(form)
    (order,) = at.orders(form)
    assert order.part == "remove"
    at.registry.remove(client_id)
    at.say("done", order.name)
    assert yaml.safe_load(at.confirmation(form).read_text())["removed"]["by"] == BY.by
    yield at.deploy
    assert not at.is_recorded(form)
    assert at.orders(form) == []
    form.path.unlink()
    assert at.orders(form) == []
    yield at.deploy_with_an_api
    assert at.registry.clients(form.application) == []


@together
def test_a_client_that_is_kept_is_let_go_once_somebody_knows(at: ByHand) -> Script:
    """Nothing is to be done at the portal; once it is confirmed, no form and no state needs to have
    the client, and nobody is ordered to remove it."""
    form, client_id = at.there("kept")
    yield at.up
    form.document["retire"] = {"on": "2020-03-31", "keep": True}
    form.save()
    assert at.orders(form) == []
    yield at.up
    assert at.is_recorded(form)
    listed = at.acmidm.json("orders", "list", "--stack", "tni")["orders"]
    (order,) = [one for one in listed if one["key"] == form.key]
    assert (order["part"], order["act"]) == ("remove", "let_go")
    assert "Er is daar niets te doen" in order["instructions"][0]["text"]
    at.say("done", order["order"])
    yield at.deploy
    assert not at.is_recorded(form)
    form.path.unlink()
    assert at.orders(form) == []
    yield at.deploy_with_an_api
    assert at.of_client(form) == {"client_id": client_id, "software_id": None, "managed_by": None}


@together
def test_a_form_that_is_gone_orders_nothing_of_a_protected_client(at: ByHand) -> Script:
    """A run refuses to part with it, also where the form went before somebody made the client: that
    is recorded first."""
    form, client_id = at.there("protected")
    early = write(at.project, "early", scopes=(PLAIN,))
    (order,) = at.orders(early)
    texts = {one.path: one.path.read_text() for one in (form, early)}
    early.path.unlink()
    made = made_by_hand(at.registry, early)
    with chdir(at.project.folder):
        confirm(at.stack, order, BY, client_id=made)
    yield at.up
    assert at.project.client_id(early) == made
    form.path.unlink()
    assert [at.orders(one) for one in (form, early)] == [[], []]
    refused = yield at.up
    assert refused.code != 0
    for one in (form, early):
        sentence = rf"{one.key}\S* cannot be deleted\s+because it is protected"
        assert re.search(sentence, refused.output)
        assert at.is_recorded(one)
    for path, text in texts.items():
        path.write_text(text)
    at.carry_out(early)
    yield at.deploy
    yield at.deploy_with_an_api
    assert [at.of_client(one)["client_id"] for one in (form, early)] == [client_id, made]


@together
def test_a_client_that_somebody_saw_gone_is_forgotten_and_ordered_anew(at: ByHand) -> Script:
    """In two runs, of which the first lifts its protection; and it is not ordered anew before the
    state has it no more. Who deploys is told how many orders wait."""
    form, client_id = at.there("gone")
    yield at.up
    at.registry.remove(client_id)
    at.say("gone", form.key)
    assert at.orders(form) == []
    yield at.up
    assert at.is_recorded(form)
    assert at.orders(form) == [], "while the state has it"
    deployed = yield at.deploy
    assert not at.is_recorded(form)
    assert re.search(r"^.*\b1 order\b.*$", deployed.stderr, re.MULTILINE)
    assert at.parts(form) == ["create"]
    form.path.unlink()
