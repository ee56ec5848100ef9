"""No message repeats a key or a token, into whatever field it was pasted."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from acmidm_onboarding.values.problems import Problem, on_one_line, quoted
from tests.support.secret_texts import BYTES, JWT, PEM, SECRETS, pieces
from tests.support.workspace import (
    CATALOGUE,
    FORM,
    MANDATE,
    ORGANISATION,
    Workspace,
    public_key,
)


def _in_yaml(secret: str) -> str:
    return json.dumps(secret)


def _as_part(secret: str) -> str:
    return secret.replace("/", "-").replace("\0", "")[:200].replace("\n", " ")


PLACES: dict[str, Callable[[Workspace, str], object]] = {
    "a contact": lambda ws, s: ws.write_form(
        FORM.replace("api-beheer@stad-gent.example", _in_yaml(s))
    ),
    "application": lambda ws, s: ws.write_form(
        FORM.replace("application: mijn-gent", f"application: {_in_yaml(s)}")
    ),
    "formerly": lambda ws, s: ws.write_form(f"formerly: {_in_yaml(s)}\n{FORM}"),
    "a field's name": lambda ws, s: ws.write_form(f"{FORM}? {_in_yaml(s)}\n: {_in_yaml(s)}\n"),
    "a field's name, twice": lambda ws, s: ws.write_form(FORM + f"? {_in_yaml(s)}\n: 1\n" * 2),
    "the form, as text": lambda ws, s: ws.write_form(_in_yaml(s)),
    "the form itself": lambda ws, s: ws.write_form(s),
    "no YAML": lambda ws, s: ws.write_form(f"{FORM}{s}: [\n"),
    "a tag": lambda ws, s: ws.write_form(f"{FORM}note: !<{_as_part(s).replace(' ', '')}> x\n"),
    "an alias": lambda ws, s: ws.write_form(f"{FORM}note: *{_as_part(s).replace(' ', '')}\n"),
    "a platform": lambda ws, s: ws.write_form(FORM.replace("[acmidm]", f"[{_in_yaml(s)}]")),
    "method": lambda ws, s: ws.write_form(FORM.replace("private_key_jwt", _in_yaml(s))),
    "an environment": lambda ws, s: ws.write_form(f"{FORM}  ? {_in_yaml(s)}\n  : {{}}\n"),
    "an exemption": lambda ws, s: ws.write_form(
        f"{FORM}exemptions:\n  ? {_in_yaml(s)}\n  : {{}}\n"
    ),
    "a day": lambda ws, s: ws.write_form(f"{FORM}retire: {_in_yaml(s)}\n"),
    "what retires": lambda ws, s: ws.write_form(
        f"{FORM}retire:\n  ? {_in_yaml(s)}\n  : 2027-03-31\n"
    ),
    "jwks": lambda ws, s: ws.write_form(FORM.replace("tni.jwk.json", _in_yaml(s))),
    "jwks, not as a list": lambda ws, s: ws.write_form(FORM.replace("[tni.jwk.json]", _in_yaml(s))),
    "jwks, outside": lambda ws, s: ws.write_form(
        FORM.replace("tni.jwk.json", _in_yaml("../../" + _as_part(s)))
    ),
    "a scope": lambda ws, s: ws.write_form(
        FORM.replace("      dv_notificaties_import: {}", f"      ? {_in_yaml(s)}\n      : {{}}", 1)
    ),
    "in a scope": lambda ws, s: ws.write_form(
        FORM.replace("{reason: dossiers,", f"{{{_in_yaml(s)}: 1,")
    ),
    "a product": lambda ws, s: ws.write_form(
        FORM.replace("      dosis:", f"      ? {_in_yaml(s)}\n      : {{}}\n      dosis:")
    ),
    "a value of a product": lambda ws, s: ws.write_form(FORM.replace('"10244"', _in_yaml(s))),
    "a text of a product": lambda ws, s: ws.write_form(
        FORM.replace("merk_code: stad-gent", f"merk_code: {_in_yaml(s)}")
    ),
    "an enumeration": lambda ws, s: ws.write_form(
        FORM.replace(
            "        merk_code: stad-gent",
            f"        merk_code: stad-gent\n        choices: [{_in_yaml(s)}]",
        )
    ),
    "a field of a product": lambda ws, s: ws.write_form(
        FORM.replace(
            "        merk_code:", f"        ? {_in_yaml(s)}\n        : 1\n        merk_code:"
        )
    ),
    "adopt": lambda ws, s: ws.write_form(
        FORM.replace("    scopes:", f"    adopt: {{{_in_yaml(s)}: x}}\n    scopes:", 1)
    ),
    "the form's name": lambda ws, s: ws.write_form(FORM, f"gent/{_as_part(s)}.X"),
    "the folder's name": lambda ws, s: ws.write_form(FORM, f"{_as_part(s)}.X/mijn-gent"),
    "a name with another ending": lambda ws, s: ws.write(
        f"onboardings/gent/{_as_part(s)}.yml", FORM
    ),
    "ovo": lambda ws, s: ws.write_organisation(ORGANISATION.replace("OVO002067", _in_yaml(s))),
    "kbo": lambda ws, s: ws.write_organisation(ORGANISATION.replace('"0207.451.227"', _in_yaml(s))),
    "a supplier": lambda ws, s: ws.write_form(f"keys_of: {_in_yaml(s)}\n{FORM}"),
    "the supplier of a mandate": lambda ws, s: ws.write(
        "onboardings/gent/mandates.yaml", MANDATE.replace("leverancier", _in_yaml(s))
    ),
    "a key of a supplier": lambda ws, s: ws.write_supplier(f"tni: [{_in_yaml(s)}]\n"),
    "earlier code": lambda ws, s: ws.write_organisation(f"{ORGANISATION}formerly: {_in_yaml(s)}\n"),
    "a product of the catalogue": lambda ws, s: ws.write(
        "catalogue/dosis.yaml",
        CATALOGUE["dosis.yaml"].replace("product: dosis", f"product: {_in_yaml(s)}"),
    ),
    "a scope of the catalogue": lambda ws, s: ws.write(
        "catalogue/dosis.yaml",
        CATALOGUE["dosis.yaml"].replace("dv_dosis_schrijven:", f"{_in_yaml(s + ' x')}:"),
    ),
    "a format of the catalogue": lambda ws, s: ws.write(
        "catalogue/proef.yaml",
        CATALOGUE["proef.yaml"].replace("{type: object}", f"{{format: {_in_yaml(s)}}}"),
    ),
    "a schema of the catalogue": lambda ws, s: ws.write(
        "catalogue/proef.yaml",
        CATALOGUE["proef.yaml"].replace("{type: object}", f"{{type: {_in_yaml(s)}}}"),
    ),
    "a key's kid": lambda ws, s: ws.write_key({"kty": "RSA", "kid": s, "use": s, "alg": s}),
    "a key's members": lambda ws, s: ws.write_key(f'{{"kty": {_in_yaml(s)}, {_in_yaml(s)}: 1}}'),
    "a key's member twice": lambda ws, s: ws.write_key(
        f'{{"kty": "EC", {_in_yaml(s)}: 1, {_in_yaml(s)}: 1}}'
    ),
    "a curve": lambda ws, s: ws.write_key({"kty": "EC", "crv": s, "x": s, "y": s}),
}


@pytest.mark.parametrize("place", PLACES)
def test_keys_and_tokens_are_never_repeated(workspace: Workspace, place: str) -> None:
    """Each of them is refused, in each field; not twelve characters of it are shown, nor as they
    are escaped."""
    for name, secret in SECRETS.items():
        for folder in (workspace.forms, workspace.catalogue):
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    file.unlink()
        fresh(workspace)
        try:
            PLACES[place](workspace, secret)
        except (OSError, ValueError):  # a name that no file system takes
            continue
        sentences = workspace.sentences()
        assert sentences, f"{name} as {place} is accepted"
        for part in pieces(secret):
            assert part not in "\n".join(sentences), (name, place, sentences)


def fresh(workspace: Workspace) -> None:
    for name, text in CATALOGUE.items():
        workspace.write(f"catalogue/{name}", text)
    workspace.write_organisation(ORGANISATION)
    workspace.write_form(FORM)
    for name in ("tni", "prod"):
        workspace.write_key(public_key(name), f"gent/{name}")


@pytest.mark.parametrize(
    "name",
    [
        "dv_magda_organisaties_verenigingen_verenigingen_v1_G",
        "dv_verenigingsregister_hoofdvertegenwoordigers",
        "https://data.vlaanderen.be/id/organisatie/OVO002067",
        "urn://gent/mijn-gent",
        "DosisImport",
        "mijn-gent-tni-2026.jwk.json",
        "api-beheer@stad-gent.example",
        "0207.451.227",
        "token_endpoint_auth_method",
        "6fa459ea-ee8a-3ca4-894e-db77e160355e",
        "Agentschap Binnenlands Bestuur (ABB) 2026",
    ],
)
def test_names_are_shown(name: str) -> None:
    """What is no secret is repeated, so that its author finds it."""
    assert quoted(name) == f'"{name}"'
    assert (
        str(Problem(Path("form.yaml"), 1, 1, f"this is {name}", "correct it"))
        == f"form.yaml:1:1: this is {name}; correct it"
    )


def test_keys_and_tokens_are_hidden_in_whatever_is_shown() -> None:
    """Terminals, logs, reports: they all put a text on one line, and thumbprints and client-IDs
    stay readable there."""
    for secret in (PEM, PEM.replace("\n", " "), SECRETS["JWK"], JWT):
        assert not any(part in on_one_line(f"said {secret}") for part in pieces(secret))
    thumbprint = base64.urlsafe_b64encode(BYTES[48:80]).decode().rstrip("=")
    assert on_one_line(thumbprint) == thumbprint
