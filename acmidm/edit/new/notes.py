"""What whoever takes a file in has to know, though nothing is wrong: which key to confirm, and what
of a form that exists is replaced or left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from acmidm.edit.new.draft import Draft, Without
from acmidm.edit.new.existing import files_of_keys
from acmidm.edit.new.organisations import quoted_or_none
from acmidm.words import shown
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.form import EnvironmentRequest
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.problems import listed, quoted
from acmidm_onboarding.values.terms import Environment


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
        contacts = set(loaded.form.contacts) - set(sent.form["contacts"])
        yield from _kept(str(loaded.file), tr("contacts"), contacts)
    else:
        yield from _about_loss(loaded, sent, sent.without)
    for environment, request in sent.form["environments"].items():
        there = loaded.form.environments.get(environment)
        if there is None:
            continue
        where = f"{loaded.file}, {environment}"
        if sent.without is None:
            yield from _about_kept(where, there, request)
        for product, configuration in request.get("products", {}).items():
            if own := there.products.get(product):
                yield from _about_product(where, product, own, configuration)
        given = [key for key in sent.keys[environment] if isinstance(key, PublicJwk)]
        keys = loaded.keys.get(environment, ())
        if sent.without is None and given:
            thumbprints = {key.thumbprint for key in given}
            others = [key.kid for key in keys if key.thumbprint not in thumbprints]
            yield from _kept(where, tr("keys"), others)
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
    parts = (without.contacts, without.scopes, without.products, without.attributes)
    if lost := list(chain.from_iterable(parts)):
        yield tr("{file} loses {lost}", file=loaded.file, lost=listed(lost))
    for environment in sent.keys:
        for name, thumbprint in files_of_keys(loaded, environment).items():
            if thumbprint in without.keys:
                yield tr(
                    "{file} is in no list of this form any more: remove it where no other form"
                    " names it",
                    file=loaded.file.with_name(name),
                )


def _about_kept(where: str, there: EnvironmentRequest, sent: Mapping[str, Any]) -> Iterator[str]:
    scopes, products = sent["scopes"], sent.get("products", {})
    yield from _kept(where, tr("scopes"), there.scopes.keys() - scopes.keys())
    yield from _kept(where, tr("products"), there.products.keys() - products.keys())
    for name, scope in scopes.items():
        own = there.scopes.get(name)
        if own is None:
            continue
        reason, until = scope.get("reason"), scope.get("until")
        if reason not in (None, own.reason):
            yield tr(
                "{where}: {scope} keeps the reason {old}; the sender writes {new}",
                where=where,
                scope=name,
                old=quoted_or_none(own.reason),
                new=quoted(reason),
            )
        if until not in (None, own.until):
            yield tr(
                "{where}: {scope} keeps its last day, {old}; the sender writes {new}",
                where=where,
                scope=name,
                old=own.until or tr("none"),
                new=until,
            )
    for product, configuration in products.items():
        lacking = there.products.get(product, {}).keys() - configuration.keys()
        yield from _kept(where, tr("fields of {product}", product=product), lacking)


def _about_product(
    where: str, product: str, there: Mapping[str, Any], sent: Mapping[str, Any]
) -> Iterator[str]:
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


def _about_keys(where: str, there: Sequence[PublicJwk], sent: Sequence[PublicJwk]) -> Iterator[str]:
    by_thumbprint = {key.thumbprint: key for key in sent}
    for key in there:
        same = by_thumbprint.get(key.thumbprint)
        if same is None or same.members == key.members:
            continue
        names = same.members.keys() | key.members.keys()
        members = [name for name in names if same.members.get(name) != key.members.get(name)]
        yield tr(
            "{where}, has the key with thumbprint {thumbprint} already, as {kid}; it stays as it"
            " is, without what the file says otherwise of it: {members}",
            where=where,
            thumbprint=key.thumbprint,
            kid=quoted(key.kid),
            members=listed(members),
        )


def _kept(where: str, what: str, names: Iterable[str]) -> Iterator[str]:
    if kept := sorted(names):
        yield tr(
            "{where} keeps the {what} {names}, which the file lacks: the form changes by hand"
            " where that should go",
            where=where,
            what=what,
            names=", ".join(kept),
        )
