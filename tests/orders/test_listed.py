"""What orders say to whoever carries them out: what to do in the portal's own words, values to
copy, what to bring back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

import pytest

from acmidm.orders.listed import ListedOrder, Orders, listed, orders_of
from acmidm.orders.writing import confirm, refuse
from acmidm.terminal import speaking
from acmidm_onboarding.rules.orders import Doer, Order, Rules, targets
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import Language
from tests.support.by_hand import adopt
from tests.support.by_hand_stack import (
    CONFIRMED,
    carry_out,
    opened,
    order_of,
    recorded,
    set_by_hand,
)
from tests.support.changed import changed
from tests.support.confirmed import BY, CLIENT_ID
from tests.support.forms import PLAIN, SEND, FormFile
from tests.support.rendering import as_html, print_report
from tests.support.repository import Repository

PORTAL = "https://beheerportaal-ti.vlaanderen.be"
NL, EN = Language.NL, Language.EN


def shown(part: str, language: Language = EN, **how: Any) -> ListedOrder:
    stack = opened(**how)
    return shown_in(language, stack, order_of(stack, part))


def shown_in(language: Language, stack: Stack, order: Order) -> ListedOrder:
    with speaking(language):
        return listed(stack, order)


def page_of(report: Orders) -> str:
    """The page, without the places where a long name may go on in the next line."""
    return as_html(report).replace("<wbr>", "")


def values(order: ListedOrder) -> dict[str, str]:
    return {
        value.label: value.value
        for instruction in order.instructions
        for value in instruction.values
    }


def words(order: ListedOrder) -> str:
    return " ".join(instruction.text for instruction in order.instructions)


def test_a_new_client(form: FormFile) -> None:
    """In the portal's order: create, what to fill in, which API to couple by its Referentie, which
    scopes; and the client-ID to bring back."""
    order = shown("create", NL)
    assert (order.doer, order.act_title) == (Doer.OPERATOR, "Nieuwe OAuth client aanmaken")
    first, *couplings, last = order.instructions
    assert f"Ga in {PORTAL} naar" in first.text
    assert "kies Nieuwe OAuth client aanmaken" in first.text
    assert {value.value for value in first.values} >= {
        "Stad Gent - mijn-app",
        "Stad Gent",
        "OVO002067",
        "private_key_jwt",
        "api-beheer@stad-gent.example",
    }
    assert [one.text.startswith("Koppel de client") for one in couplings] == [True, True]
    assert {value.value for one in couplings for value in one.values} >= {PLAIN, SEND}
    assert all(one.values[0].label == "Referentie" for one in couplings)
    assert "client-ID" in last.text
    assert (
        order.done
        == f"acmidm orders done {form.key} create @{order.digest} --client-id … --stack hand"
    )
    assert order.digest == order_of(opened(), "create").full_digest


def test_what_the_owner_of_an_api_does_after_the_approval(form: FormFile) -> None:
    """With the order, in its reader's language; and the form's client has it for mail and list."""
    form.request()["scopes"]["awv_toep_services"] = {}
    form.save()
    stack = opened()
    confirm(stack, order_of(stack, "create"), BY, client_id=CLIENT_ID)
    stack = opened()
    [approval] = [order for order in stack.orders if order.doer is Doer.API_OWNER]
    assert "systeemgebruiker" in words(shown_in(NL, stack, approval))
    assert "system user" in words(shown_in(EN, stack, approval))
    [connection] = opened().forms.connections
    assert {
        language: "AWV-Toepassingen" in said for language, said in connection.afterwards.items()
    } == {
        NL: True,
        EN: True,
    }


def test_what_the_owner_of_an_api_wants_first(form: FormFile) -> None:
    """Said once before what is to be granted, for all its scopes, and for no other API."""
    assert "protocol" not in words(shown("create"))
    form.request()["scopes"] |= {"vstg_facturatie": {}, "vstg_validaties": {}}
    form.save()
    instructions = shown("create").instructions
    texts = [instruction.text for instruction in instructions]
    [first] = [number for number, text in enumerate(texts) if "wants a protocol first" in text]
    assert "vstg_facturatie" in {value.value for value in instructions[first + 1].values}


@pytest.mark.parametrize("language", list(Language))
def test_every_act_is_said_in_both_languages(
    repository: Repository, form: FormFile, language: Language
) -> None:
    """No text is missing, no blank is left, and no command either."""
    form.request()["scopes"]["elys_arts"] = {}
    form.save()
    repository.write("portaal", environment="tni", keys=(), scopes=(PLAIN,))
    adopted = repository.write("oud", environment="tni", scopes=(PLAIN,))
    adopt(adopted, "old-client")
    acts = set()
    for _ in range(3):
        stack = opened()
        for order in stack.orders:
            acts.add(order.act.value)
            one = shown_in(language, stack, order)
            text = f"{one.act_title} {words(one)} {one.done} {' '.join(values(one))}"
            assert "{" not in text
            assert one.done.startswith(f"acmidm orders done {order.whole_name} ")
            ids = {"create": order.client_id or f"client-of-{order.client_key[0]}"}
            confirm(stack, order, BY, client_id=ids.get(order.part), keys=())
        if not opened().orders:
            break
    form.request()["scopes"].pop("elys_arts")
    form.document["contacts"] = ["b@stad-gent.example"]
    form.request()["products"]["notificaties"]["merk_code"] = "nieuw"
    form.save()
    adopted.path.unlink()
    stack = opened()
    for order in stack.orders:
        acts.add(order.act.value)
        assert "{" not in words(shown_in(language, stack, order))
    assert acts == {
        "create",
        "compare",
        "change",
        "grant",
        "approve",
        "upload",
        "look",
        "configure",
        "remove",
    } - {"grant"}


def test_a_change_has_what_differs_and_nothing_else(form: FormFile) -> None:
    carry_out(opened())
    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.request()["products"]["notificaties"]["merk_code"] = "nieuw"
    form.request()["scopes"]["dvl_dcbaas_info"] = {}
    del form.request()["scopes"][PLAIN]
    form.save()
    change = shown("client")
    assert values(change) == {"Contacts (Contacten)": "nieuw@stad-gent.example"}
    assert f"open client {CLIENT_ID} of Stad Gent, and change:" in words(change)
    product = shown("product/notificaties")
    assert (values(product), product.doer) == ({"merk_code": "nieuw"}, Doer.PRODUCT_TEAM)
    scopes = shown("scopes")
    assert {"grant scope": "dvl_dcbaas_info", "withdraw scope": PLAIN}.items() <= values(
        scopes
    ).items()
    assert SEND not in values(scopes).values()


def test_what_is_withdrawn_alone(form: FormFile) -> None:
    """Nobody couples anything for it, nor approves it, whoever does it."""
    form.request()["scopes"]["elys_arts"] = {}
    form.save()
    carry_out(opened())
    for scope in (PLAIN, "elys_arts"):
        del form.request()["scopes"][scope]
    form.save()
    by_operator, by_owner = shown("scopes"), shown("scopes/elys")
    assert [order.act_title for order in (by_operator, by_owner)] == ["Withdraw scopes"] * 2
    assert (
        by_operator.instructions[1].text
        == "Withdraw from the client what it has of Organisatieregister:"
    )
    for order, scope in ((by_operator, PLAIN), (by_owner, "elys_arts")):
        assert "Couple the client" not in words(order)
        assert values(order)["withdraw scope"] == scope
    assert shown("scopes", NL).act_title == "Scopes intrekken"


def test_a_product_that_is_taken_away(form: FormFile) -> None:
    carry_out(opened())
    del form.request()["scopes"][SEND]
    del form.request()["products"]["notificaties"]
    form.save()
    order = shown("product/notificaties")
    assert "remove what is registered for client" in words(order)
    assert set(values(order).values()) == {"(nothing)"}


def test_keys_to_upload_and_to_remove(form: FormFile) -> None:
    """By kid and thumbprint; the organisation does it, with the public half to copy."""
    carry_out(opened())
    form.request()["jwks"] = []
    form.add_key("key-2")
    form.save()
    order = shown("keys")
    assert order.doer is Doer.ORGANISATION
    uploaded, removed = order.instructions[1:]
    assert uploaded.values[0].value == "key-2"
    assert '"d"' not in " ".join(value.value for value in uploaded.values)
    assert removed.values[0].value == "key-1"


def test_a_stolen_key_comes_first_and_is_named(repository: Repository, form: FormFile) -> None:
    """In the list before all that others have to do, and in its order before what is uploaded."""
    repository.write("aaa", environment="tni", scopes=(PLAIN,))
    for key in (form.key, "OVO002067/aaa"):
        carry_out(opened(), f"client-of-{key}", key)
    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.request()["jwks"] = [
        {"file": file, "compromised": True} for file in form.request()["jwks"]
    ]
    form.add_key("key-2")
    form.save()
    other = repository.folder / "onboardings/gent/aaa.yaml"
    other.write_text(other.read_text().replace("api-beheer@", "nieuw@"))
    stack = opened()
    assert [(order.client_key[0], order.part) for order in stack.orders] == [
        (form.key, "keys"),
        ("OVO002067/aaa", "client"),
        (form.key, "client"),
    ]
    order = shown("keys", NL)
    assert order.act_title == "Gestolen publieke sleutel meteen verwijderen"
    assert [instruction.text for instruction in order.instructions[1:]] == [
        "Deze publieke sleutel is gestolen. Verwijder hem meteen:",
        "Laad deze publieke sleutel op als JSON Web Key:",
    ]
    assert shown("keys").act_title == "Remove a stolen public key at once"


def test_the_key_of_an_ended_supplier_is_named_so(form: FormFile) -> None:
    """By whoever manages the client of the organisation."""
    carry_out(opened())
    stack = opened()
    (connection,), (confirmed,) = stack.forms.connections, stack.confirmations.values()
    revoked = dict.fromkeys(connection.keys.thumbprints, "leverancier")
    ended = changed(connection, jwks={}, revoked=revoked)
    ordered = targets(ended, confirmed, stack.order_rules)
    order = listed(stack, next(one for one in ordered if one.part == "keys"))
    assert order.act_title == "Remove the public keys of leverancier, which acts here no more"
    assert order.doer is Doer.OPERATOR
    assert order.instructions[1].text == "Remove this public key of leverancier:"
    assert form.key == order.key


def test_an_old_key_that_goes_is_no_upload(form: FormFile) -> None:
    form.add_key("key-2")
    form.save()
    carry_out(opened())
    form.request()["jwks"].pop(0)
    form.save()
    assert shown("keys").act_title == "Remove public keys"


def test_whom_the_owner_of_an_api_asks(form: FormFile) -> None:
    """The owner approves, by the Referentie of the API; the client has the name that the owner
    prescribes."""
    form.request()["scopes"] = {"elys_arts": {}}
    form.request()["products"] = {}
    form.save()
    assert "eLys beta Stad Gent client" in values(shown("create")).values()
    stack = opened()
    confirm(stack, order_of(stack, "create"), BY, client_id=CLIENT_ID)
    order = shown("scopes/elys")
    assert order.doer is Doer.API_OWNER
    assert values(order) == {
        "Referentie": "eLys (Digitale Aangifte Overlijden) API beta",
        "grant scope": "elys_arts",
    }


def test_what_waits_and_what_was_refused(
    form: FormFile, capsys: pytest.CaptureFixture[str]
) -> None:
    """By whoever carries it out; a refusal has who, when and why; since when is in days."""
    stack = opened()
    confirm(stack, order_of(stack, "create"), BY, client_id=CLIENT_ID)
    refuse(opened(), order_of(opened(), "keys"), "no key came", BY)
    stack = opened(now=datetime(2026, 11, 28, 12, tzinfo=UTC))
    since = stack.now - timedelta(days=3)
    report = orders_of(stack, stack.orders, lambda _: since)
    assert {doer: [one.part for one in found] for doer, found in report.by_doer.items()} == {
        Doer.PRODUCT_TEAM: ["product/notificaties"]
    }
    assert report.waiting(report.open[0]) == "waiting for 3 days"
    today = orders_of(stack, stack.orders, lambda _: stack.now)
    assert today.waiting(today.open[0]) == "since today"
    assert report.title == "hand: 1 order"
    print_report(report)
    text = capsys.readouterr().out
    assert f"refused by {BY.by} on 28 November 2026: no key came" in text
    assert "product/notificaties" in text
    assert form.key in text


def test_a_client_of_which_nobody_knows(form: FormFile, capsys: pytest.CaptureFixture[str]) -> None:
    carry_out(opened())
    (CONFIRMED / "OVO002067/mijn-app.yaml").unlink()
    stack = opened(recorded(form.key))
    report = orders_of(stack, ())
    assert report.missing == (form.key,)
    print_report(report)
    assert "the confirmation of OVO002067/mijn-app is missing" in capsys.readouterr().out
    assert "the confirmation of OVO002067/mijn-app is missing" in page_of(report)


def test_what_others_wrote_is_text_on_a_page(repository: Repository, form: FormFile) -> None:
    """A name and a value of a form's author, and a reason of whoever refused: all are shown, and
    nothing of them is markup."""
    name, value, reason = (f"<script>alert({number})</script>" for number in (1, 2, 3))
    form.organisation["name"] = f"Gent {name}"
    form.request()["products"]["notificaties"]["merk_code"] = value
    form.save()
    set_by_hand(repository, portalUrl="https://portaal.example")
    stack = opened()
    confirm(stack, order_of(stack, "create"), BY, client_id=CLIENT_ID)
    stack = opened()
    refuse(stack, order_of(stack, "keys"), reason, BY)
    stack = opened()
    page = page_of(orders_of(stack, stack.orders, is_whole=True))
    for text in (name, value, reason):
        assert text not in page
        assert escape(text) in page


def test_rules_are_those_of_the_stack(repository: Repository, form: FormFile) -> None:
    set_by_hand(repository, keyOverlapDays="3", evidenceMaxDays="5")
    rules: Rules = opened().order_rules
    assert (rules.overlap_days, rules.evidence_max_days) == (3, 5)
    assert form.code
