"""A form whose keys are those of a supplier (``keys_of``), where they are listed, and by which
mandate they count; and those that a supplier's own client sends for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from acmidm_onboarding.forms.catalogue import Product
from acmidm_onboarding.forms.documents import YamlDocument
from acmidm_onboarding.forms.files import KEYS_FILE, ORGANISATION_FILE
from acmidm_onboarding.forms.form import EnvironmentRequest, Form, KeyEntries, KeyEntry
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.metadata import AFZENDERS
from acmidm_onboarding.values.names import Part
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.plain import filled
from acmidm_onboarding.values.problems import DocumentPath, Problem, quoted
from acmidm_onboarding.values.terms import AuthMethod, Environment


class SupplierKeys(Part):
    """The public keys of a supplier, for the forms that say keys_of: its keys.yaml, which its
    owners approve."""

    tni: Annotated[
        KeyEntries | None, Field(description="Files of public keys for TNI, beside this one.")
    ] = None
    prod: Annotated[
        KeyEntries | None,
        Field(description="Files of public keys for production, beside this one."),
    ] = None


def sound_keys(document: YamlDocument) -> SupplierKeys:
    """Return the keys of a ``keys.yaml`` with mistakes, for each environment without one: they stay
    the supplier's, so that no other organisation can list them as its own meanwhile."""
    sound = SupplierKeys()
    if not isinstance(document.data, dict):
        return sound
    for environment in SupplierKeys.model_fields.keys() & document.data.keys():
        with suppress(ValidationError):
            keys = SupplierKeys.model_validate({environment: document.data[environment]})
            sound = sound.model_copy(update={environment: getattr(keys, environment)})
    return sound


@dataclass(frozen=True)
class KeyList:
    """Where keys are listed, in a form or in the ``keys.yaml`` of a supplier, and the folder that
    has their files."""

    document: YamlDocument
    folder: Path
    entries: Mapping[Environment, tuple[KeyEntry, ...]]
    is_form: bool = True
    is_sound: bool = True
    """Whether the whole list could be read."""

    @classmethod
    def of_form(cls, document: YamlDocument, folder: Path, form: Form) -> KeyList:
        requests = form.environments.items()
        entries = {environment: request.jwks or () for environment, request in requests}
        return cls(document, folder, entries)

    @classmethod
    def of_supplier(
        cls, document: YamlDocument, folder: Path, keys: SupplierKeys, *, is_sound: bool
    ) -> KeyList:
        listed = {Environment.TNI: keys.tni, Environment.PROD: keys.prod}
        return cls(document, folder, filled(listed), is_form=False, is_sound=is_sound)

    def path(self, environment: Environment, *index: int) -> DocumentPath:
        """Return where the keys of an environment are in the document, or its key at ``index``."""
        if self.is_form:
            return ("environments", environment.value, "jwks", *index)
        return (environment.value, *index)


def with_keys(form: Form, listed: KeyList) -> Form:
    """Return a form with its supplier's keys of each environment under ``jwks``, each as a path
    from the form: ``../supplier/a.jwk.json``."""
    environments: dict[Environment, EnvironmentRequest] = {}
    for environment, request in form.environments.items():
        keys = tuple(_entries_by_path(listed, environment))
        environments[environment] = request.model_copy(update={"jwks": keys})
    return form.model_copy(update={"environments": environments})


def _entries_by_path(listed: KeyList, environment: Environment) -> Iterator[KeyEntry]:
    for entry in listed.entries.get(environment, ()):
        file = f"../{listed.folder.name}/{entry.file}"
        yield entry.model_copy(update={"file": file})


def problem_of_unknown_supplier(
    document: YamlDocument, path: DocumentPath, supplier: str
) -> Problem:
    what = tr(
        "{supplier} has no folder with an {file}", supplier=quoted(supplier), file=ORGANISATION_FILE
    )
    return document.problem(path, what, tr("name a folder beside this one"))


def problem_of_unused_keys(document: YamlDocument, path: DocumentPath, form: Form) -> Problem:
    """Return the mistake of keys at ``path`` in a form whose clients authenticate with a secret."""
    what = tr(
        "keys are given while the client authenticates with {method}",
        method=form.token_endpoint_auth_method,
    )
    remedy = tr("choose token_endpoint_auth_method private_key_jwt, or remove the keys")
    return document.problem(path, what, remedy, at_key=True)


def problems_of_supplier(document: YamlDocument, form: Form, listed: KeyList) -> Iterator[Problem]:
    """Yield why a form cannot have the keys of the supplier that it names under ``keys_of``;
    nothing for a form with a list of its own.

    That its mandate, or the keys of another organisation, are missing is no mistake: whoever gave
    them can take them out, whichever forms name them. ``rules/mandates.py`` then acts.
    """
    path: DocumentPath = ("keys_of",)
    if listed.is_form:
        return
    if form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT:
        yield problem_of_unused_keys(document, path, form)
    for environment, request in form.environments.items():
        for name in ("jwks", "jwks_uri"):
            if getattr(request, name) is not None:
                here: DocumentPath = ("environments", environment.value, name)
                what = tr(
                    "the keys are those of {supplier} (keys_of), and here too",
                    supplier=form.keys_of,
                )
                yield document.problem(here, what, tr("keep one of the two"), at_key=True)
        is_own_supplier = document.file.parent.name == form.keys_of
        if is_own_supplier and environment not in listed.entries and listed.is_sound:
            what = tr(
                "{supplier} has no keys of {environment} for others",
                supplier=form.keys_of,
                environment=environment,
            )
            remedy = tr("have its owners list them in its {file}", file=KEYS_FILE)
            yield document.problem(path, what, remedy)


@dataclass(frozen=True)
class Afzender:
    """An organisation that a client sends for, and until which day it may; empty without a
    mandate."""

    organisation: Organisation
    until: str

    def sent(self, known_by: str) -> dict[str, Any]:
        """Return the organisation as the configuration of a product names it, for ``known_by``
        aanbieder_uri: {"code": "OVO002067", "name": "Stad Gent", "aanbieder_uri": ["https://…"]}.
        """
        organisation = self.organisation
        names = sorted(organisation.speaks_for.get(known_by, ()))
        return {"code": organisation.code, "name": organisation.name, known_by: names}


Afzenders = Mapping[Environment, tuple[Afzender, ...]]


def with_afzenders(
    product: Product, configuration: Mapping[str, Any], afzenders: tuple[Afzender, ...]
) -> dict[str, Any]:
    """Return the configuration of a product as authorities get it: with the organisations that the
    client sends for under ``afzenders``, where the product knows such."""
    known_by = product.sender_field
    if not known_by or not afzenders:
        return dict(configuration)
    sent = [afzender.sent(known_by) for afzender in afzenders]
    return {**configuration, AFZENDERS: sorted(sent, key=itemgetter("code"))}
