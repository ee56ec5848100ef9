"""Two stacks of one environment, each with its own organisations: neither changes or stops what is
the other's."""

from __future__ import annotations

import json

from tests.end_to_end.shards.conftest import Shards
from tests.support.forms import PLAIN, SEND, write_form
from tests.support.registry import Registry


def test_each_declares_its_own(shards: Shards, registry: Registry) -> None:
    """Reports of both together have both; what one authority has of the other stack is no
    finding."""
    gent = write_form(shards.forms, "gent/loket", scopes=(SEND, PLAIN))
    zele = write_form(shards.forms, "zele/loket", scopes=(SEND,))
    reviewed = shards.a.acmidm("review", *shards.both, "--output", "json")
    assert [each["key"] for each in json.loads(reviewed.stdout)["connections"]] == [
        gent.key,
        zele.key,
    ]
    for project, form in ((shards.a, gent), (shards.b, zele)):
        assert project.recover().code == 0
        assert {place.partition(" ")[2].split("/")[1] for place in project.resources()} == {
            form.application
        }
        assert registry.client(form.application)["managed_by"] == f"acmidm/{project.stack}"
    drift = shards.a.acmidm("drift", *shards.both, "--strict")
    assert (drift.code, drift.stdout.count("in sync")) == (0, 2), drift.output
    listed = shards.a.acmidm("status", *shards.both, "--output", "json")
    assert {each["key"]: each["stack"] for each in json.loads(listed.stdout)["connections"]} == {
        gent.key: "tni-a",
        zele.key: "tni-b",
    }
    refused = shards.a.acmidm("drift", *shards.both, "--output", "json")
    assert (refused.code, refused.stderr) == (
        2,
        "--output json is of one stack; name one with --stack\n",
    )


def test_a_mistake_stops_its_own_stack_alone(shards: Shards) -> None:
    """A mistake of an organisation itself stops both: without its code nobody knows whose a client
    is."""
    gent = write_form(shards.forms, "gent/loket")
    write_form(shards.forms, "zele/loket")
    gent.document["environments"]["tni"]["scopes"] = {"dv_unknown": {}}
    gent.save()
    assert shards.b.preview().code == 0
    assert "dv_unknown" in shards.a.preview().output
    gent.organisation["ovo"] = "OVO1"
    gent.save()
    assert "OVO1" in shards.b.preview().output


def test_what_is_wrong_with_the_settings(shards: Shards) -> None:
    """Nothing is declared for nobody, and nothing twice; what nobody declares is named."""
    write_form(shards.forms, "gent/loket")
    refused = shards.b.preview()
    assert refused.errors == [
        "there is no form (*.yaml) in onboardings; correct acmidm:formsFolder or"
        " acmidm:organisations, or remove all that the stack has with pulumi destroy"
    ]
    shards.take("aalst", "z*")
    warned = shards.a.acmidm("validate")
    sentence = (
        "no stack of tni takes gent/loket; name its organisation in acmidm:organisations of one of"
        " them"
    )
    assert (warned.code, sentence in warned.stdout) == (0, True), warned.output
    shards.take("a* gent", "g*")
    refused = shards.a.acmidm("validate")
    assert (refused.code, refused.stderr) == (
        2,
        (
            "stacks tni-a and tni-b both take gent/loket; have acmidm:organisations of one of them"
            " leave gent out\n"
        ),
    )
