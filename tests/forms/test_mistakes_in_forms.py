"""Every kind of mistake that a form can have is refused with its place, what is wrong and what to
do; all of them at once."""

from __future__ import annotations

import re

import pytest

from acmidm_onboarding.forms.form import Form
from tests.support.workspace import FORM, Workspace

GENT = "onboardings/gent/mijn-gent.yaml"
TNI_SCOPES = "      dv_notificaties_import: {}\n      dv_dosis_schrijven"
TNI_PRODUCTS = """\
    products:
      notificaties:
        merk_code: stad-gent
        product_ids: ["10244", "10245"]
      dosis:
"""

NOT_ONE_LINE = (
    "contains a line break, a control or invisible character, or a space at an end; write it on one"
    " line"
)
NO_KEYS = (
    '"jwks" is empty; name a key file; without this line, the organisation uploads its keys in the'
    " portal"
)
NO_NAME = (
    "is not an application name; use lower case letters, digits and single hyphens, 64 at most"
)
NO_DAY = "is no day; write one such as 2027-03-31"
NO_PART = "is no platform or product of this form; remove it here; known here: dosis, notificaties"
OF_A_PLATFORM = '"geosecure" is the name of a platform; name the application otherwise'

NAMED = {
    "in capitals": ("application: ▶Mijn Gent", f'"Mijn Gent" {NO_NAME}'),
    "with what a URN is made of": ("application: ▶a::b$c", f'"a::b$c" {NO_NAME}'),
    "too long": (f"application: ▶{'x' * 65}", f'"{"x" * 65}" {NO_NAME}'),
    "with the name of a platform": ("application: ▶geosecure", OF_A_PLATFORM),
    "once with the name of a platform": (
        "application: mijn-gent\nformerly: ▶geosecure",
        OF_A_PLATFORM,
    ),
    "once of a wrong shape": (
        "application: mijn-gent\nformerly: [loket, ▶OVO002067/loket]",
        f'"OVO002067/loket" {NO_NAME}',
    ),
}
ADDED = {
    "leaving what it is not on": ("retire: {▶geosecure: 2027-03-31}", f'"geosecure" {NO_PART}'),
    "leaving the platform that stays": (
        "retire: {▶acmidm: 2027-03-31}",
        (
            "acmidm is the platform that stays; give one day for the whole connection, as in"
            " retire: 2027-03-31"
        ),
    ),
    "leaving an unknown product": (
        "retire: {dosis: 2027-03-31, ▶register: 2027-03-31}",
        f'"register" {NO_PART}',
    ),
    "a day that there is not": ("retire: ▶2027-02-29", f'"2027-02-29" {NO_DAY}'),
    "a day written otherwise": ("retire: {dosis: ▶31/03/2027}", f'"31/03/2027" {NO_DAY}'),
    "no day at all": ("retire:▶", f"this {NO_DAY}"),
    "a moment is no day": ("retire: ▶20270331", f"this {NO_DAY}"),
    "no part has a day": ("retire: ▶{}", f"this {NO_DAY}"),
    "keeping by a text": (
        'retire: {on: 2027-03-31, keep: ▶"true"}',
        '"keep" is not true or false; write true or false',
    ),
    "keeping a part of it": (
        "retire: {dosis: 2027-03-31, ▶keep: true}",
        (
            "keep says that the client stays, and no day from which on; "
            "give the day, as in retire: {on: 2027-03-31, keep: true}"
        ),
    ),
    "leaving in part and as a whole": (
        "retire: {dosis: 2027-03-31, ▶on: 2027-06-30}",
        (
            "retire names the whole connection with on, and parts of it; "
            "give the whole its day, as in {on: 2027-03-31}, or each part its own"
        ),
    ),
    "a field that ended": (
        "▶preserve: true",
        (
            'unknown field "preserve"; write retire: {on: 2027-03-31, keep: true}, '
            "by which the client stays from that day on and nobody manages it"
        ),
    ),
}
ADDED_ON_TNI = {
    "unknown field of an environment": (
        "▶scope: {}",
        'unknown field "scope"; did you mean "scopes"?',
    ),
    "adopting where it is not": (
        'adopt: {▶geosecure: "6776"}',
        "geosecure is not among the platforms; add it there, or remove it here",
    ),
    "adopting on an unknown platform": (
        'adopt: {▶geosecur: "6776"}',
        '"geosecur" is not known; did you mean "geosecure"?',
    ),
    "control character in what is adopted": (
        'adopt: {acmidm: ▶"67\\e76"}',
        f'"acmidm" {NOT_ONE_LINE}',
    ),
    "a secret where there is none": (
        "▶secret_generation: 1",
        (
            "a client that authenticates with private_key_jwt has no secret; remove it here, or"
            " choose another token_endpoint_auth_method"
        ),
    ),
    "no secret at all": (
        "secret_generation: ▶0",
        '"secret_generation" is less than 1; write a larger number',
    ),
    "a truth for a number": (
        "secret_generation: ▶true",
        '"secret_generation" is not a whole number; write a whole number',
    ),
}
PLATFORMS, KEYS = "platforms: [acmidm]\n", "    jwks: [tni.jwk.json]\n"

SHAPE = {
    **{f"application {kind}": ("application: mijn-gent", *row) for kind, row in NAMED.items()},
    **{
        kind: (PLATFORMS, f"{PLATFORMS}{line}\n", sentence)
        for kind, (line, sentence) in ADDED.items()
    },
    **{
        kind: (KEYS, f"{KEYS}    {line}\n", sentence)
        for kind, (line, sentence) in ADDED_ON_TNI.items()
    },
    "unknown field, near a known one": (
        "contacts:",
        "▶contcts: [a@stad.example]\ncontacts:",
        'unknown field "contcts"; did you mean "contacts"?',
    ),
    "unknown field, near none": (
        "application: mijn-gent\n",
        "application: mijn-gent\n▶zzz: 1\n",
        f'unknown field "zzz"; known here: {", ".join(sorted(Form.model_fields))}',
    ),
    "unknown field of a scope": (
        "{reason: dossiers, ",
        "{▶raeson: dossiers, ",
        'unknown field "raeson"; did you mean "reason"?',
    ),
    **{
        f"no last day, {value}": (
            "{reason: dossiers, ",
            f"{{until: ▶{value}, ",
            f"{said}; write one such as 2027-03-31",
        )
        for value, said in (
            ("2027-12-31 10:00:00", '"2027-12-31 10:00:00" is no day'),
            ("2027-12-31T10:00:00+02:00", '"2027-12-31T10:00:00+02:00" is no day'),
            ("2027-02-29", '"2027-02-29" is no day'),
            ("0000-01-01", '"0000-01-01" is no day'),
            ("10000-01-01", '"10000-01-01" is no day'),
            ("31/12/2027", '"31/12/2027" is no day'),
            ("soon", '"soon" is no day'),
            ("20271231", "this is no day"),
            ("true", "this is no day"),
            ("[2027-12-31]", "this is no day"),
        )
    },
    "missing field": ("application: mijn-gent\n", "", '"application" is missing; add it'),
    "the old organisation block": (
        "application:",
        "▶organisation: {name: Stad Gent, ovo: OVO002067}\napplication:",
        "a form has no organisation block; move it to organisation.yaml in this folder",
    ),
    "missing environments": (
        FORM[FORM.index("environments:") :],
        "",
        '"environments" is missing; add it',
    ),
    "no environments": (
        FORM[FORM.index("environments:") :],
        "environments: ▶{}\n",
        '"environments" is empty; give at least one',
    ),
    "unknown environment": ("  tni:\n", "  ▶tin:\n", '"tin" is not known; did you mean "tni"?'),
    "unknown platform": (
        "[acmidm]",
        "[acmidm, ▶geosecur]",
        'item 2 of "platforms": "geosecur" is not known; did you mean "geosecure"?',
    ),
    "platform twice": (
        "[acmidm]",
        "▶[acmidm, acmidm]",
        "a platform is there twice; keep each once",
    ),
    "not on ACM/IDM": (
        "[acmidm]",
        "▶[geosecure]",
        "acmidm is not among the platforms; add it: a connection is in ACM/IDM, or in both",
    ),
    "unknown authentication method": (
        ": private_key_jwt",
        ": ▶private_key",
        '"token_endpoint_auth_method": "private_key" is not known; did you mean "private_key_jwt"?',
    ),
    "an unknown value that is no text": (
        ": private_key_jwt",
        ": ▶{d: secret}",
        (
            '"token_endpoint_auth_method": this value is not known; use client_secret_basic,'
            " client_secret_post, private_key_jwt"
        ),
    ),
    "no contacts": (
        "[api-beheer@stad-gent.example]",
        "▶[]",
        '"contacts" is empty; give at least one',
    ),
    "contacts no list": (
        "[api-beheer@stad-gent.example]",
        "▶api-beheer@stad-gent.example",
        '"contacts" is not a list; write [one, another], or a line with a hyphen for each',
    ),
    "contact no address": (
        "[api-beheer@stad-gent.example]",
        "[a@stad.example, ▶api-beheer]",
        '"api-beheer" is not an e-mail address; write one such as api-beheer@stad.example',
    ),
    "an empty list of keys": ("[tni.jwk.json]", "▶[]", NO_KEYS),
    "no list of keys": ("jwks: [tni.jwk.json]", "jwks:▶", NO_KEYS),
    "control character in a reason": (
        "reason: dossiers,",
        'reason: ▶"dossiers\\e[2J",',
        f'"reason" {NOT_ONE_LINE}',
    ),
    "a tag": (
        "reason: dossiers",
        "reason: ▶!town dossiers",
        'the tag "!town" means nothing here; remove it, and write the value as it is',
    ),
    "a tag of YAML that no text has": (
        "reason: dossiers",
        "reason: ▶!!binary U3RhZCBHZW50",
        (
            'the tag "tag:yaml.org,2002:binary" means nothing here; remove it, and write the value'
            " as it is"
        ),
    ),
    "text read as true": (
        "application: mijn-gent",
        "application: ▶yes",
        '"application" is not a text; write one value, in quotes where it could be read otherwise',
    ),
    "keys with a client secret": (
        ": private_key_jwt\nenvironments:\n  tni:\n    jwks: [tni.jwk.json]",
        # and prod has none
        ": client_secret_basic\nenvironments:\n  tni:\n    ▶jwks: [tni.jwk.json]",
        (
            "keys are given while the client authenticates with client_secret_basic; "
            "choose token_endpoint_auth_method private_key_jwt, or remove the keys"
        ),
    ),
    "a key instead of its file": (
        "[tni.jwk.json]",
        "[▶{kty: RSA}]",
        (
            'item 1 of "jwks" is not the name of a file; put the public key in a file beside the'
            " form, and name that file here"
        ),
    ),
}

CATALOGUE_RULES = {
    "unknown scope": (
        "dv_notificaties_import: {}\n      dv_dosis",
        "▶dv_notificatie_import: {}\n      dv_notificaties_import: {}\n      dv_dosis",
        (
            'scope "dv_notificatie_import" is not in the catalogue; did you mean'
            ' "dv_notificaties_import"?'
        ),
    ),
    "misspelt scope of a configured product": (
        "dv_notificaties_import: {}\n      dv_dosis",
        "▶dv_notificatie_import: {}\n      dv_dosis",
        (
            'scope "dv_notificatie_import" is not in the catalogue; did you mean'
            ' "dv_notificaties_import"?'
        ),
    ),
    "a scope by its former name": (
        "dv_notificaties_import: {}\n      dv_dosis",
        "▶dv_notificaties_schrijven: {}\n      dv_dosis",
        (
            'scope "dv_notificaties_schrijven" is not in the catalogue; did you mean'
            ' "dv_notificaties_import"?'
        ),
    ),
    "unknown scope, near none": (
        "      dv_dosis_schrijven: {reason",
        "      ▶x: {}\n      dv_dosis_schrijven: {reason",
        'scope "x" is not in the catalogue; choose one of the catalogue, or add it there',
    ),
    "unknown product": (
        TNI_PRODUCTS,
        TNI_PRODUCTS.replace("      dosis:", "      ▶dosi: {}\n      dosis:"),
        'product "dosi" is not in the catalogue; did you mean "dosis"?',
    ),
    "scope not offered in that environment": (
        "    jwks: [prod.jwk.json]\n    scopes:\n",
        "    jwks: [prod.jwk.json]\n    scopes:\n      ▶dv_register_test: {}\n",
        'scope "dv_register_test" is not offered on prod; it is on tni; remove it here',
    ),
    "scope not offered on that platform": (
        TNI_SCOPES,
        TNI_SCOPES.replace("      dv_notif", "      ▶dv_register_lezen: {}\n      dv_notif"),
        (
            'scope "dv_register_lezen" is not offered on platform geosecure; remove the scope, or'
            " geosecure"
        ),
    ),
    "scope whose product lacks its configuration": (
        FORM[FORM.index("      dosis:\n") : FORM.index("  prod:")],
        "",
        (
            'scope "dv_dosis_schrijven" belongs to product "dosis", which has no configuration'
            ' here; add "dosis" under products'
        ),
    ),
    "product without any of its scopes": (
        "      dv_dosis_schrijven: {reason: dossiers, reference: SD-4711}\n",
        "",
        (
            'product "dosis" is configured, but none of its scopes is here; add one of'
            " dv_dosis_schrijven under scopes, or remove the product"
        ),
    ),
    "product that needs no configuration": (
        TNI_SCOPES,
        TNI_SCOPES.replace("      dv_notif", "      dv_register_lezen: {}\n      dv_notif"),
        'product "register" needs no configuration; remove it here',
    ),
}

PLACES = {
    # What has no place of its own is shown where it should have been: at the mapping that lacks it.
    "missing field": (1, 1),
    "missing environments": (1, 1),
    "scope whose product lacks its configuration": (10, 7),
    "product without any of its scopes": (14, 7),
    "product that needs no configuration": (18, 7),
}


def _on_both_platforms(form: str) -> str:
    """DOSIS alone, on both platforms: of this catalogue, GeoSecure offers nothing else."""
    form = form[: form.index("  prod:\n")].replace("[acmidm]", "[acmidm, geosecure]")
    form = form.replace("      dv_notificaties_import: {}\n", "")
    return re.sub(r"      notificaties:\n(        .*\n)+", "", form)


def prepared(kind: str, form: str) -> str:
    """The form, where a mistake of this kind needs more than one change."""
    match kind:
        case "keys with a client secret":
            return form.replace("    jwks: [prod.jwk.json]\n", "")
        case "product that needs no configuration":
            return form.replace("  prod:\n", "      register: {}\n  prod:\n")
        case "scope not offered on that platform" | "not on ACM/IDM":
            return _on_both_platforms(form)
    return form


@pytest.mark.parametrize("kind", [*SHAPE, *CATALOGUE_RULES])
def test_a_mistake_is_reported_with_its_place_and_its_remedy(
    kind: str, workspace: Workspace
) -> None:
    right, wrong, sentence = {**SHAPE, **CATALOGUE_RULES}[kind]
    assert right in FORM
    workspace.assert_reported(
        GENT, prepared(kind, FORM.replace(right, wrong, 1)), sentence, PLACES.get(kind)
    )


def test_the_valid_form_is_valid(workspace: Workspace) -> None:
    assert workspace.sentences() == []
