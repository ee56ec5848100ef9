"""A stack whose authority people change by hand, from its first orders to the day its authority has
an API.

One project, brought up once; each test changes something of it, and the last one moves it on.
"""

from __future__ import annotations

import json

import yaml

from tests.end_to_end.by_hand.conftest import BY, ByHand
from tests.support.by_hand import made_by_hand
from tests.support.command_line import CommandLine
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.portal import RunningPortal


def test_what_is_ordered_is_declared_once_it_is_confirmed(by_hand: ByHand) -> None:
    """First all is ordered and nothing declared; then all is there, each organisation is told once,
    and nothing changes any more."""
    project = by_hand.project
    assert "6 orders" in by_hand.deploy()
    assert by_hand.recorded() == set()
    assert by_hand.open_parts() == {(name, "create") for name in by_hand.forms}
    assert by_hand.mails.received == []

    by_hand.carry_out()
    assert "order" not in by_hand.deploy()
    assert by_hand.recorded() == set(by_hand.forms)
    (mail,) = by_hand.mails.received
    told = {name: one in str(mail.get_body(("plain",))) for name, one in by_hand.client_ids.items()}
    assert told == {name: name != "adopted" for name in by_hand.forms}, (
        "but for one that was there before"
    )
    outputs = project.outputs()["connections"]
    assert {
        name: outputs[form.key]["acmidm"]["client_id"] for name, form in by_hand.forms.items()
    } == (by_hand.client_ids)

    project.in_sync()
    before = project.resources()
    project.succeed("refresh", "--yes", "--skip-preview")
    by_hand.deploy()
    assert project.resources().keys() == before.keys()
    assert len(by_hand.mails.received) == 1
    drift = CommandLine(project).json("drift", "--stack", "tni")
    assert (drift["in_sync"], drift["by_hand"], drift["not_applied"]) == (True, [], [])


def test_what_a_form_asks_is_ordered_and_what_somebody_did_is_recorded(by_hand: ByHand) -> None:
    """A scope of a form is no drift; a scope that nobody ordered is recorded, shown, and ordered
    away."""
    project, more, hand = by_hand.project, by_hand.forms["more"], by_hand.forms["hand"]
    more.request()["scopes"][PLAIN] = {}
    more.save()
    drift = CommandLine(project).json("drift", "--stack", "tni")
    assert drift["in_sync"], drift
    assert not project.steps(), "nothing is done of what is only ordered"
    assert by_hand.open_parts() == {("more", "scopes")}

    confirmed = by_hand.confirmed("hand")
    confirmed["scopes"][DOSSIERS] = {}
    by_hand.confirmation("hand").write_text(yaml.safe_dump(confirmed))
    drift = CommandLine(project).json("drift", "--stack", "tni", code=1)
    assert [
        (one["key"], change["kind"]) for one in drift["by_hand"] for change in one["changes"]
    ] == [(hand.key, "scope_granted")]
    review = CommandLine(project).json("review", "--stack", "tni", code=0)
    shown = {
        (one["key"], change["kind"]) for one in review["connections"] for change in one["changes"]
    }
    assert {(hand.key, "scope_granted"), (hand.key, "ordered"), (more.key, "ordered")} <= shown
    by_hand.deploy()
    scopes = project.resources()[f"ClientScopes {hand.key}"]["inputs"]["scopes"]
    assert scopes[DOSSIERS] == "granted outside this project"
    assert by_hand.open_parts() == {("more", "scopes"), ("hand", "scopes")}
    by_hand.carry_out()
    by_hand.deploy()
    assert set(project.resources()[f"ClientScopes {hand.key}"]["inputs"]["scopes"]) == {PLAIN}
    assert set(project.resources()[f"ClientScopes {more.key}"]["inputs"]["scopes"]) == {PLAIN, SEND}


def test_a_confirmation_that_is_missing_is_a_danger(by_hand: ByHand) -> None:
    """Its client stays as it is recorded, and nobody is ordered to make it again."""
    project, lost = by_hand.project, by_hand.forms["lost"]
    kept = by_hand.confirmation("lost").read_text()
    by_hand.confirmation("lost").unlink()
    orders = CommandLine(project).json("orders", "list", "--stack", "tni")
    assert (orders["orders"], orders["missing"]) == ([], [lost.key])
    assert not project.steps()
    drift = CommandLine(project).json("drift", "--stack", "tni", code=1)
    assert [
        (one["key"], change["kind"]) for one in drift["by_hand"] for change in one["changes"]
    ] == [(lost.key, "confirmation_missing")]
    review = CommandLine(project).json("review", "--stack", "tni")
    kinds = {
        change["kind"]: change["severity"]
        for one in review["connections"]
        for change in one["changes"]
    }
    assert kinds == {"confirmation_missing": "danger"}
    by_hand.deploy()
    assert "lost" in by_hand.recorded()
    by_hand.confirmation("lost").write_text(kept)


def test_a_client_goes_once_its_removal_is_confirmed(by_hand: ByHand) -> None:
    """A form that is gone is an order; its client stays recorded until somebody saw it gone."""
    goes = by_hand.forms["goes"]
    goes.path.unlink()
    assert by_hand.open_parts() == {("goes", "remove")}
    by_hand.deploy()
    assert "goes" in by_hand.recorded()
    (order,) = by_hand.orders()
    by_hand.registry.remove(by_hand.client_ids["goes"])
    by_hand.done(order["order"])
    assert by_hand.confirmed("goes")["removed"]["by"] == BY
    by_hand.deploy()
    assert "goes" not in by_hand.recorded()
    assert not by_hand.orders()
    del by_hand.forms["goes"]


def test_a_stack_that_protects_its_clients(by_hand: ByHand) -> None:
    """A form that is gone orders nothing, and its client stays; a client that somebody saw gone is
    forgotten all the same, in two runs, and then made anew."""
    project, hand = by_hand.project, by_hand.forms["hand"]
    project.configure({"protectClients": True})
    by_hand.deploy()
    text = hand.path.read_text()
    hand.path.unlink()
    assert not by_hand.orders()
    ended = project.recover()
    assert (ended.code != 0, by_hand.recorded() >= {"hand"}) == (True, True), ended.output
    hand.path.write_text(text)

    said = project.acmidm("orders", "gone", hand.key, "--stack", "tni", "--by", BY)
    assert said.code == 0, said.output
    assert not by_hand.orders(), "it is not made anew while the state has it"
    by_hand.deploy()
    by_hand.deploy()
    assert "hand" not in by_hand.recorded()
    assert by_hand.open_parts() == {("hand", "create")}
    by_hand.registry.remove(by_hand.client_ids["hand"])
    by_hand.client_ids["hand"] = made_by_hand(by_hand.registry, hand)
    by_hand.carry_out()
    by_hand.deploy()
    assert project.client_id(hand) == by_hand.client_ids["hand"]
    project.configure({"protectClients": False})
    by_hand.deploy()


def test_a_client_that_is_kept_is_let_go_once_somebody_knows(by_hand: ByHand) -> None:
    """Nothing is to be done at the portal; once it is confirmed, no form and no state needs to have
    the client, and nobody is ordered to remove it."""
    lost, client_id = by_hand.forms["lost"], by_hand.client_ids["lost"]
    lost.document["retire"] = {"on": "2020-03-31", "keep": True}
    lost.save()
    assert by_hand.open_parts() == set()
    by_hand.deploy()
    (order,) = by_hand.orders()
    assert (order["key"], order["part"], order["act"]) == (lost.key, "remove", "let_go")
    assert "Er is daar niets te doen" in order["instructions"][0]["text"]
    by_hand.done(order["order"])
    by_hand.deploy()
    assert "lost" not in by_hand.recorded()
    lost.path.unlink()
    del by_hand.forms["lost"]
    assert not by_hand.orders()
    by_hand.deploy()
    assert by_hand.registry.client(lost.application)["client_id"] == client_id
    assert CommandLine(by_hand.project).json("drift", "--stack", "tni")["in_sync"]


def test_what_a_careless_operator_says(by_hand: ByHand) -> None:
    """Each is one sentence with its exit code, and writes nothing."""
    more = by_hand.forms["more"]
    more.document["contacts"] = ["nieuw@stad-gent.example"]
    more.save()
    (order,) = by_hand.orders()
    name, there = order["order"], by_hand.confirmation("more").read_text()
    wrong: dict[tuple[str, ...], str] = {
        ("done", f"{name[:-2]}zz"): "no version of the forms in Git says",
        ("done", name, "--client-id", by_hand.client_ids["hand"]): "is about client",
        ("done", f"{more.key} client"): "is no name of an order",
        ("done", name, "--key", str(more.path)): "this is not JSON",
        ("gone", "OVO002067/nobody"): 'no client "OVO002067/nobody" is confirmed here',
        ("list", "--for", "boss"): '--for: "boss" is not known; use api-owner',
        ("refused", name): "Missing option '--why'",
    }
    for words, sentence in wrong.items():
        who = () if words[0] == "list" else ("--by", BY)
        said = by_hand.project.acmidm("orders", *words, "--stack", "tni", *who)
        assert (said.code, sentence in said.output) == (2, True), said.output
    assert by_hand.confirmation("more").read_text() == there

    said = by_hand.project.acmidm(
        "orders", "refused", name, "--stack", "tni", "--by", BY, "--why", "no mandate"
    )
    assert said.code == 0, said.output
    (still,) = by_hand.orders()
    assert still["refused"]["why"] == "no mandate"
    shown = CommandLine(by_hand.project).json("orders", "show", name, "--stack", "tni")["orders"]
    assert [(one["key"], one["order"]) for one in shown] == [(more.key, name)]
    by_hand.done(name)
    assert not by_hand.orders()
    again = by_hand.project.acmidm("orders", "done", name, "--stack", "tni", "--by", BY)
    assert again.code == 2, "outside Git nothing is known of what was ordered before"
    by_hand.deploy()
    by_hand.registry.change(by_hand.client_ids["more"], contacts=["nieuw@stad-gent.example"])


def test_the_day_its_authority_has_an_api(by_hand: ByHand, portal: RunningPortal) -> None:
    """A run of the same stack on a portal with an API takes over what is confirmed, puts our marks
    there, and makes no client anew: what was confirmed since the last run is recorded first."""
    project, registry = by_hand.project, by_hand.registry
    registry.set_scopes(by_hand.client_ids["more"], [SEND, PLAIN])
    late = by_hand.forms["late"] = write_form(project.forms, "gent/late", scopes=(PLAIN,))
    by_hand.client_ids["late"] = made_by_hand(registry, late)
    by_hand.carry_out()
    file = project.folder / f"Pulumi.{project.stack}.yaml"
    before = file.read_text()
    settings = yaml.safe_load(before)
    for name in ("authority", "confirmedFolder"):
        del settings["config"][f"acmidm:{name}"]
    file.write_text(yaml.safe_dump(settings))
    key = project.folder / "operator.jwk.json"
    key.write_text(json.dumps(portal.operator_key.as_dict(private=True)))
    project.configure(
        {
            "managementUrl": f"{portal.origin}/management/v1",
            "operatorClientId": "test-operator",
            "operatorPrivateKeyFile": str(key),
        }
    )
    refused = project.recover()
    assert refused.code == 1
    assert f"{late.key} is confirmed and not recorded yet" in refused.output
    moved = file.read_text()
    file.write_text(before)
    by_hand.deploy()
    file.write_text(moved)
    mailed = len(by_hand.mails.received)
    by_hand.deploy()
    for name, form in by_hand.forms.items():
        client = registry.client(form.application)
        assert client["client_id"] == by_hand.client_ids[name]
        assert (client["software_id"], client["managed_by"]) == (
            f"acmidm/tni/{form.key}",
            "acmidm/tni",
        )
        assert client["incarnation"]
    by_hand.project.in_sync()
    assert len(by_hand.mails.received) == mailed, "nobody is told again"
