"""The organisations that a supplier's own client sends for: by their mandates, under their own
names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from acmidm.desk.status import unused_mandates
from acmidm_onboarding.rules.desired import desired
from acmidm_onboarding.values.terms import Environment
from tests.support.workspace import CATALOGUE, HERE, Workspace

SUPPLIER = "name: Leverancier\novo: OVO000001\nspeaks_for: {merk_code: [leverancier]}\n"
FORM = """\
application: berichten
contacts: [api@leverancier.example]
environments:
  tni:
    afzenders: [gent, aalst]
    scopes: {dv_notificaties_import: {}}
    products:
      notificaties: {merk_code: leverancier, product_ids: ["1"]}
"""
MANDATE = (
    "mandates: [{supplier: leverancier, connections: [OVO000001/berichten], until: 2999-12-31}]\n"
)
TEXTS = {
    "leverancier/berichten": FORM,
    "gent/mandates": MANDATE,
    "aalst/organisation": (
        "name: Stad Aalst\novo: OVO000002\nspeaks_for: {merk_code: [aalst, stad-aalst]}\n"
    ),
}
SENDERS = "senders: {known_by: merk_code, basis: assumed, source: the tests}\n"
APART = "senders: {basis: assumed, source: the tests}\n"
MISTAKES = {
    "no folder of this name": (
        *("leverancier/berichten", "[gent,", "[▶derde, gent,"),
        '"derde" has no folder with an organisation.yaml; name a folder beside this one',
    ),
    "no name to be known by": (
        *("aalst/organisation", "speaks_for: {merk_code: [aalst, stad-aalst]}\n", ""),
        (
            "Stad Aalst has no merk_code under speaks_for, by which it is known as Afzender; have"
            " it added in its organisation.yaml, or leave notificaties out"
        ),
    ),
    "a product that wants a client each": (
        *("leverancier/berichten", "    afz", "    ▶afz"),
        (
            "each organisation needs a client of its own for register; give each a form of its own,"
            " with keys_of; or leave the scopes of that product out"
        ),
    ),
    "no product that knows senders": (
        *("leverancier/berichten", "    afz", "    ▶afz"),
        (
            "no product here knows organisations that a client sends for; add one that does"
            " (notificaties), or remove this"
        ),
    ),
    "written by hand": (
        *("leverancier/berichten", "merk_code: lev", "▶afzenders: [gent], merk_code: lev"),
        (
            'notificaties: unknown field "afzenders"; known here: choices, link, merk_code,'
            " options, product_ids, volume"
        ),
    ),
}


@pytest.fixture
def sending(workspace: Workspace) -> Workspace:
    """A supplier that sends for two towns."""
    workspace.write("catalogue/notificaties.yaml", CATALOGUE["notificaties.yaml"] + SENDERS)
    workspace.write("catalogue/register.yaml", CATALOGUE["register.yaml"] + APART)
    workspace.write_organisation(SUPPLIER, "leverancier")
    for name, text in TEXTS.items():
        workspace.write(f"onboardings/{name}.yaml", text)
    workspace.write("onboardings/aalst/mandates.yaml", MANDATE)
    return workspace


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes(case: str, sending: Workspace) -> None:
    name, old, new, sentence = MISTAKES[case]
    text = TEXTS[name].replace(old, new, 1)
    if case == "a product that wants a client each":
        text = text.replace("import: {}}", "import: {}, dv_register_lezen: {}}")
    elif case == "no product that knows senders":
        text = text[: text.index("    products:")].replace("dv_notificaties_import", "vo_info")
        sending.write("catalogue/register.yaml", CATALOGUE["register.yaml"])
    file = f"onboardings/{name}.yaml"
    if HERE in text:
        sending.assert_reported(file, text, sentence)
    else:
        sending.write(file, text)
        assert sending.sentences() == [f"onboardings/leverancier/berichten.yaml:5:23: {sentence}"]


def test_they_are_senders_of_the_product_under_their_own_names(sending: Workspace) -> None:
    [form] = [
        one
        for one in sending.load().connections(Environment.TNI)
        if one.form.path == "leverancier/berichten"
    ]
    assert form.configurations["notificaties"]["afzenders"] == [
        {"code": "OVO000002", "merk_code": ["aalst", "stad-aalst"], "name": "Stad Aalst"},
        {"code": "OVO002067", "merk_code": ["stad-gent"], "name": "Stad Gent"},
    ]
    assert sorted(form.acts_for.values()) == ["Stad Aalst", "Stad Gent"]
    assert form.afzenders == dict.fromkeys(("OVO002067", "OVO000002"), "2999-12-31")
    now = datetime.now(UTC)
    assert unused_mandates(sending.load(), now) == []
    sending.write(
        "onboardings/aalst/mandates.yaml",
        MANDATE.replace("berichten]", "berichten, OVO000001/oud]"),
    )
    sending.write("onboardings/leverancier/berichten.yaml", FORM.replace("[gent, aalst]", "[gent]"))
    [unused] = unused_mandates(sending.load(), now)
    assert (unused.organisation, unused.applications) == (
        "Stad Aalst",
        ("OVO000001/berichten", "OVO000001/oud"),
    )


def test_one_without_a_mandate_is_left_out_alone(sending: Workspace) -> None:
    """One that was taken out has ended: the form of the supplier stays valid."""
    (sending.forms / "gent" / "mandates.yaml").unlink()
    connections = [
        one
        for one in sending.load().connections(Environment.TNI)
        if one.form.path == "leverancier/berichten"
    ]
    found = desired(connections, datetime.now(UTC))
    [form] = found.declared
    assert [one["name"] for one in form.configurations["notificaties"]["afzenders"]] == [
        "Stad Aalst"
    ]
    [withheld] = found.held_back
    assert "it does not send for Stad Gent, without a mandate" in withheld.missing[0]


@pytest.mark.parametrize(
    "lets",
    [
        "applications: [berichten]",  # the town's own form of that name has the supplier's keys
        "connections: [OVO000001/loket]",  # which the supplier renamed
        "connections: [OVO000002/berichten]",
    ],
)
def test_a_mandate_names_the_connection_that_sends(lets: str, sending: Workspace) -> None:
    """By its key: nothing else that the town lets the supplier do lets it send."""
    mandate = MANDATE.replace("connections: [OVO000001/berichten]", lets)
    sending.write("onboardings/gent/mandates.yaml", mandate)
    [form] = [
        one
        for one in sending.load().connections(Environment.TNI)
        if one.form.path == "leverancier/berichten"
    ]
    assert form.afzenders == {"OVO002067": "", "OVO000002": "2999-12-31"}


def test_each_has_a_code(sending: Workspace) -> None:
    """Mandates end per code: with none, the mandate of one would count for the others, or end
    theirs."""
    sending.write(
        "onboardings/aalst/organisation.yaml",
        "name: Stad Aalst\nspeaks_for: {merk_code: [aalst]}\n",
    )
    assert sending.sentences() == [
        "onboardings/aalst/organisation.yaml:1:1: organisation has neither ovo nor kbo; give at"
        " least one: the forms beside it, and what is sent for it, are named by it"
    ]


def test_a_catalogue_knows_by_which_field(sending: Workspace) -> None:
    text = CATALOGUE["notificaties.yaml"] + SENDERS.replace("merk_code", "▶merk_codes")
    sending.assert_reported(
        "catalogue/notificaties.yaml", text, 'unknown field "merk_codes"; did you mean "merk_code"?'
    )


def test_a_field_without_a_name_is_no_field(sending: Workspace) -> None:
    """The product then wants a client each, and no organisation lacks what has no name."""
    text = CATALOGUE["notificaties.yaml"] + SENDERS.replace("merk_code", '""')
    sending.write("catalogue/notificaties.yaml", text)
    assert sending.sentences() == [
        "onboardings/leverancier/berichten.yaml:5:5: each organisation needs a client of its own"
        " for notificaties; give each a form of its own, with keys_of; or leave the scopes of that"
        " product out"
    ]
