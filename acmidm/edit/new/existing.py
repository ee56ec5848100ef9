"""The form that an application has already, under the name that it has now or an earlier one, and
what it gets of a draft: more, and what a product knows otherwise. It loses what a hand took away,
and nothing else. Whoever takes a file in reads what of it is replaced or left."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ruamel.yaml.comments import CommentedMap

from acmidm.edit.changes import Content
from acmidm.edit.keys.declaring import add_keys, file_name, keys_listed
from acmidm.edit.lines import copied, put_last, put_request, take_out
from acmidm.edit.new.draft import Draft, KeyFiles, Without
from acmidm.edit.new.organisations import OwningOrganisation
from acmidm.report.fields import differing
from acmidm.words import shown
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
    """Return the valid form of an application, which may have another name by now; and why it
    cannot be changed, where that is so. Both are None where the application has no form.

    A form has had a name that is under ``formerly``, or that its file has still.
    """
    loaded = _sound_form(read, folder, application)
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


def _sound_form(read: Onboardings, folder: str, application: str) -> LoadedForm | None:
    """Return the form of an application by the name that it has now, else by an earlier one, else
    by its file; None where the folder has none without mistakes."""
    forms = [loaded for loaded in read.forms if loaded.file.parent.name == folder]
    for loaded in forms:
        if loaded.form.application == application:
            return loaded
    for loaded in forms:
        # Without the other forms: a name that came with an organisation that merged is free.
        earlier = former_keys(loaded.organisation, loaded.form, None)
        if connection_key(loaded.organisation.code, application) in earlier:
            return loaded
    for loaded in forms:
        if loaded.file.name == form_file(application):
            return loaded
    return None


def _mistaken(read: Onboardings, folder: str, application: str, files: Files) -> str | None:
    """Return why nothing is added to the form of an application that has mistakes, as far as it can
    be read; None where there is none."""
    for file in read.left_out:
        if file.parent.name != folder:
            continue
        form, is_identified = sound_parts(
            read_document(file, partial(files.read_text, absolute(file)))
        )
        is_called = form and is_identified and application in (form.application, *form.formerly)
        if is_called or file.name == form_file(application):
            return tr(
                "{file} has mistakes of its own, and was not changed; correct them first: acmidm"
                " validate {file}",
                file=file.as_posix(),
            )
    return None


def about_leaving(loaded: LoadedForm, today: date) -> str | None:
    """Return why a form that leaves gets nothing more; None where it stays."""
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
    """Return a draft that adds scopes, products, attributes and contacts to a form that exists."""
    owner = OwningOrganisation(loaded.file.parent.name, loaded.organisation)
    return Draft(owner, {"contacts": contacts, "environments": {environment: parts}})


def added_to(
    loaded: LoadedForm, draft: Draft, key_files: KeyFiles = MappingProxyType({})
) -> dict[Path, Content]:
    """Return the changes that add a draft to a form that exists, by file: the text of each new key
    file, and last the edit of the form.

    The form gets what it lacks and the draft's values in the products that it has. It loses what a
    hand took away, where the draft says so.
    """
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
    """Return what an environment of a form gets of a draft: of a scope that it has, nothing but
    what a hand set otherwise. Of a draft that is like another environment, what it lacks is as
    there, but for the fields that are given."""
    current = loaded.form.environments.get(environment, EnvironmentRequest())
    parts = CommentedMap()
    for part in ("scopes", "products", "attributes"):
        for name, wanted in draft.form["environments"][environment].get(part, {}).items():
            if draft.without is None and part == "scopes" and name in current.scopes:
                continue
            value = copied(wanted)
            if draft.like:
                value = _with_fields(environments[draft.like][part][name], wanted)
            parts.setdefault(part, CommentedMap())[name] = value
    return parts


def _with_fields(written: Any, fields: Mapping[str, Any]) -> Any:
    """Return a copy of a part of a document with these fields; None leaves one out."""
    copy = copied(written)
    for name, value in fields.items():
        if value is None:
            copy.pop(name, None)
        else:
            copy[name] = copied(value)
    return copy


def _remove(document: Any, form: Path, wanted: Iterable[str], without: Without) -> None:
    """Take out of a form what a hand took away, in the environments that are wanted."""
    for contact in without.contacts:
        if contact in document["contacts"]:
            document["contacts"].remove(contact)
    for environment in wanted:
        request = document["environments"].get(environment) or {}
        _remove_parts(request, without)
        _remove_keys(request, form, without.keys)


def _remove_parts(request: Any, without: Without) -> None:
    """Remove from an environment of a form the scopes, attributes, products and fields of products
    that ``without`` names; then ``products`` and ``attributes`` where nothing is left in them."""
    for part in ("scopes", "attributes", "products"):
        there = request.get(part) or {}
        for name in getattr(without, part):
            holder = there
            if part == "products" and "." in name:  # "notificaties.link"
                product, _, name = name.partition(".")
                holder = there.get(product) or {}
            if name in holder:
                take_out(holder, name)
        if part != "scopes" and part in request and not there:
            take_out(request, part)


def _remove_keys(request: Any, form: Path, thumbprints: Collection[str]) -> None:
    """Remove from ``jwks`` of an environment the keys with these thumbprints; their files stay."""
    entries = request.get("jwks") or []
    for name, key in keys_listed(form, entries).items():
        if key.thumbprint in thumbprints:
            del entries[list(map(file_name, entries)).index(name)]


def about_key(name: str, key: PublicJwk) -> str:
    """Return which thumbprint (RFC 7638) the sender has to confirm. A ``kid`` is a name that
    whoever wrote the file chose: it may be that of another key."""
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
    """Return what production wants of a form that has these environments."""
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
    """Yield what a form that exists loses, and what it keeps although the file lacks it: a sender
    may think that it is gone. What takes over has no more than what differs."""
    if sent.without is None:
        contacts = set(loaded.form.contacts).difference(sent.form["contacts"])
        yield from _kept(str(loaded.file), contacts)
    else:
        yield from _about_loss(loaded, sent, sent.without)
    for environment, request in sent.form["environments"].items():
        there = loaded.form.environments.get(environment)
        if there is None:
            continue
        where = f"{loaded.file}, {environment}"
        given, keys = sent.keys_by_thumbprint(environment), loaded.keys.get(environment, ())
        if sent.without is None:
            others = [key.kid for key in keys if given and key.thumbprint not in given]
            yield from _kept(where, [*_not_sent(there, request), *others])
            yield from _about_scopes(where, there, request["scopes"])
        for product, configuration in request.get("products", {}).items():
            yield from _about_product(
                where, product, there.products.get(product, {}), configuration
            )
        yield from _about_keys(where, keys, given)
        if given and there.jwks is None:
            yield tr(
                "From then on {form} names every key for {environment}: one that was uploaded in"
                " the portal and is not here goes.",
                form=loaded.file,
                environment=environment,
            )


def _about_loss(loaded: LoadedForm, sent: Draft, without: Without) -> Iterator[str]:
    """Yield what a form loses because a hand took it away, and the files of keys that it then names
    no more: nobody removes them but a person."""
    lost = (*without.contacts, *without.scopes, *without.products, *without.attributes)
    if lost:
        yield tr("{file} loses {lost}", file=loaded.file, lost=listed(lost))
    for environment in sent.keys:
        request = loaded.form.environments.get(environment, EnvironmentRequest())
        names = map(attrgetter("file"), request.jwks or ())
        for name, key in keys_listed(loaded.file, names).items():
            if key.thumbprint in without.keys:
                yield tr(
                    "{file} is in no list of this form any more: remove it where no other form"
                    " names it",
                    file=loaded.file.with_name(name),
                )


def _not_sent(there: EnvironmentRequest, sent: Mapping[str, Any]) -> Iterator[str]:
    """Yield the scopes, products and fields of products that a form has and a file lacks."""
    products = sent.get("products", {})
    yield from there.scopes.keys() - sent["scopes"].keys()
    yield from there.products.keys() - products.keys()
    for product, configuration in products.items():
        for name in there.products.get(product, {}).keys() - configuration.keys():
            yield f"{product}.{name}"


def _about_scopes(
    where: str, there: EnvironmentRequest, sent: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Yield each reason and last day that a sender writes otherwise, of scopes that the form has:
    the form keeps its own."""
    for name, scope in there.scopes.items():
        for field in ("reason", "until"):
            old, new = getattr(scope, field), sent.get(name, {}).get(field)
            if new not in (None, old):
                yield tr(
                    "{where}: {scope} keeps its {field}, {old}; the sender writes {new}",
                    where=where,
                    scope=name,
                    field=field,
                    old=quoted(str(old)) if old else tr("none"),
                    new=quoted(str(new)),
                )


def _about_product(
    where: str, product: str, there: Mapping[str, Any], sent: Mapping[str, Any]
) -> Iterator[str]:
    """Yield each field of a product that the form has and that gets another value by what was sent;
    of a list only what it loses."""
    for name, new in sent.items():
        old = there.get(name)
        if isinstance(old, list) and isinstance(new, list):
            if lost := [value for value in old if value not in new]:
                yield tr(
                    "{where}: {product}, {field} loses {lost}",
                    where=where,
                    product=product,
                    field=name,
                    lost=shown(lost),
                )
        elif old is not None and old != new:
            yield tr(
                "{where}: {product}, {field} is {new} in the place of {old}",
                where=where,
                product=product,
                field=name,
                old=shown(old),
                new=shown(new),
            )


def _about_keys(
    where: str, there: Iterable[PublicJwk], sent: Mapping[str, PublicJwk]
) -> Iterator[str]:
    """Yield each key that the form has already and that was sent with other members: it stays."""
    for key in there:
        same = sent.get(key.thumbprint, key)
        if members := [name for name, *_ in differing(same.members, key.members)]:
            yield tr(
                "{where}, has the key with thumbprint {thumbprint} already, as {kid}; it stays as"
                " it is, without what the file says otherwise of it: {members}",
                where=where,
                thumbprint=key.thumbprint,
                kid=quoted(key.kid),
                members=listed(members),
            )


def _kept(where: str, names: Iterable[str]) -> Iterator[str]:
    """Yield a sentence with the names that a form keeps although the file lacks them; nothing where
    there are none."""
    if kept := sorted(names):
        yield tr(
            "{where} keeps {names}, which the file lacks: the form changes by hand where that"
            " should go",
            where=where,
            names=", ".join(kept),
        )
