"""The texts of a form that is new, and of its organisation's file where that is new."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from acmidm.edit.changes import Content
from acmidm.edit.new.organisations import Owner
from acmidm.form_text import Quoted, file_text, lines_of
from acmidm_onboarding.forms.files import ORGANISATION_FILE, form_file
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform, is_name

PLATFORM = Platform.ACMIDM
"""A connection is in ACM/IDM; GeoSecure, and a client secret, are a line that a person changes in
the form."""


def new_files(
    forms: Path, owner: Owner, form: Mapping[str, Any], language: Language
) -> dict[Path, Content]:
    """Return the texts of a new form and what it needs, comments in a language: the form is the
    last."""
    files: dict[Path, Content] = {}
    if owner.is_new:
        files[forms / owner.folder / ORGANISATION_FILE] = _organisation(owner, language)
    file = file_of(forms, owner.folder, form.get("application", ""))
    files[file] = _form(form, language)
    return files


def file_of(forms: Path, folder: str, application: str) -> Path:
    """Return the file of a new form. One whose name is wrong has a place all the same, so that all
    that is wrong with it shows."""
    name = form_file(application) if is_name(application) else "form.yaml"
    return forms / folder / name


def _form(form: Mapping[str, Any], language: Language) -> str:
    supplier = form.get("keys_of")
    fields = {
        "application": form.get("application"),
        "contacts": list(form.get("contacts", ())),
        "platforms": [PLATFORM.value],
        "token_endpoint_auth_method": AuthMethod.PRIVATE_KEY_JWT.value,
        "keys_of": supplier,
    }
    fields = {name: value for name, value in fields.items() if value}
    lines = [""]
    if Environment.PROD.value not in form["environments"]:
        what_next = language.tr(
            'The test environment (TNI) first. Once it is validated, "acmidm promote FORM'
            ' --write" adds production (prod).'
        )
        lines.append(f"# {what_next}")
    lines.append("environments:")
    for environment, request in form["environments"].items():
        lines.append(f"  {environment}:")
        if "jwks" not in request and not supplier:
            keys = language.tr(
                "Without jwks you upload the public key in the Beheerportaal (step 5), or name it"
                " here with: acmidm keys new"
            )
            lines.append(f"    # {keys}")
        lines += [f"    {line}" for line in lines_of(request)]
    comment = language.tr(
        "One connection of an application. docs/forms.md says what each line means,"
        " docs/catalogue.md which scopes and products there are."
    )
    return file_text("onboarding", fields, comment) + "\n".join([*lines, ""])


def _organisation(owner: Owner, language: Language) -> str:
    fields = dict(owner.fields)
    if "kbo" in fields:
        fields["kbo"] = Quoted(fields["kbo"])
    chosen = {"language": fields.pop("language")} if "language" in fields else {}
    comment = language.tr(
        "This file belongs to Digitaal Vlaanderen. Name and codes are those of the organisation"
        " register."
    )
    lines = [file_text("organisation", fields, comment).rstrip("\n")]
    if owner.organisation.speaks_for:
        whose = language.tr(
            "In whose name the forms beside it may speak. Digitaal Vlaanderen checks that."
        )
        lines.append(f"# {whose}")
        lines += lines_of({"speaks_for": _lists(owner.organisation.speaks_for)})
    if chosen:
        lines += lines_of(chosen)
    return "\n".join([*lines, ""])


def _lists(values: Mapping[str, Any]) -> dict[str, list[str]]:
    return {name: list(texts) for name, texts in values.items()}
