"""Forms, right and wrong, in the one table that the page, the loader and the editor's schema are
held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.workspace import public_key

Change = Callable[[dict[str, Any]], object]
KEY = {**public_key("sent", kty="EC", crv="P-256"), "use": "sig", "alg": "ES256"}


def filled_in() -> dict[str, Any]:
    """A file of the page for two products, with all that is required, which is right."""
    notificaties = {
        "aanbieder_uri": "https://data.vlaanderen.be/id/organisatie/OVO001234",
        "merk_code": "stad-brugge",
        "product_ids": ["10244"],
    }
    request = {
        "jwks": ["loket-tni.jwk.json"],
        "scopes": {
            "dv_notificaties_import": {"reason": "dossiers melden"},
            "dv_dosis_schrijven": {},
        },
        "products": {
            "notificaties": notificaties,
            "dosis": {"bron_uri": "urn://brugge/loket", "product_ids": ["10244", "10245"]},
        },
    }
    return {
        "organisation": {
            "name": "Stad Brugge",
            "ovo": "OVO001234",
            "kbo": "0207.437.468",
            "language": "nl",
        },
        "form": {
            "application": "loket",
            "contacts": ["loket@brugge.example"],
            "environments": {"tni": request},
        },
        "keys": {"loket-tni.jwk.json": dict(KEY)},
    }


@dataclass(frozen=True)
class Case:
    """A change of what is filled in, and whether it is wrong then."""

    change: Change
    is_wrong: bool


def _organisation(**fields: str | None) -> Change:
    return lambda one: one.update(organisation=_with(one["organisation"], fields))


def _form(**fields: Any) -> Change:
    return lambda one: one.update(form=_with(one["form"], fields))


def _product(product: str, **fields: Any) -> Change:
    def change(one: dict[str, Any]) -> None:
        products = one["form"]["environments"]["tni"]["products"]
        products[product] = _with(products.get(product, {}), fields)

    return change


def _only(scope: str, **products: Any) -> Change:
    """One scope in the place of the two, with what its product needs; by the portal's keys."""

    def change(one: dict[str, Any]) -> None:
        del one["keys"]
        request = {"scopes": {scope: {}}, **({"products": products} if products else {})}
        one["form"]["environments"] = {"tni": request}

    return change


def _scope(**fields: str) -> Change:
    return lambda one: one["form"]["environments"]["tni"]["scopes"].update(
        dv_dosis_schrijven=fields
    )


def _production(one: dict[str, Any]) -> None:
    one["form"]["environments"] = {"prod": one["form"]["environments"]["tni"]}
    one["form"]["environments"]["prod"]["jwks"] = ["loket-prod.jwk.json"]
    one["keys"] = {"loket-prod.jwk.json": dict(KEY)}


def _with(fields: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


_PROEF = {"widget_id": "w-1", "app_id": "mijn-brugge", "test_url": "https://test.brugge.example"}
RIGHT: dict[str, Change] = {
    "as it is": lambda _: None,
    "a KBO number alone": _organisation(ovo=None),
    "a KBO number without dots": _organisation(kbo="0207437468"),
    "a KBO number with spaces": _organisation(kbo="0207 437 468"),
    "a KBO number as a VAT number": _organisation(kbo="BE0207437468"),
    "a VAT number with spaces": _organisation(kbo="BE 0207 437 468"),
    "a VAT number with dots": _organisation(kbo="BE 0207.437.468"),
    "an OVO code alone": _organisation(kbo=None),
    "the shared KBO number with an OVO code": _organisation(kbo="0316.380.841"),
    "a name with accents": _organisation(name="Stad Ieper (Ypres) – Ÿ’s é"),  # noqa: RUF001 - what names have
    "the longest name": _organisation(name="b" * 188),
    "a name that YAML would change": _organisation(name="Yes"),
    "the longest application": _form(application="a" * 64),
    "an application of digits": _form(application="2026"),
    "fifty contacts": _form(contacts=[f"a{number}@brugge.example" for number in range(50)]),
    "the longest reason": _scope(reason="r" * 500),
    "a reason that YAML would change": _scope(reason='no: "1.10" # x'),
    "a last day": _scope(until="2027-12-31"),
    "a last day in a leap year": _scope(until="2028-02-29", reason="proef"),
    "the last day of all": _scope(until="9999-12-31"),
    "production": _production,
    "a scope without a product": _only("dv_organisatieregister_info"),
    "one product": _only("dv_proef", proef=_PROEF),
    "a field that is true": _only("dv_proef", proef={**_PROEF, "analytics": True}),
    "a field that is a text": _only("dv_proef", proef={**_PROEF, "analytics": "ja"}),
    "channels": _product("notificaties", channels=["passief", "email"]),
    "an address to unsubscribe": _product(
        "notificaties", unsubscribe_link="https://brugge.example/uit?a=b"
    ),
    "a right with a context": _product("dosis", access_rights=["Raadpleger", "Recht - context"]),
    "the longest code": _product("notificaties", merk_code="m" * 255),
}
WRONG: dict[str, Change] = {
    "no name": _organisation(name=None),
    "a name that is too long": _organisation(name="b" * 189),
    "a Cyrillic letter": _organisation(name="Stad Вrugge"),  # noqa: RUF001 - that is what is tried
    "an invisible letter": _organisation(name="Stad\u3164Brugge"),
    "a zero width space": _organisation(name="Stad\u200bBrugge"),
    "text from right to left": _organisation(name="Stad \u202eBrugge"),
    "a superscript": _organisation(name="Stad Brugge²"),
    "no code": _organisation(ovo=None, kbo=None),
    "an OVO code of five digits": _organisation(ovo="OVO00123"),
    "a lower case OVO code": _organisation(ovo="ovo001234"),
    "OVO digits of another script": _organisation(ovo="OVO\u0660\u0660\u0661\u0662\u0663\u0664"),
    "wrong check digits": _organisation(kbo="0207.437.469"),
    "check digits 00": _organisation(kbo="0000.000.000"),
    "a KBO number of nine digits": _organisation(kbo="207.437.468"),
    "a VAT number of the Netherlands": _organisation(kbo="NL0207437468"),
    "BE behind the digits": _organisation(kbo="0207437468BE"),
    "the shared KBO number as a VAT number, alone": _organisation(ovo=None, kbo="BE 0316.380.841"),
    "a KBO number that begins with 2": _organisation(kbo="2207.437.468"),
    "the shared KBO number alone": _organisation(ovo=None, kbo="0316.380.841"),
    "no application": _form(application=None),
    "an application with a capital": _form(application="Loket"),
    "an application with two hyphens": _form(application="e--loket"),
    "an application with a hyphen at its end": _form(application="loket-"),
    "an application with an accent": _form(application="lokét"),
    "an application that is too long": _form(application="a" * 65),
    "an application called as a platform": _form(application="geosecure"),
    "no contact": _form(contacts=None),
    "a contact without a domain": _form(contacts=["loket@brugge"]),
    "a contact with two @": _form(contacts=["a@b@brugge.example"]),
    "a contact with a space": _form(contacts=["het loket@brugge.example"]),
    "a contact with an invisible letter": _form(contacts=["lo\u200bket@brugge.example"]),
    "a contact that is too long": _form(contacts=["a" * 240 + "@brugge.example"]),
    "fifty-one contacts": _form(contacts=[f"a{number}@brugge.example" for number in range(51)]),
    "a reason that is too long": _scope(reason="r" * 501),
    "a reason with an invisible letter": _scope(reason="mijn \u202edossiers"),
    "a last day in another order": _scope(until="31-12-2027"),
    "a last day with one digit": _scope(until="2027-1-31"),
    "a last day that the month lacks": _scope(until="2027-02-29"),
    "a thirteenth month": _scope(until="2027-13-01"),
    "a last day before all years": _scope(until="0000-01-01"),
    "a last day with a time": _scope(until="2027-12-31T00:00"),
    "no scheme": _product("notificaties", aanbieder_uri="data.vlaanderen.be/id"),
    "a URI with a space": _product("notificaties", aanbieder_uri="https://x.example/a b"),
    "a URI that is too long": _product("notificaties", aanbieder_uri="urn:" + "x" * 252),
    "no code of a brand": _product("notificaties", merk_code=None),
    "a code with an invisible letter": _product("notificaties", merk_code="stad\u00adbrugge"),
    "no product": _product("notificaties", product_ids=None),
    "the same product twice": _product("notificaties", product_ids=["10244", "10244"]),
    "two products in one": _product("notificaties", product_ids=["10244;10245"]),
    "an address to unsubscribe by mail": _product(
        "notificaties", unsubscribe_link="mailto:uit@brugge.example"
    ),
    "no source": _product("dosis", bron_uri=None),
    "a right with two spaces": _product("dosis", access_rights=["Recht  - context"]),
    "no widget": _only("dv_proef", proef={**_PROEF, "widget_id": "w 1"}),
    "a field that is too long": _only("dv_proef", proef={**_PROEF, "analytics": "j" * 256}),
}
CASES = {name: Case(change, False) for name, change in RIGHT.items()} | {
    name: Case(change, True) for name, change in WRONG.items()
}


def document_of(case: Case) -> dict[str, Any]:
    document = filled_in()
    case.change(document)
    return document
