"""The one document between what people bring and the forms: an organisation, its form, and the
public keys that the form names. Options, a file of the page, a row of a spreadsheet, a client that
exists, what a hand changed and what production lacks become it. It becomes the files of a new form,
or is added to one that exists (``existing``), of which it has only what is added.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acmidm.edit.changes import Content
from acmidm.edit.new.organisations import OwningOrganisation
from acmidm.form_text import Quoted, file_text, filled, lines_of
from acmidm_onboarding.forms.files import ORGANISATION_FILE, form_file
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.names import Part
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform, is_name

PLATFORM = Platform.ACMIDM
"""A connection is in ACM/IDM; GeoSecure, and a client secret, are a line that a person changes in
the form."""
KeyFiles = Mapping[Environment, Mapping[Path, str]]
"""Per environment the text of each file of a public key."""


Key = PublicJwk | Mapping[str, Any]
"""A public key; its members where it may not be registered, for the loader to say why."""


class Without(Part):
    """What a hand took away: the form loses it, in the environments that the file names."""

    contacts: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    """By their thumbprints."""
    products: tuple[str, ...] = ()
    """A product, or a field of one, such as ``notificaties.link``."""
    attributes: tuple[str, ...] = ()


@dataclass
class Draft:
    """An organisation, a form of it, and the public keys that the form names."""

    owner: OwningOrganisation
    """Without a folder as long as nobody has looked for it."""
    form: Mapping[str, Any]
    """By its names in a file. The names of its keys are not in it: their files get theirs later."""
    keys: Mapping[Environment, Sequence[Key]] = field(default_factory=dict)
    without: Without | None = None
    """None where nothing is taken away, as in a file of the page."""
    like: Environment | None = None
    """The environment of the form that has the rest of what is added, where it is one."""

    @property
    def application(self) -> str:
        """Its name, not checked; empty where nobody gave one."""
        return str(self.form.get("application", ""))

    def keys_by_thumbprint(self, environment: Environment) -> dict[str, PublicJwk]:
        """Return the keys of an environment that may be registered."""
        keys = self.keys.get(environment, ())
        return {key.thumbprint: key for key in keys if isinstance(key, PublicJwk)}

    def files(
        self,
        forms: Path,
        key_files: KeyFiles,
        comments: Language | None = None,
        *,
        origin: str = "",
    ) -> dict[Path, Content]:
        """Return the texts of the form as a new one, of its keys, and of its organisation where
        that is new: the form is the last.

        ``comments`` is the language of what explains the lines; without one, ``origin`` is all that
        the form has.
        """
        files: dict[Path, Content] = {}
        for texts in key_files.values():
            files |= texts
        if self.owner.is_new:
            file = forms / self.owner.folder / ORGANISATION_FILE
            files[file] = _organisation(self.owner, comments)
        environments = {}
        for environment, request in self.form["environments"].items():
            environments[environment] = _request(request, key_files.get(environment, ()))
        form = dict(self.form)
        del form["environments"]
        form["environments"] = environments  # the last
        files[file_of(forms, self.owner.folder, self.application)] = (
            _explained(form, comments) if comments else file_text("onboarding", form, origin)
        )
        return files


def file_of(forms: Path, folder: str, application: str) -> Path:
    """Return the file of a new form. One whose name is wrong has a place all the same, so that all
    that is wrong with it shows."""
    name = form_file(application) if is_name(application) else "form.yaml"
    return forms / folder / name


def _request(request: Mapping[str, Any], keys: Collection[Path]) -> Mapping[str, Any]:
    """Return what a form has for an environment, with its keys before all that is not another's."""
    if not keys:
        return request
    jwks = [file.name for file in keys]
    if "adopt" in request:
        return {"adopt": request["adopt"], "jwks": jwks, **request}
    return {"jwks": jwks, **request}


def _explained(form: Mapping[str, Any], language: Language) -> str:
    """Return the text of a form, with what its lines are for."""
    supplier = form.get("keys_of")
    fields = {
        "application": form.get("application"),
        "contacts": form.get("contacts"),
        "platforms": [PLATFORM.value],
        "token_endpoint_auth_method": AuthMethod.PRIVATE_KEY_JWT.value,
        "keys_of": supplier,
    }
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
    return file_text("onboarding", filled(fields), comment) + "\n".join([*lines, ""])


def _organisation(owner: OwningOrganisation, language: Language | None) -> str:
    fields = dict(owner.fields)
    if "kbo" in fields:
        fields["kbo"] = Quoted(fields["kbo"])
    chosen = filled({"language": fields.pop("language", None)})
    comment, whose = "", []
    if language is not None:
        comment = language.tr(
            "This file belongs to Digitaal Vlaanderen. Name and codes are those of the organisation"
            " register."
        )
        in_whose_name = language.tr(
            "In whose name the forms beside it may speak. Digitaal Vlaanderen checks that."
        )
        whose = [f"# {in_whose_name}"]
    lines = [file_text("organisation", fields, comment).rstrip("\n")]
    if owner.organisation.speaks_for:
        lines += [*whose, *lines_of({"speaks_for": dict(owner.organisation.speaks_for)})]
    if chosen:
        lines += lines_of(chosen)
    return "\n".join([*lines, ""])
