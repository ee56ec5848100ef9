"""Drift, which asks no engine, and ``pulumi preview --refresh``: whatever is done by hand and in
forms, the same resources differ.

Each connection of a stack gets a few changes at random, by hand and in its form; then both look.
Children of a client that is made anew count with it. What is no resource of the four kinds does
not: the component, a password, protection.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from acmidm.commands.drift import look
from acmidm_onboarding.engine_resources import Resource, part_of
from tests.support.engine import Project
from tests.support.forms import DOSSIERS, NOTIFICATIES, PLAIN, SEND
from tests.support.named_forms import write
from tests.support.offered import ATTRIBUTE
from tests.support.portal import new_key
from tests.support.registry import Registry

CONNECTIONS = 24
SEEDS = (1, 2)
RENAMED = "-anders"
AT_AUTHORITIES = set(Resource) - {Resource.ONBOARDING}
OTHER = "dv_organisatieregister_cjmbeheerder"
"""Of the product that lists the attribute."""
Parts = set[tuple[str, str]]


class Sequence:
    """A connection, and what happens to it."""

    def __init__(self, project: Project, registry: Registry, random: Random, number: int) -> None:
        self.project, self.registry, self.random = project, registry, random
        scopes = (SEND, DOSSIERS) if number % 3 else (SEND, DOSSIERS, PLAIN)
        self.form = write(
            project, f"app{number}", scopes=scopes, keys=() if number % 4 == 0 else ("a", "b")
        )
        self.client_id = ""
        self.there = True

    def by_hand(self) -> None:
        """Up to three changes at the authority."""
        self.client_id = self.registry.client(self.form.application)["client_id"]
        actions = [self.scopes, self.keys, self.metadata, self.product, self.remove]
        for action in self.random.sample(actions, self.random.choice([0, 0, 1, 1, 2, 3])):
            if self.there:
                action()

    def scopes(self) -> None:
        wanted = {SEND, DOSSIERS, PLAIN, OTHER}
        granted = self.random.sample(sorted(wanted), self.random.randint(0, 4))
        self.registry.set_scopes(
            self.client_id, granted, [scope for scope in granted if self.random.random() < 0.3]
        )

    def keys(self) -> None:
        own = [
            self.form.keys[kid]
            for kid in ("a", "b")
            if kid in self.form.keys and self.random.random() < 0.6
        ]
        self.registry.set_keys(
            self.client_id, [*own, *([new_key("hand")] if self.random.random() < 0.5 else [])]
        )

    def metadata(self) -> None:
        changes: list[dict[str, Any]] = [
            {"contacts": ["hand@stad.example"]},
            {"contacts": ["both@stad.example"]},
            {"enabled": False},
            {"client_name": "Gent"},
            {"managed_by": None},
            {"attributes": {ATTRIBUTE: "hand"}},
            {"attributes": {ATTRIBUTE: "both"}},
        ]
        self.registry.change(self.client_id, **self.random.choice(changes))

    def product(self) -> None:
        if self.random.random() < 0.4:
            self.registry.remove_configuration("dosis", self.client_id)
        elif self.random.random() < 0.5:
            self.registry.set_configuration(
                "notificaties", self.client_id, NOTIFICATIES, managed_by=None
            )
        else:
            self.registry.set_configuration(
                "notificaties",
                self.client_id,
                {**NOTIFICATIES, "merk_code": self.random.choice(["both", "hand"])},
            )

    def remove(self) -> None:
        if self.random.random() < 0.5:
            self.registry.remove(self.client_id)
            self.there = False

    def in_the_form(self) -> None:
        """Up to two changes of the form, or all of it."""
        edits: list[Callable[[], object]] = [
            lambda: self.form.request()["scopes"].update(
                {self.random.choice([PLAIN, OTHER]): {"reason": "waarom"}}
            ),
            lambda: self.form.request()["scopes"].pop(PLAIN, None),
            lambda: self.form.request()["scopes"].update({SEND: {"reason": "berichten"}}),
            lambda: self.form.request()["scopes"].update({SEND: {"default": True}}),
            lambda: (
                self.form.request()["scopes"].update({OTHER: {}}),
                self.form.request().update(attributes={ATTRIBUTE: "both"}),
            ),
            lambda: self.form.document.update(contacts=["both@stad.example"]),
            lambda: self.form.request()["products"]["notificaties"].update(merk_code="both"),
            lambda: self.form.add_key("c"),
            lambda: self.form.request().pop("jwks", None),
            lambda: (
                self.form.request()["scopes"].pop(DOSSIERS),
                self.form.request()["products"].pop("dosis"),
            ),
            self.rename,
        ]
        chosen = self.random.choice([0, 0, 1, 1, 2])
        for edit in self.random.sample(edits, chosen):
            edit()
        if self.random.random() < 0.1:
            self.form.path.unlink()
        else:
            self.form.save()
            if self.random.random() < 0.2:
                self.form.rename(f"{self.form.name}-moved")

    def rename(self) -> None:
        self.form.document["formerly"] = self.form.application
        self.form.document["application"] = f"{self.form.application}{RENAMED}"


def only_says_whose_the_keys_are(step: dict[str, Any]) -> bool:
    """A mark on the client, which goes with its keys: these are what is reported."""
    sides = [dict((step.get(side) or {}).get("inputs") or {}) for side in ("oldState", "newState")]
    return (
        step["op"] == "update"
        and len({str(side.pop("keys_declared", None)) for side in sides}) == 2
        and sides[0] == sides[1]
    )


def differing_by_the_engine(project: Project) -> Parts:
    """The resources at authorities that an ``up`` after a refresh would change."""
    outcome = project.pulumi("preview", "--refresh", "--json")
    assert outcome.stdout, outcome.output
    document = json.loads(outcome.stdout)
    assert not [one for one in document.get("diagnostics") or () if one["severity"] == "error"], (
        document["diagnostics"]
    )
    found: Parts = set()
    for step in document["steps"]:
        if step["op"] in ("create", "update", "replace", "delete"):
            place = part_of(step.get("newState") or step.get("oldState"))
            if (
                place
                and place[2].partition("/")[0] in AT_AUTHORITIES
                and not only_says_whose_the_keys_are(step)
            ):
                found.add((place[0].removesuffix(RENAMED), place[2]))
    return found


@pytest.mark.exhaustive
def test_drift_agrees_with_a_refreshing_preview(
    project: Project, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resource by resource, and each of them with a change that says so."""
    sequences: list[Sequence] = []
    for seed in SEEDS:
        random = Random(seed)  # noqa: S311 - the same sequences each time
        numbers = range(len(sequences), len(sequences) + CONNECTIONS)
        sequences += [Sequence(project, registry, random, number) for number in numbers]
    project.apply()
    for sequence in sequences:
        sequence.by_hand()
    for sequence in sequences:
        sequence.in_the_form()
    write(project, "new")
    monkeypatch.chdir(project.folder)
    for name, value in project.variables().items():
        monkeypatch.setenv(name, value)
    found: Parts = set()
    for client in look("tni").clients:
        state = client.declared or client.recorded
        assert state is not None
        assert bool(client.parts_by_hand) is bool(client.by_hand), state.key
        assert bool(client.parts_pending) is bool(client.pending), state.key
        found |= {
            (state.key.removesuffix(RENAMED), part)
            for part in client.parts_by_hand | client.parts_pending
        }
    assert found == differing_by_the_engine(project)
