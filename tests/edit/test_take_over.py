"""What a hand changed at an authority becomes a document, and the document a change of a form."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from typer.testing import CliRunner, Result

from acmidm.cli import app
from acmidm.commands.drift import Look, _client_named
from acmidm.edit.new.take_over import TakeOver, documents_of
from acmidm.report.compare import Comparison
from acmidm.report.drift import UndeclaredClient
from acmidm.report.three_views import ActualPlatform, ClientDrift, compare_clients
from acmidm.report.trail import attributed
from acmidm_onboarding.authorities.port import RecordedChange, RegisteredClient
from acmidm_onboarding.recorded import Recorded
from acmidm_onboarding.stack import Stack, open_stack
from acmidm_onboarding.texts import Language, speak
from acmidm_onboarding.values.client import Client, Record
from acmidm_onboarding.values.metadata import Owner, ProductDocument
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import MOST_CONTACTS, MOST_KEYS, Platform
from tests.support.broken_content import content, mutated
from tests.support.samples import by_hand, client, drift_report
from tests.support.settings import read
from tests.support.terminal import contents
from tests.support.workspace import FORM, WITHOUT_KEYS, Workspace, private_key, public_key

ID, MANAGED_BY = "client-1", "acmidm/tni"
AT = datetime(2026, 11, 30, 14, 2, tzinfo=UTC)
PARTS = ("OAuthClient", "ClientScopes", "ClientJwks")
KEY = public_key("slipped-in", kty="EC", crv="P-256")
DICTIONARY = (
    "product: woordenboek\ntitle: Woordenboek\nowner: X\nsource: the tests\n"
    "scopes: {dv_woorden: {title: Read, verified: true, source: the tests}}\n"
    "attributes: {setbyclient_afdeling: {title: Whatever, source: the tests}}\n"
)


def stack_of(environment: str = "tni", **settings: object) -> Stack:
    """A stack without an engine, in whose state nothing is."""
    named = {
        "environment": environment,
        "formsFolder": "onboardings",
        "catalogueFolder": "catalogue",
        "promotionGate": "off",
        **settings,
    }
    return open_stack(
        environment,
        lambda: read(**named),
        export=lambda _: {},
        now=AT,
        by_policies=False,
    )


class Hand:
    """What somebody does by hand at the authority of the one form."""

    def __init__(self, environment: str = "tni", **settings: object) -> None:
        self.stack = stack_of(environment, **settings)
        [declared] = self.stack.forms.connections
        in_stack = declared.in_stack(protect=False, managed_by=MANAGED_BY)
        products = [f"ProductConfiguration/{name}" for name in declared.products]
        urns = {part: f"urn::{part}::{declared.key}" for part in (*PARTS, *products)}
        self.recorded: Client = replace(in_stack, client_id=ID, record=Record(urns=urns))
        self.metadata = declared.metadata.model_copy(update={"managed_by": MANAGED_BY})
        self.scopes = {name: grant.default for name, grant in declared.scopes.items()}
        self.jwks = {kid: dict(key.members) for kid, key in (declared.jwks or {}).items()}
        self.products = {name: dict(fields) for name, fields in declared.configurations.items()}
        self.owner = Owner(declared.software_id, MANAGED_BY)
        self.is_there = True
        self.trail: list[RecordedChange] = []

    def drift(self) -> ClientDrift:
        registered = RegisteredClient(ID, self.metadata, scopes=self.scopes, jwks=self.jwks)
        documents = {
            name: {ID: ProductDocument(fields, self.owner)}
            for name, fields in self.products.items()
        }
        real = ActualPlatform({ID: registered} if self.is_there else {}, documents)
        recorded = Recorded({self.recorded.resource_name: self.recorded})
        declared = {self.recorded.client_key: self.recorded}
        [one] = compare_clients(recorded, declared, {Platform.ACMIDM: real}, Comparison(AT))
        if one.by_hand:
            one.by_hand = attributed(one.by_hand, self.trail)
        return one

    def take_over(self) -> TakeOver:
        return TakeOver(self.drift(), self.stack)

    def text(self) -> str:
        return documents_of([self.take_over()])

    def refused(self) -> str:
        with pytest.raises(Failure) as refused:
            self.text()
        return str(refused.value)


def take_in(text: str) -> Result:
    Path("change.yaml").write_text(text)
    return CliRunner().invoke(app, ["new", "--from", "change.yaml"])


def filled_in(text: str) -> str:
    assert "reason:\n" in text
    return text.replace("reason:\n", "reason: dossiers van de dienst\n")


def tni(workspace: Workspace) -> Any:
    form = yaml.safe_load((workspace.forms / "gent/mijn-gent.yaml").read_text())
    return form["environments"]["tni"]


def test_a_scope_that_was_granted_is_in_the_form_once_its_reason_is_written(
    workspace: Workspace,
) -> None:
    """With who granted it, and when; nothing else of the form changes. Without its reason it is
    refused, and nothing is written."""
    hand = Hand()
    hand.scopes["dv_register_lezen"] = True
    after = {"scopes": sorted(hand.scopes)}
    before = {"scopes": ["dv_dosis_schrijven", "dv_notificaties_import"]}
    hand.trail = [
        RecordedChange(AT, "An <an@portaal.example>", "scopes.replaced", "x", before, after)
    ]
    text = hand.text()
    assert "by An <an@portaal.example> at 2026-11-30 14:02 UTC" in text
    old, files = (workspace.forms / "gent/mijn-gent.yaml").read_text(), contents()
    empty = take_in(text)
    assert empty.exit_code == 2
    assert 'nobody has said why "dv_register_lezen" is needed; write what' in empty.stderr
    Path("change.yaml").unlink()
    assert contents() == files

    result = take_in(filled_in(text))
    assert result.exit_code == 0, result.output
    new = (workspace.forms / "gent/mijn-gent.yaml").read_text()
    [added] = [line.strip() for line in new.splitlines() if line not in old.splitlines()]
    reference = "'in the portal, by An <an@portaal.example> on 2026-11-30'"
    given = f"default: true, reason: dossiers van de dienst, reference: {reference}"
    assert added == f"dv_register_lezen: {{{given}}}"
    assert workspace.sentences() == []
    assert Hand().scopes == hand.scopes, "so that nothing differs any more"


def test_what_a_hand_took_away_leaves_the_form(workspace: Workspace) -> None:
    """A scope with its product, a field, a key and a contact: comments and all else stay."""
    workspace.write_key(KEY, "gent/second")
    workspace.write_form(
        FORM.replace("[tni.jwk.json]", "[tni.jwk.json, second.jwk.json]")
        .replace("stad-gent.example]", "stad-gent.example, weg@stad-gent.example]")
        .replace("      dosis:", "        link: x\n      # of the dossiers\n      dosis:", 1)
        .replace("  prod:", "  # production\n  prod:", 1)
    )
    hand = Hand()
    del hand.scopes["dv_dosis_schrijven"], hand.products["dosis"], hand.jwks["slipped-in"]
    del hand.products["notificaties"]["link"]
    kept = ("api-beheer@stad-gent.example",)
    hand.metadata = hand.metadata.model_copy(update={"contacts": kept})
    text = hand.text()
    assert "reason" not in yaml.safe_load(text)["form"]["environments"]["tni"]
    result = take_in(text)
    assert result.exit_code == 0, result.output
    assert "second.jwk.json is in no list of this form any more" in result.stdout
    assert tni(workspace) == {
        "jwks": ["tni.jwk.json"],
        "scopes": {"dv_notificaties_import": {}},
        "products": {"notificaties": {"merk_code": "stad-gent", "product_ids": ["10244", "10245"]}},
    }
    written = (workspace.forms / "gent/mijn-gent.yaml").read_text()
    assert "  # production\n  prod:" in written
    assert "contacts: [api-beheer@stad-gent.example]\n" in written
    again = Hand()
    assert (again.scopes, again.jwks, again.products) == (hand.scopes, hand.jwks, hand.products)


def test_a_product_goes_with_the_last_of_its_scopes(workspace: Workspace) -> None:
    """No form may configure a product without one; the configuration that is still there is left
    for the next run, which the document says."""
    hand = Hand()
    del hand.scopes["dv_dosis_schrijven"]
    text = hand.text()
    assert "product dosis goes too, for none of its scopes is left" in text
    result = take_in(text)
    assert result.exit_code == 0, result.output
    assert tni(workspace)["scopes"].keys() == {"dv_notificaties_import"}
    assert tni(workspace)["products"].keys() == {"notificaties"}


def test_an_attribute_goes_with_the_last_scope_of_its_product(workspace: Workspace) -> None:
    workspace.write("catalogue/woordenboek.yaml", DICTIONARY)
    workspace.write_form(
        FORM.replace("      dv_not", "      dv_woorden: {reason: taal}\n      dv_not", 1).replace(
            "  prod:", "    attributes: {setbyclient_afdeling: zaken}\n  prod:", 1
        )
    )
    hand = Hand()
    del hand.scopes["dv_woorden"]
    text = hand.text()
    lost = "attribute setbyclient_afdeling goes too, for no scope of product woordenboek is left"
    assert lost in text
    result = take_in(text)
    assert result.exit_code == 0, result.output
    assert "attributes" not in tni(workspace)


def test_what_the_form_says_elsewhere_of_a_product_that_goes_is_said(workspace: Workspace) -> None:
    workspace.write_form(f"{FORM}retire: {{dosis: 2999-01-01}}\n")
    hand = Hand()
    del hand.scopes["dv_dosis_schrijven"], hand.products["dosis"]
    text = hand.text()
    said = "# the form first has to be corrected by hand, else acmidm new --from refuses this: "
    assert f'{said}"dosis" is no platform or product of this form' in text
    assert take_in(text).exit_code == 2
    workspace.write_form(FORM)
    hand.jwks = {KEY["kid"]: dict(KEY)}
    assert said not in hand.text()
    assert take_in(hand.text()).exit_code == 0


def test_a_scope_of_a_form_that_leaves_is_left_and_why_is_said(workspace: Workspace) -> None:
    workspace.write_form(f"{FORM}retire: 2020-01-01\n")
    hand = Hand()
    hand.scopes["dv_register_lezen"] = False
    assert (
        "granted scope dv_register_lezen by hand: its form retires it; take it out of retire first,"
        " if it stays"
    ) in hand.refused()


def test_keys_products_contacts_and_attributes_are_taken_over(workspace: Workspace) -> None:
    """A key gets a file of ours; its thumbprint is said, to be confirmed."""
    workspace.write("catalogue/woordenboek.yaml", DICTIONARY)
    workspace.write_form(
        FORM.replace("      dv_not", "      dv_woorden: {reason: taal}\n      dv_not", 1)
    )
    hand = Hand()
    hand.jwks[KEY["kid"]] = dict(KEY)
    hand.products["notificaties"]["product_ids"] = ["10299"]
    changed = {
        "contacts": ("nieuw@stad-gent.example",),
        "attributes": {"setbyclient_afdeling": "burgerzaken"},
    }
    hand.metadata = hand.metadata.model_copy(update=changed)
    result = take_in(hand.text())
    assert result.exit_code == 0, result.output
    assert "new public key mijn-gent-tni-" in result.stdout
    assert "notificaties.product_ids 10244, 10245 → 10299" in result.stdout
    [added] = workspace.forms.glob("gent/mijn-gent-tni-*.jwk.json")
    assert json.loads(added.read_text()) == KEY
    again = Hand()
    assert again.jwks.keys() == hand.jwks.keys()
    assert again.products == hand.products
    assert again.metadata == hand.metadata


@pytest.mark.usefixtures("workspace")
def test_what_no_form_may_have_is_left_and_said() -> None:
    """A right of operators, what the catalogue has not, another's name, a weak key; all else is
    taken over. It is said in the document too."""
    hand = Hand()
    hand.scopes |= dict.fromkeys(("management_write", "dv_onbekend", "dv_register_lezen"), False)
    hand.products["dosis"]["bron_uri"] = "urn://brugge/loket"
    hand.jwks["weak"] = {**public_key("weak", size=1024), "kid": "weak"}
    hand.metadata = hand.metadata.model_copy(update={"client_name": "Anders"})
    taken = hand.take_over()
    document = yaml.safe_load(taken.text())
    assert document["form"]["environments"]["tni"].keys() == {"scopes"}
    assert document["form"]["environments"]["tni"]["scopes"].keys() == {"dv_register_lezen"}
    assert document["without"] == {}
    said = "\n".join(taken.notes)
    for sentence in (
        "it is a right of operators, which no form may have",
        'scope "dv_onbekend" is not in the catalogue',
        '"urn://brugge/loket", for which Stad Gent does not speak',
        "client_name",
        "weak",
    ):
        assert sentence in said, said
    assert all(f"# {note}" in taken.text().splitlines() for note in taken.notes)


def test_a_compromised_key_and_one_of_a_supplier_are_left(workspace: Workspace) -> None:
    workspace.write_key(KEY, "gent/stolen")
    workspace.write_form(
        FORM.replace("[tni.jwk.json]", "[tni.jwk.json, {file: stolen.jwk.json, compromised: true}]")
    )
    hand = Hand()
    hand.jwks[KEY["kid"]] = dict(KEY)
    assert "the form says that this key is compromised" in hand.refused()
    workspace.write_supplier()
    hand = Hand()
    hand.jwks[KEY["kid"]] = dict(KEY)
    assert "the key is that of supplier leverancier, by a mandate" in hand.refused()


def test_a_form_with_the_keys_of_a_supplier_takes_over_the_rest(workspace: Workspace) -> None:
    workspace.write_supplier()
    hand = Hand()
    del hand.scopes["dv_dosis_schrijven"], hand.products["dosis"]
    result = take_in(hand.text())
    assert result.exit_code == 0, result.output
    assert "loses dosis, dv_dosis_schrijven" in result.stdout
    assert tni(workspace)["scopes"].keys() == {"dv_notificaties_import"}


def test_what_the_form_may_not_lose_or_have_is_left(workspace: Workspace) -> None:
    """A configuration whose scope stays, a field that is required, the only contact, the key of
    another environment, and any key where the client has a secret: acmidm new --from would refuse
    the whole document."""
    hand = Hand()
    hand.scopes["dv_register_lezen"] = False
    del hand.products["dosis"], hand.products["notificaties"]["merk_code"]
    hand.metadata = hand.metadata.model_copy(update={"contacts": ()})
    hand.jwks["prod"] = public_key("prod")
    taken = hand.take_over()
    assert [change.subject for change in taken._accepted] == ["dv_register_lezen"]
    said = "\n".join(taken.notes)
    for sentence in (
        "the client keeps dv_dosis_schrijven, for which a form needs the configuration; take these"
        " away in the portal too, or put the configuration back: acmidm drift --stack tni --heal",
        '"merk_code" is missing',
        '"contacts" is empty',
        'key "prod" is that of tni too',
    ):
        assert sentence in said, said
    assert take_in(filled_in(taken.text())).exit_code == 0
    workspace.write_form(
        WITHOUT_KEYS.replace("private_key_jwt", "client_secret_basic")
        + "exemptions: {client-secret: {reason: none, reference: SD-1}}\n"
    )
    hand = Hand()
    hand.jwks[KEY["kid"]] = dict(KEY)
    assert "the client authenticates with client_secret_basic" in hand.refused()


def test_a_key_and_a_contact_change_where_the_form_has_as_many_as_it_may(
    workspace: Workspace,
) -> None:
    keys = {name: public_key(name, kty="EC", crv="P-256") for name in ("b", "c", "d", "e")}
    for name, key in keys.items():
        workspace.write_key(key, f"gent/{name}")
    contacts = [f"a{number}@stad-gent.example" for number in range(MOST_CONTACTS)]
    files = ", ".join(["tni.jwk.json", *(f"{name}.jwk.json" for name in keys)])
    workspace.write_form(
        FORM.replace("[tni.jwk.json]", f"[{files}]").replace(
            "[api-beheer@stad-gent.example]", f"[{', '.join(contacts)}]"
        )
    )
    hand = Hand()
    assert len(hand.jwks) == MOST_KEYS
    del hand.jwks["e"]
    hand.jwks[KEY["kid"]] = dict(KEY)
    changed = ("nieuw@stad-gent.example", *contacts[1:])
    hand.metadata = hand.metadata.model_copy(update={"contacts": changed})
    result = take_in(hand.text())
    assert result.exit_code == 0, result.output
    again = Hand()
    assert again.jwks.keys() == hand.jwks.keys()
    assert set(again.metadata.contacts) == set(changed)


@pytest.mark.usefixtures("workspace")
def test_a_form_keeps_a_key() -> None:
    """Where a hand took the last one, all keys stay."""
    hand = Hand()
    hand.jwks.clear()
    assert "the form would have 0 keys, and has to have 1 to" in hand.refused()


@pytest.mark.tool
@pytest.mark.usefixtures("workspace")
def test_production_waits_for_its_proof() -> None:
    """What the gate keeps from production is no scope of the form either, and why is said."""
    hand = Hand("prod", promotionGate="enforce")
    hand.scopes["dv_register_lezen"] = False
    refused = hand.refused()
    assert "granted scope dv_register_lezen" in refused
    assert "acmidm probe" in refused
    hand = Hand("prod")
    hand.scopes["dv_register_lezen"] = False
    assert "dv_register_lezen" in hand.text()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda _: None, "nobody changed anything by hand on stack tni"),
        (lambda hand: setattr(hand, "is_there", False), "somebody removed the client"),
        (
            lambda hand: setattr(
                hand, "metadata", hand.metadata.model_copy(update={"managed_by": "other/prod"})
            ),
            'the client has another\'s mark, "other/prod"',
        ),
    ],
)
def test_what_is_no_take_over_is_refused(
    workspace: Workspace, change: Callable[[Hand], None], sentence: str
) -> None:
    hand = Hand()
    change(hand)
    assert sentence in hand.refused()
    assert workspace.sentences() == []


@pytest.mark.usefixtures("workspace")
def test_a_configuration_with_anothers_mark_is_left() -> None:
    hand = Hand()
    hand.owner, hand.products["dosis"]["bron_uri"] = Owner("x", "other/prod"), "urn://gent/ander"
    assert 'the configuration has another\'s mark, "other/prod"' in hand.refused()


@pytest.mark.parametrize(
    "value",
    ["- x: {a: *b}\n# c", "\x1b[31m", "\u2028", "!!python/object:x", "&a *a", "'\""],
)
@pytest.mark.usefixtures("workspace")
def test_what_an_authority_says_is_data(value: str) -> None:
    """Whatever it is in YAML: the document has it as it was, or not at all. No private key is in
    it, or in what is said."""
    hand = Hand()
    hand.scopes["dv_register_lezen"] = False
    hand.products["notificaties"]["link"] = value
    text = hand.text()
    request = yaml.safe_load(text)["form"]["environments"]["tni"]
    assert request.get("products", {}) in ({}, {"notificaties": {"link": value}})
    assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.usefixtures("workspace")
def test_a_document_that_nobody_could_read_is_not_written() -> None:
    """An authority has more than a file of ours may have."""
    hand = Hand()
    hand.products["notificaties"]["product_ids"] = ["1" * 1_000] * 70
    assert "the file is larger than 65536 bytes" in hand.refused()


@pytest.mark.usefixtures("workspace")
def test_a_private_key_is_in_no_output() -> None:
    """Among the keys, in a field, in a name: it is left, and not repeated."""
    key = private_key("stolen", kty="EC", crv="P-256")
    hand = Hand()
    hand.jwks["stolen"] = key
    hand.products["notificaties"]["link"] = json.dumps(key)
    hand.scopes["dv_register_lezen"] = False
    taken = hand.take_over()
    said = "\n".join([*taken.notes, taken.text()])
    assert key["d"] not in said
    document = yaml.safe_load(taken.text())
    assert "keys" not in document
    assert document["form"]["environments"]["tni"].keys() == {"scopes"}


def test_several_clients_are_one_file(workspace: Workspace) -> None:
    """All of it or nothing, also where one has a misspelt name."""
    workspace.write_form(
        FORM.partition("  prod:")[0]
        .replace("mijn-gent", "loket")
        .replace("    jwks: [tni.jwk.json]\n", ""),
        "gent/loket",
    )
    first, second = (
        {
            "organisation": {"name": "Stad Gent", "ovo": "OVO002067"},
            "form": {
                "application": application,
                "contacts": ["api-beheer@stad-gent.example"],
                "environments": {"tni": {"scopes": {"dv_register_lezen": {"reason": reason}}}},
            },
            "without": {},
        }
        for application, reason in (("mijn-gent", "dossiers"), ("loket", ""))
    )
    text = yaml.safe_dump_all([first, second], sort_keys=False)
    before = contents()
    refused = take_in(text)
    assert refused.exit_code == 2
    assert 'nobody has said why "dv_register_lezen" is needed' in refused.stderr
    assert "nobody" in refused.stderr
    Path("change.yaml").unlink()
    assert contents() == before
    misspelt = take_in(text.replace("without", "witout", 1))
    assert 'unknown field "witout"; did you mean "without"?' in misspelt.stderr
    assert "YAML" not in misspelt.stderr
    result = take_in(text.replace("reason: ''", "reason: taken"))
    assert result.exit_code == 0, result.output
    for name in ("mijn-gent", "loket"):
        form = yaml.safe_load((workspace.forms / f"gent/{name}.yaml").read_text())
        assert "dv_register_lezen" in form["environments"]["tni"]["scopes"]


def test_a_document_for_a_form_that_is_not_there_is_refused(workspace: Workspace) -> None:
    """The form may have gone meanwhile, and no hand makes a new one."""
    hand = Hand()
    hand.scopes["dv_register_lezen"] = False
    text = filled_in(hand.text())
    (workspace.forms / "gent/mijn-gent.yaml").unlink()
    refused = take_in(text)
    assert refused.exit_code == 2
    assert "has no form of mijn-gent, and a hand changes none that is new" in refused.stderr


def test_how_a_form_ends_its_lines_leaves_nothing_out(workspace: Workspace) -> None:
    """Some as on Windows: it is not edited before that is put right, and what it gets is the same.
    It was left out, and whoever healed then lost it."""
    workspace.write_form(FORM.replace("\n", "\r\n", 2))
    hand = Hand()
    hand.scopes["dv_register_lezen"] = False
    assert hand.take_over().notes == []
    text = filled_in(hand.text())
    assert "save it with one kind of line ending first" in take_in(text).stderr
    workspace.write_form(FORM)
    assert take_in(text).exit_code == 0


def test_a_document_by_an_earlier_code_is_answered_by_that_code_alone(workspace: Workspace) -> None:
    """Whose form it is stays unclear, so that none is missed."""
    organisation = (workspace.forms / "gent/organisation.yaml").read_text()
    workspace.write_organisation(f"{organisation}formerly: OVO001234\n")
    hand = Hand()
    hand.scopes["dv_register_lezen"] = False
    refused = take_in(filled_in(hand.text()).replace("OVO002067", "OVO001234"))
    assert refused.exit_code == 2
    sentence, outcome = refused.stderr.splitlines()
    assert 'gent had "OVO001234" earlier, and has "OVO002067" now; give that code' in sentence
    assert "the sender has nothing to correct" in outcome


@pytest.mark.usefixtures("workspace")
def test_a_file_of_the_page_takes_nothing_away() -> None:
    """What a take-over may say beside scopes, a sender may not."""
    hand = Hand()
    hand.scopes["dv_register_lezen"] = True
    document = yaml.safe_load(filled_in(hand.text()))
    del document["without"]
    refused = take_in(yaml.safe_dump(document))
    assert refused.exit_code == 2
    assert 'unknown field "default"' in refused.stderr


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("nothing", [{}, None])
def test_a_take_over_may_take_nothing_away(nothing: object) -> None:
    """``without:`` with nothing behind it says that too."""
    hand = Hand()
    hand.scopes["dv_register_lezen"] = True
    document = yaml.safe_load(filled_in(hand.text()))
    result = take_in(yaml.safe_dump({**document, "without": nothing}))
    assert result.exit_code == 0, result.output


@pytest.mark.usefixtures("workspace")
def test_whoever_writes_a_take_over_is_checked_as_any_sender() -> None:
    """Anybody can write ``without: {}``: whether they may speak for the organisation is still for a
    person to check, and where they call it otherwise is still said."""
    hand = Hand()
    hand.scopes["dv_register_lezen"] = True
    document = yaml.safe_load(filled_in(hand.text()))
    document["organisation"]["name"] = "Stad Gentt"
    result = take_in(yaml.safe_dump(document))
    assert result.exit_code == 0, result.output
    assert "Stad Gent exists already: check that the sender may speak for it" in result.stdout
    assert 'gent is "Stad Gent" here, and not "Stad Gentt"' in result.stdout
    assert "check that acmidm drift --take-over wrote it" in result.stdout


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("mark", [False, 0, "", []])
def test_no_other_value_marks_a_take_over(mark: object) -> None:
    """What is no mapping takes nothing over, and allows no field that a sender may not have."""
    hand = Hand()
    hand.scopes["dv_register_lezen"] = True
    document = yaml.safe_load(filled_in(hand.text()))
    before = contents()
    refused = take_in(yaml.safe_dump({**document, "without": mark}))
    Path("change.yaml").unlink()
    assert refused.exit_code == 2
    assert contents() == before


@pytest.mark.parametrize(
    ("words", "english", "dutch"),
    [
        (["--take-over"], "name the clients whose changes", "noem de clients waarvan"),
        (["mijn-gent"], "only --take-over takes clients", "alleen bij --take-over"),
        (["--take-over", "x", "--heal"], "leave --heal, --strict", "laat --heal, --strict"),
    ],
)
def test_wrong_use_is_said(words: list[str], english: str, dutch: str) -> None:
    for language, sentence in (("en", english), ("nl", dutch)):
        result = CliRunner().invoke(app, ["drift", *words, "--language", language])
        assert (result.exit_code, result.stdout) == (2, "")
        assert sentence in result.stderr


def test_a_client_is_named_as_drift_names_it() -> None:
    """By its client-ID, its application or its key; one of several, and one that nobody declares,
    are refused in both languages."""
    first, second = (replace(client("loket"), client_id=name) for name in ("one", "two"))
    second = replace(second, platform=Platform.GEOSECURE)
    nobodys = UndeclaredClient(
        platform=Platform.ACMIDM,
        client_id="three",
        client_name="Nobody's",
        organisation="Stad Gent",
        application="ander",
    )
    look = Look(drift_report(undeclared=(nobodys,)), by_hand((first, first), (second, second)))
    assert _client_named("one", look).recorded == first
    assert _client_named(f"{first.key}/geosecure", look).recorded == second
    for language, several, declared_by_nobody in (
        (Language.EN, "names several clients", "is a client that nobody declares"),
        (Language.NL, "verschillende clients", "is een client die niemand aanvraagt"),
    ):
        speak(language)
        for word, sentence in (("loket", several), ("three", declared_by_nobody)):
            with pytest.raises(Failure, match=sentence):
                _client_named(word, look)
    speak(Language.EN)


TAKEN_OVER = {
    "organisation": {"name": "Stad Gent", "ovo": "OVO002067"},
    "form": {
        "application": "mijn-gent",
        "contacts": ["api-beheer@stad-gent.example"],
        "environments": {
            "tni": {
                "jwks": ["key-1.jwk.json"],
                "scopes": {"dv_register_lezen": {"reason": "x", "default": True}},
                "products": {"notificaties": {"link": "x"}},
            }
        },
    },
    "keys": {"key-1.jwk.json": KEY},
    "without": {
        "contacts": ["weg@stad-gent.example"],
        "scopes": ["dv_dosis_schrijven"],
        "keys": ["x"],
        "products": ["dosis", "notificaties.link"],
        "attributes": ["x"],
    },
}


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated(TAKEN_OVER))
def test_whatever_takes_over_is_taken_in_or_refused_in_sentences(
    workspace: Workspace, document: object
) -> None:
    """What is written is valid; what is refused changes nothing."""
    for file in workspace.forms.glob("gent/mijn-gent*"):
        file.unlink()
    workspace.write_form(FORM)
    text = yaml.safe_dump(document, allow_unicode=True)
    Path("change.yaml").write_bytes(text.encode("utf-8", "replace"))
    before = contents()
    result = CliRunner().invoke(app, ["new", "--from", "change.yaml"])
    assert result.exit_code in (0, 2), (result.output, result.exception)
    assert all(line.isprintable() for line in result.output.splitlines())
    if result.exit_code:
        assert contents() == before
    assert workspace.sentences() == []


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(content.map(lambda data: data.decode("utf-8", "replace")))
@pytest.mark.usefixtures("workspace")
def test_whatever_an_authority_has_comes_out_as_data(value: str) -> None:
    """In a field, as a contact, as a name: the document can be read, and has that or nothing."""
    hand = Hand()
    hand.scopes |= {"dv_register_lezen": False, value: False}
    hand.products["notificaties"]["link"] = value
    hand.metadata = hand.metadata.model_copy(update={"contacts": (value,), "client_name": value})
    taken = hand.take_over()
    document = yaml.safe_load(taken.text())
    request = document["form"]["environments"]["tni"]
    assert request["scopes"].keys() == {"dv_register_lezen"}
    assert request.get("products", {}) in ({}, {"notificaties": {"link": value}})
    assert all(line.isprintable() for line in taken.text().splitlines())
