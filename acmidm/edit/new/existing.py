"""The form that an application has already, under the name that it has now or an earlier one, and
what it gets of a file that was sent: more, and what a product knows otherwise. It loses what a hand
took away, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ruamel.yaml.comments import CommentedMap

from acmidm.edit.keys.declaring import add_keys, file_name
from acmidm.edit.lines import Edit, copied, put_below, put_last, put_request, take_out
from acmidm.edit.new.draft import Draft, Without
from acmidm_onboarding.forms.declarations import LoadedForm, former_keys
from acmidm_onboarding.forms.documents import read_document
from acmidm_onboarding.forms.files import Files, absolute, form_file
from acmidm_onboarding.forms.form import EnvironmentRequest
from acmidm_onboarding.forms.key_files import key_in
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.forms.sound_parts import sound_parts
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.declaration import connection_key
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.terms import Environment


def form_of_application(
    read: Onboardings, folder: str, application: str, files: Files
) -> tuple[LoadedForm | None, str | None]:
    """Return the valid form of an application, which may have another name by now; and why it
    cannot be changed, where that is so.

    A form has had a name that is under ``formerly``, or that its file has still.
    """
    loaded = _loaded(read, folder, application)
    if loaded is None:
        return None, _mistaken(read, folder, application, files)
    name = loaded.form.application
    if name == application:
        return loaded, None
    return loaded, tr(
        "the application {application} is called {name} now; give that name, or another one for"
        " another application",
        application=application,
        name=name,
    )


def _loaded(read: Onboardings, folder: str, application: str) -> LoadedForm | None:
    own = [loaded for loaded in read.forms if loaded.file.parent.name == folder]
    for loaded in own:
        if loaded.form.application == application:
            return loaded
    for loaded in own:
        # Without the other forms: a name that came with an organisation that merged is free.
        earlier = former_keys(loaded.organisation, loaded.form, None)
        if connection_key(loaded.organisation.code, application) in earlier:
            return loaded
    file = form_file(application)
    return next((loaded for loaded in own if loaded.file.name == file), None)


def _mistaken(read: Onboardings, folder: str, application: str, files: Files) -> str | None:
    """Return why nothing is added to the form of an application that has mistakes, as far as it can
    be read; None where there is none."""
    for file in read.left_out:
        if file.parent.name != folder:
            continue
        form, is_identified = sound_parts(read_document(absolute(file), file, files.read_text))
        is_called = form and is_identified and application in (form.application, *form.formerly)
        if is_called or file.name == form_file(application):
            return tr(
                "{file} has mistakes of its own, and was not changed; correct them first: acmidm"
                " validate {file}",
                file=file.as_posix(),
            )
    return None


def leaving(loaded: LoadedForm, today: date) -> str | None:
    """Return why a form that leaves gets nothing more; None where it stays."""
    if loaded.form.retire.on is None or loaded.form.retire.on > today:
        return None
    return tr(
        "{file} leaves: nothing more of it is made; take retire out first, if it stays",
        file=loaded.file,
    )


def adding(
    loaded: LoadedForm,
    more: Mapping[str, Any],
    key_files: Mapping[Environment, Collection[str]] = MappingProxyType({}),
    *,
    like: Environment | None = None,
) -> Edit:
    """Return what gives a form that is there what it lacks of another one, and more key files. With
    ``like``, it gets what that environment has, but for the fields that are given."""

    def edit(document: Any) -> None:
        contacts = [one for one in more.get("contacts", ()) if one not in loaded.form.contacts]
        put_last(document["contacts"], contacts)
        environments = document["environments"]
        for environment, wanted in more["environments"].items():
            there = loaded.form.environments.get(environment, EnvironmentRequest())
            parts = CommentedMap()
            for part in ("scopes", "products", "attributes"):
                has, given = getattr(there, part), wanted.get(part, {})
                lacking = {name: one for name, one in given.items() if not has.get(name)}
                if lacking and like is not None:
                    written = environments[like.value][part]
                    parts[part] = CommentedMap(
                        {name: _with(written[name], own) for name, own in lacking.items()}
                    )
                elif lacking:
                    parts[part] = CommentedMap({name: copied(own) for name, own in lacking.items()})
            put_request(environments, environment.value, parts)
            for name, configuration in wanted.get("products", {}).items():
                if there.products.get(name):
                    _change(environments[environment.value]["products"][name], configuration)
            if files := key_files.get(environment):
                add_keys(environments, environment, files)

    return edit


def _with(written: Any, own: Mapping[str, Any]) -> Any:
    """Return a copy of a part of a document with other values; None leaves a field out."""
    copy = copied(written)
    for name, value in own.items():
        if value is None:
            copy.pop(name, None)
        else:
            copy[name] = copied(value)
    return copy


def taking_over(loaded: LoadedForm, draft: Draft, without: Without, added: Edit) -> Edit:
    """Return what gives a form that is there all that a hand changed: what is ``added``, scopes and
    attributes that it has otherwise, and what it loses."""

    def edit(document: Any) -> None:
        added(document)
        for contact in without.contacts:
            if contact in document["contacts"]:
                document["contacts"].remove(contact)
        for environment, wanted in draft.form["environments"].items():
            request = document["environments"].get(environment.value) or {}
            for name, scope in wanted["scopes"].items():
                if request["scopes"][name] is None:
                    request["scopes"][name] = copied({})
                _change(request["scopes"][name], scope)
            if attributes := wanted.get("attributes"):
                _change(request["attributes"], attributes)
            _take_out(request, without)
            _take_keys_out(request, loaded.file, without.keys)

    return edit


def files_of_keys(loaded: LoadedForm, environment: Environment) -> dict[str, str]:
    """Return the names of the files of a form's keys, each with the thumbprint in it."""
    request = loaded.form.environments.get(environment, EnvironmentRequest())
    return _thumbprints(loaded.file, [entry.file for entry in request.jwks or ()])


def _take_out(request: Any, without: Without) -> None:
    """Take scopes, attributes, products and fields of products out of an environment."""
    for part in ("scopes", "attributes"):
        for name in getattr(without, part):
            if name in (request.get(part) or {}):
                take_out(request[part], name)
    for named in without.products:
        product, _, field = named.partition(".")
        products = request.get("products") or {}
        if not field and product in products:
            take_out(products, product)
        elif field in (products.get(product) or {}):
            take_out(products[product], field)
    for part in ("products", "attributes"):
        if part in request and not request[part]:
            take_out(request, part)


def _take_keys_out(request: Any, form: Path, thumbprints: Collection[str]) -> None:
    entries = request.get("jwks") or []
    names = list(map(file_name, entries))
    known = _thumbprints(form, names)
    for name in reversed(names):
        if known.get(name) in thumbprints:
            del entries[names.index(name)]


def _thumbprints(form: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the thumbprint in each file of a key that is there and has one."""
    thumbprints = {}
    for name in names:
        file = absolute(form.with_name(name))
        key = key_in(file.read_text("utf-8"), file) if file.exists() else None
        if isinstance(key, PublicJwk):
            thumbprints[name] = key.thumbprint
    return thumbprints


def _change(configuration: Any, wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        if name not in configuration:
            put_below(configuration, name, copied(value))
        elif configuration[name] != value:
            configuration[name] = copied(value)
