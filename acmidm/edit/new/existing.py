"""An existing form: how it is found by its application, how a draft is added to it, and what a
person reads about that.

The form gains what it lacks, and the draft's values for fields of products. It loses only what
somebody removed by hand at the authority.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ruamel.yaml.comments import CommentedMap

from acmidm.edit.changes import Content
from acmidm.edit.keys.declaring import add_keys, file_name, keys_listed
from acmidm.edit.lines import copied, put_last, put_request, take_out
from acmidm.edit.new.draft import Draft, KeyFiles, Without
from acmidm.edit.new.organisations import OwningOrganisation
from acmidm.report.fields import changes_of_entries
from acmidm.report.kinds import FieldChange
from acmidm_onboarding.forms.declarations import LoadedForm, former_keys
from acmidm_onboarding.forms.documents import read_document
from acmidm_onboarding.forms.files import Files, absolute, form_file
from acmidm_onboarding.forms.form import EnvironmentRequest
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.forms.sound_parts import sound_parts
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.declaration import connection_key
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.problems import listed, quoted
from acmidm_onboarding.values.terms import Environment


def form_of_application(
    read: Onboardings, folder: str, application: str, files: Files
) -> tuple[LoadedForm | None, str | None]:
    """Return the form of an application, and the refusal to change it. ``read`` has the forms of
    ``files``, in a folder of an organisation:

    - (form, None): the form is valid.
    - (form, sentence): the form is valid, and its application has another name now. It had this one
      before, under ``formerly`` or in the name of its file.
    - (None, sentence): the form has mistakes.
    - (None, None): there is no form.
    """
    loaded = _valid_form(read, folder, application)
    if loaded is None:
        return None, _about_mistakes(read, folder, application, files)
    name = loaded.form.application
    if name == application:
        return loaded, None
    return loaded, tr(
        "the application {application} is called {name} now; give that name, or another one for"
        " another application",
        application=application,
        name=name,
    )


def _valid_form(read: Onboardings, folder: str, application: str) -> LoadedForm | None:
    """Return the valid form of an application by the name that it has now, else by an earlier one,
    else by its file; None where the folder has no such form."""
    forms = [loaded for loaded in read.forms if loaded.file.parent.name == folder]
    for loaded in forms:
        if loaded.form.application == application:
            return loaded
    for loaded in forms:
        # None, no other forms: a name that came with an organisation that merged is free.
        earlier = former_keys(loaded.organisation, loaded.form, None)
        if connection_key(loaded.organisation.code, application) in earlier:
            return loaded
    for loaded in forms:
        if loaded.file.name == form_file(application):
            return loaded
    return None


def _about_mistakes(read: Onboardings, folder: str, application: str, files: Files) -> str | None:
    """Return the refusal to change the form of an application because it has mistakes; None where
    no form with mistakes is that of the application, by its name or that of its file."""
    for file in read.left_out:
        if file.parent.name != folder:
            continue
        form, is_identified = sound_parts(
            read_document(file, partial(files.read_text, absolute(file)))
        )
        has_name = form and is_identified and application in (form.application, *form.formerly)
        if has_name or file.name == form_file(application):
            return tr(
                "{file} has mistakes of its own, and was not changed; correct them first: acmidm"
                " validate {file}",
                file=file.as_posix(),
            )
    return None


def about_leaving(loaded: LoadedForm, today: date) -> str | None:
    """Return the refusal to add to a form whose day of retirement has come; None where it has
    not."""
    if loaded.form.retire.on is None or loaded.form.retire.on > today:
        return None
    return tr(
        "{file} leaves: nothing more of it is made; take retire out first, if it stays",
        file=loaded.file,
    )


def draft_adding(
    loaded: LoadedForm,
    environment: Environment,
    parts: Mapping[str, Mapping[str, Any]],
    contacts: Sequence[str] = (),
) -> Draft:
    """Return a draft that adds ``contacts`` to an existing form, and to one of its environments
    ``parts``: {"scopes": {"dv_dosis_schrijven": {"reason": "dossiers"}}}, products or
    attributes."""
    owner = OwningOrganisation(loaded.file.parent.name, loaded.organisation)
    return Draft(owner, {"contacts": contacts, "environments": {environment: parts}})


def added_to(
    loaded: LoadedForm, draft: Draft, key_files: KeyFiles = MappingProxyType({})
) -> dict[Path, Content]:
    """Return the files that add a draft to an existing form: the text of each new key file, and
    last the edit of the form. The draft's ``without`` is taken out of it."""
    files: dict[Path, Content] = {}
    for texts_by_file in key_files.values():
        files |= texts_by_file

    def edit(document: Any) -> None:
        known = loaded.form.contacts
        new_contacts = [contact for contact in draft.form["contacts"] if contact not in known]
        put_last(document["contacts"], new_contacts)
        environments = document["environments"]
        for environment in draft.form["environments"]:
            parts = _parts_of(loaded, draft, environment, environments)
            put_request(environments, environment.value, parts)
            if new_keys := key_files.get(environment):
                add_keys(environments, environment, new_keys)
        if draft.without is not None:
            _remove(document, loaded.file, draft.form["environments"], draft.without)

    return {**files, loaded.file: edit}


def _parts_of(
    loaded: LoadedForm, draft: Draft, environment: Environment, environments: Any
) -> CommentedMap:
    """Return the scopes, products and attributes that a draft gives to an environment of a form,
    for ``put_request``. ``environments`` are those of the form's document, for ``draft.like``."""
    current = loaded.form.environments.get(environment, EnvironmentRequest())
    parts = CommentedMap()
    for part in ("scopes", "products", "attributes"):
        for name, wanted in draft.form["environments"][environment].get(part, {}).items():
            # A scope that the form has stays as it is, unless a hand changed it.
            if draft.without is None and part == "scopes" and name in current.scopes:
                continue
            value = copied(wanted)
            if draft.like:
                value = _with_fields(environments[draft.like][part][name], wanted)
            parts.setdefault(part, CommentedMap())[name] = value
    return parts


def _with_fields(entry: Any, fields: Mapping[str, Any]) -> Any:
    """Return a copy of an entry of a document, such as that of a product, with other values for
    some fields. A field whose value is None is left out of the copy."""
    copy = copied(entry)
    for name, value in fields.items():
        if value is None:
            copy.pop(name, None)
        else:
            copy[name] = copied(value)
    return copy


def _remove(document: Any, form: Path, environments: Iterable[str], without: Without) -> None:
    """Remove from a form's document the contacts in ``without``, and from these of its environments
    the rest of it."""
    for contact in without.contacts:
        if contact in document["contacts"]:
            take_out(document, "contacts", document["contacts"].index(contact))
    for environment in environments:
        if document["environments"].get(environment):
            _remove_parts(document["environments"], environment, without)
            _remove_keys(document["environments"][environment], form, without.keys)


def _remove_parts(environments: Any, environment: str, without: Without) -> None:
    """Remove from an environment of a form the scopes, attributes, products and fields of products
    that ``without`` names. ``products`` and ``attributes`` go too where they are empty then; a form
    always has ``scopes``."""
    request = environments[environment]
    for part in ("scopes", "attributes", "products"):
        entries = request.get(part) or {}
        for name in getattr(without, part):
            parent, holder = request, part
            if part == "products" and "." in name:  # "notificaties.link"
                holder, _, name = name.partition(".")
                parent = entries
            if name in (parent.get(holder) or {}):
                take_out(parent, holder, name)
        if part != "scopes" and part in request and not entries:
            take_out(environments, environment, part)


def _remove_keys(request: Any, form: Path, thumbprints: Collection[str]) -> None:
    """Remove from ``jwks`` of an environment the keys with these thumbprints; their files stay."""
    entries = request.get("jwks") or []
    for name, key in keys_listed(form, entries).items():
        if key.thumbprint in thumbprints:
            take_out(request, "jwks", list(map(file_name, entries)).index(name))


def about_key(name: str, key: PublicJwk) -> str:
    """Return the note for whoever takes a file in to have its sender confirm the thumbprint (RFC
    7638) of a new key. ``name`` is its file. A ``kid`` confirms nothing unless it is the
    thumbprint: whoever wrote the file chose it, perhaps to look like another key."""
    if key.kid == key.thumbprint:
        return tr(
            "new public key {name}: have the sender confirm its thumbprint, {thumbprint}, which is"
            " its kid too",
            name=name,
            thumbprint=key.thumbprint,
        )
    return tr(
        "new public key {name}: have the sender confirm its thumbprint, {thumbprint}; its kid,"
        " {kid}, is another name, which confirms nothing",
        name=name,
        thumbprint=key.thumbprint,
        kid=quoted(key.kid),
    )


def about_production(file: Path, environments: Iterable[Environment]) -> str:
    """Return the note that a form with these environments requests production, and what the gate to
    production wants of it."""
    if Environment.TNI in environments:
        return tr(
            "{file} asks for production, which wants proof from TNI (acmidm probe); what is"
            " lacking is said by acmidm validate {file}",
            file=file,
        )
    return tr(
        "{file} asks for production and has no tni: production wants proof from there, so have TNI"
        " requested and validated first",
        file=file,
    )


def about_form(loaded: LoadedForm, sent: Draft) -> Iterator[str]:
    """Yield the notes for whoever takes a file in, about an existing form: what it loses, which
    values are replaced, and what it keeps although the file lacks it or says otherwise."""
    if sent.without is None:
        contacts = set(loaded.form.contacts).difference(sent.form["contacts"])
        yield from _about_kept(str(loaded.file), contacts)
    else:
        yield from _about_loss(loaded, sent, sent.without)
    for environment in sent.form["environments"]:
        if environment in loaded.form.environments:
            yield from _about_environment(loaded, environment, sent)


def _about_environment(loaded: LoadedForm, environment: Environment, sent: Draft) -> Iterator[str]:
    """Yield the notes of ``about_form`` about an environment that the form and the file have."""
    where, current = f"{loaded.file}, {environment}", loaded.form.environments[environment]
    in_file = sent.form["environments"][environment].get("products", {})
    products = {
        name: {**fields, **in_file.get(name, {})} for name, fields in current.products.items()
    }
    kept = list(_differences_kept(loaded, environment, sent))
    if sent.without is None:  # a file about a change by hand lacks what did not change
        kept += changes_of_entries(products, in_file)
    yield from _about_kept(where, [change.field for change in kept if change.new is None])
    for change in kept:
        if change.new is not None:
            yield tr(
                "{where} keeps its own where the file says otherwise: {change}",
                where=where,
                change=change.in_words(),
            )
    for change in changes_of_entries(current.products, products):
        yield tr("{where} gets a value: {change}", where=where, change=change.in_words())
    if sent.keys.get(environment) and current.jwks is None:
        yield tr(
            "From then on {form} names every key for {environment}: one that was uploaded in"
            " the portal and is not here goes.",
            form=loaded.file,
            environment=environment,
        )


def _differences_kept(
    loaded: LoadedForm, environment: Environment, sent: Draft
) -> tuple[FieldChange, ...]:
    """Return what an environment of a form keeps of its keys and scopes, although the file lacks it
    or says otherwise. By a change by hand scopes change in the form too, and a key that the file
    lacks is in ``without`` or did not change."""
    in_form: dict[str, Mapping[str, Any]] = {}
    in_file: dict[str, Mapping[str, Any]] = {}
    sent_keys = sent.keys_by_thumbprint(environment)
    for key in loaded.keys.get(environment, ()):
        name = f"jwks.{key.kid}"
        if key.thumbprint in sent_keys:
            in_form[name], in_file[name] = key.members, sent_keys[key.thumbprint].members
        elif sent_keys and sent.without is None:  # a file without keys says nothing about them
            in_form[name] = key.members
    if sent.without is None:
        for name, scope in loaded.form.environments[environment].scopes.items():
            in_form[name] = scope.model_dump(include={"reason", "until"}, exclude_none=True)
        in_file |= sent.form["environments"][environment]["scopes"]
    return changes_of_entries(in_form, in_file)


def _about_loss(loaded: LoadedForm, sent: Draft, without: Without) -> Iterator[str]:
    """Yield a note with what a form loses because somebody removed it by hand, and one for each key
    file that the form no longer names: a person removes it."""
    lost = (*without.contacts, *without.scopes, *without.products, *without.attributes)
    if lost:
        yield tr("{file} loses {lost}", file=loaded.file, lost=listed(lost))
    if loaded.form.keys_of:  # its keys are named in keys.yaml of its supplier, and stay there
        return
    for environment in sent.keys:
        request = loaded.form.environments.get(environment, EnvironmentRequest())
        names = [entry.file for entry in request.jwks or ()]
        for name, key in keys_listed(loaded.file, names).items():
            if key.thumbprint in without.keys:
                yield tr(
                    "{file} is in no list of this form any more: remove it where no other form"
                    " names it",
                    file=loaded.file.with_name(name),
                )


def _about_kept(where: str, names: Iterable[str]) -> Iterator[str]:
    """Yield the note with all names that a form keeps although the file lacks them; nothing where
    there are none."""
    if kept := sorted(names):
        yield tr(
            "{where} keeps {names}, which the file lacks: the form changes by hand where that"
            " should go",
            where=where,
            names=", ".join(kept),
        )
