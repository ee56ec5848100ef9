"""``acmidm drift --take-over``: what a hand changed at an authority, as a document that
``acmidm new --from`` reads.

Nothing is written here, and nothing is approved: what no form may have is left out, with a sentence
why. What is taken over is a change of a form like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from acmidm.edit.changes import Changes
from acmidm.edit.keys.pair import about_ended, written_members
from acmidm.edit.new.existing import added_to, draft_adding
from acmidm.form_text import Quoted, ToFill, lines_of
from acmidm.report.kinds import Change, Kind, Scale, who
from acmidm.report.three_views import ClientDrift
from acmidm.words import WHOLE, plain
from acmidm_onboarding.engine_resources import Resource
from acmidm_onboarding.forms.catalogue import OPERATOR_RIGHTS
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.documents import MAXIMUM_BYTES, YamlDocument, read_document
from acmidm_onboarding.forms.files import absolute
from acmidm_onboarding.forms.form import ScopeRequest
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.rules.gate import by_reason
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.client import Grant
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, public_jwk, thumbprints
from acmidm_onboarding.values.plain import filled
from acmidm_onboarding.values.problems import Failure, listed, quoted
from acmidm_onboarding.values.terms import MOST_KEYS

_LONGEST_REFERENCE = 100
_MARKS = ("software_id", "managed_by")
_SAID_OTHERWISE = (
    Kind.KEYS_REPLACED,
    Kind.CLIENT_WITHOUT_KEY,
    Kind.CLIENT_WITH_ONE_KEY,
    Kind.SECOND_KEY_WITHOUT_KID,
)
"""Kinds that say what other changes come to."""


class TakeOver:
    """What a form gains and loses by what a hand changed at one client's authority."""

    def __init__(self, drift: ClientDrift, stack: Stack) -> None:
        """Raises Failure where the form gets nothing."""
        key = drift.before.key
        if drift.by_hand is None:
            raise Failure(
                tr(
                    "{key}: nobody changed anything by hand on stack {stack}; there is nothing to"
                    " take over",
                    key=key,
                    stack=stack.name,
                )
            )
        if drift.actual is None:
            raise Failure(
                tr(
                    "{key}: somebody removed the client; acmidm drift --stack {stack} --heal makes"
                    " it anew, or retire it in its form",
                    key=key,
                    stack=stack.name,
                )
            )
        before, after = drift.before.fields, drift.after.fields
        if any(after.get(name) != before.get(name) for name in _MARKS):
            raise Failure(
                tr(
                    "{key}: the client has another's mark, {mark}, so that nothing of it is taken"
                    " over; find out who took it",
                    key=key,
                    mark=quoted(str(after.get("managed_by") or "-")),
                )
            )
        self._drift, self._stack, self._catalogue = drift, stack, stack.forms.catalogue
        self.declared, self._loaded = _form_of(drift, stack)
        self._request = self._loaded.form.environments[self.declared.environment]
        self._contacts = list(self._loaded.form.contacts)
        self._wanted: dict[str, dict[str, Any]] = {"scopes": {}, "products": {}, "attributes": {}}
        """By their names in a form."""
        self._keys: dict[str, PublicJwk] = {}
        self._without: dict[str, list[str]] = {}
        self._accepted: list[Change] = []
        """The changes that are taken over."""
        self.notes: list[str] = []
        """What is not taken over, and why; and what the form changes elsewhere."""
        self._takes: Mapping[Kind, Callable[[Change], None]] = {
            Kind.SCOPE_GRANTED: self._take_scope,
            Kind.SCOPE_DEFAULT: self._take_scope,
            Kind.SCOPE_ON_REQUEST: self._take_scope,
            Kind.SCOPE_WITHDRAWN: self._take_withdrawn_scope,
            Kind.KEY_ADDED: self._take_key,
            Kind.KEY_CHANGED: self._take_key,
            Kind.KEY_REMOVED: self._take_key,
            Kind.KEY_COMPROMISED: self._take_key,
            Kind.PRODUCT_REMOVED: self._take_removed_product,
            Kind.PRODUCT_CHANGED: self._take_product,
            Kind.ATTRIBUTES_CHANGED: self._take_attribute,
            Kind.CLIENT_UPDATED: self._take_metadata,
            Kind.SENDS_FOR_MORE: _by_mandate,
            Kind.SENDS_FOR_FEWER: _by_mandate,
        }
        """Per kind what takes a change over, or raises Failure with why it may not be."""
        for change in chain.from_iterable(map(_by_field, drift.by_hand.changes)):
            self._take(change)
        self._complete()

    def _complete(self) -> None:
        """Look at all that was taken over together. Raises Failure where it is nothing."""
        self._check_number_of_keys()
        self._hold_back()
        self._take_products_along()
        form = self._loaded.form
        if others := [name for name in form.platforms if name != self.declared.platform]:
            self.notes.append(
                tr(
                    "what the form gains or loses goes for its other platforms too: {platforms}",
                    platforms=listed(others),
                )
            )
        if self._contacts != list(form.contacts):
            self.notes.append(tr("the contacts are those of all environments of the form"))
        if not self._accepted:
            nothing = tr(
                "{key}: nothing of what a hand changed can be in a form; acmidm drift --stack"
                " {stack} --heal puts it back",
                key=self.declared.key,
                stack=self._stack.name,
            )
            raise Failure("\n".join([nothing, *self.notes]))

    def _take(self, change: Change) -> None:
        """Take a change over by its kind, or note why it is not taken over. A note, and what other
        changes say already, is passed over."""
        if change.kind in _SAID_OTHERWISE or change.kind.row.scale is Scale.NOTE:
            return
        try:
            self._takes.get(change.kind, _in_no_form)(change)
            self._accepted.append(change)
        except Failure as failure:
            self._leave(change, str(failure))

    def _leave(self, change: Change, *reasons: str) -> None:
        if change in self._accepted:
            self._accepted.remove(change)
        why = "; ".join(dict.fromkeys(reasons))
        self.notes.append(tr("not taken over: {what}: {why}", what=_sentence(change), why=why))

    def text(self) -> str:
        """Return the document. Raises Failure where nobody could read it."""
        organisation, declared = self.declared.declared_by, self.declared
        kbo = organisation.kbo and Quoted(organisation.kbo)
        names = {"name": organisation.name, "ovo": organisation.ovo, "kbo": kbo}
        request = {"jwks": list(self._keys), **self._wanted}
        fields: dict[str, Any] = {
            "organisation": filled(names),
            "form": {
                "application": self._loaded.form.application,
                "contacts": self._contacts,
                "environments": {declared.environment.value: filled(request)},
            },
        }
        if self._keys:
            fields["keys"] = {name: written_members(key) for name, key in self._keys.items()}
        fields["without"] = self._without  # empty too: by it a reader knows the kind of file
        comments = [
            tr(
                "What a hand changed of {key} on stack {stack}, for {form}. Fill in each reason,"
                " then: acmidm new --from FILE",
                key=declared.key,
                stack=self._stack.name,
                form=self._loaded.file,
            )
        ]
        comments += [tr("taken over: {what}", what=_sentence(change)) for change in self._accepted]
        lines = [f"# {plain(comment, WHOLE)}" for comment in (*comments, *self.notes)]
        text = "\n".join([*lines, *lines_of(fields), ""])
        if problems := _read(text).problems:
            raise Failure(
                tr(
                    "{key}: the authority has something that no file may have: {what}; put it"
                    " right there first",
                    key=declared.key,
                    what=problems[0].what,
                )
            )
        return text

    def _remove(self, part: str, name: str) -> None:
        self._without.setdefault(part, []).append(name)

    def _in_catalogue(self, name: str) -> str:
        """Return how the catalogue calls a scope of the platform."""
        return self._catalogue.scopes_by_name[self.declared.platform].get(name, name)

    def _take_scope(self, change: Change) -> None:
        """Add a scope to what the form gets, as the authority has it; its reason is left to fill in
        where the form has none. Raises Failure where no form may have it."""
        granted = str(change.subject)
        if granted in OPERATOR_RIGHTS:
            raise Failure(
                tr("it is a right of operators, which no form may have; take it away in the portal")
            )
        name = self._in_catalogue(granted)
        in_form = self._request.scopes.get(name, ScopeRequest())
        scope: dict[str, Any] = {"reason": in_form.reason or ToFill()}
        is_default = self._drift.after.granted[granted].default
        if is_default is not in_form.default:
            scope["default"] = is_default
        if name not in self._request.scopes and (reference := _reference(change)):
            scope["reference"] = reference
        self._require_valid(scopes={name: {**scope, "reason": "x"}})
        self._wanted["scopes"][name] = scope

    def _take_withdrawn_scope(self, change: Change) -> None:
        self._remove("scopes", self._in_catalogue(str(change.subject)))

    def _take_key(self, change: Change) -> None:
        """Add the key that the authority has now, and remove the one that was recorded; both for a
        key that was changed. Raises Failure where a person has to change something else."""
        kid = str(change.subject)
        was = (self._drift.before.keys.declared or {}).get(kid)
        now = (self._drift.after.keys.declared or {}).get(kid)
        thumbprint = now.thumbprint if now else None
        supplier = self._loaded.form.keys_of or self.declared.lenders.listed.get(thumbprint or "")
        if supplier:
            raise Failure(
                tr(
                    "the key is that of supplier {supplier}, by a mandate; change its keys.yaml",
                    supplier=supplier,
                )
            )
        if thumbprint in self.declared.keys.compromised:
            raise Failure(
                tr("the form says that this key is compromised; take it away in the portal")
            )
        if was and now and was.thumbprint == thumbprint:
            raise Failure(tr("the same key is described otherwise; change its file"))
        if now:
            self._keys[f"key-{len(self._keys) + 1}.jwk.json"] = self._usable_key(kid)
        if was and was.thumbprint:
            self._remove("keys", was.thumbprint)

    def _usable_key(self, kid: str) -> PublicJwk:
        """Return the key of the authority. Raises Failure where a form may not have it."""
        try:
            key = public_jwk(self._drift.key_members(kid))
        except InvalidJwk as error:
            reasons = dict.fromkeys(reason.sentence for reason in error.reasons)
            raise Failure("; ".join(reasons)) from None
        if key.has_ended(self._stack.now):
            raise Failure(about_ended(key, quoted(key.kid)))
        return key

    def _take_removed_product(self, change: Change) -> None:
        self._remove("products", str(change.subject))

    def _take_product(self, change: Change) -> None:
        """Add to what the form gets each field of a configuration that differs from what was
        recorded, and remove those that the authority lacks. Raises Failure where the configuration
        has another's mark, or no form may have its values."""
        product = str(change.subject)
        recorded, real = self._drift.before.product(product), self._drift.after.products[product]
        if not real.owner.is_connection_of(recorded.owner):
            raise Failure(
                tr(
                    "the configuration has another's mark, {mark}; find out who wrote it",
                    mark=quoted(real.owner.managed_by or "-"),
                )
            )
        was, now = recorded.without_afzenders, real.without_afzenders
        changed = {name: value for name, value in now.items() if was.get(name) != value}
        if changed:
            self._require_valid(products={product: changed})
            self._wanted["products"][product] = changed
        for name in was.keys() - now.keys():
            self._remove("products", f"{product}.{name}")

    def _require_valid(self, contacts: Sequence[str] = (), **parts: Mapping[str, Any]) -> None:
        """Raises Failure where the form may not have more, with what the loader says of it then."""
        draft = draft_adding(self._loaded, self.declared.environment, parts, contacts)
        file, catalogue = self._loaded.file, self._stack.forms.settings.catalogue_folder
        changes = Changes(partial(read_onboardings, [file], catalogue))
        # As text: how its lines end is for whoever edits it.
        changes.texts[absolute(file)] = absolute(file).read_text("utf-8")
        changes.add(added_to(self._loaded, draft))
        if wrong := [problem.sentence for problem in changes.problems()]:
            raise Failure("; ".join(dict.fromkeys(wrong)))

    def _take_attribute(self, change: Change) -> None:
        """Add an attribute to what the form gets, or remove it where the authority lacks it. Raises
        Failure where no form may have it."""
        name = change.fields[0].field
        value = self._drift.after.attributes.get(name)
        if value is None:
            self._remove("attributes", name)
            return
        self._require_valid(attributes={name: value})
        self._wanted["attributes"][name] = value

    def _take_metadata(self, change: Change) -> None:
        """Take the contacts over; raises Failure for any other field, and where no form may have
        them."""
        if change.fields[0].field != "contacts":
            _in_no_form(change)
        contacts = list(self._drift.after.fields.get("contacts", ()))
        self._require_valid(contacts)
        self._contacts = contacts
        for gone in sorted(set(self._drift.before.fields.get("contacts", ())) - set(contacts)):
            self._remove("contacts", gone)

    def _check_number_of_keys(self) -> None:
        """Leave all keys as they are where the form would have none, or too many."""
        gone = self._without.get("keys", ())
        current = thumbprints(self._loaded.keys.get(self.declared.environment, ()))
        count = len(current.difference(gone)) + len(self._keys)
        if 1 <= count <= MOST_KEYS:
            return
        sentence = tr(
            "the form would have {count} keys, and has to have 1 to {most}",
            count=count,
            most=MOST_KEYS,
        )
        for change in list(self._accepted):
            if change.kind.row.resource is Resource.KEYS:
                self._leave(change, sentence)
        self._without.pop("keys", None)
        self._keys.clear()

    def _hold_back(self) -> None:
        """Leave the scopes that the gate keeps from production until they are proven on TNI."""
        declared = self.declared
        granted = [change for change in self._accepted if change.kind is Kind.SCOPE_GRANTED]
        names = {str(change.subject): self._in_catalogue(str(change.subject)) for change in granted}
        known = {**declared.form.catalogue_names, **names}
        wanted = replace(
            declared,
            scopes={**declared.scopes, **dict.fromkeys(names, Grant())},
            form=replace(declared.form, catalogue_names=known),
        )
        desired = self._stack.desired_by_forms([wanted], self._stack.forms.settings.gate)
        passed = set(chain.from_iterable(connection.scopes for connection in desired.declared))
        for change in granted:
            if change.subject not in passed:
                del self._wanted["scopes"][names[str(change.subject)]]
                self._leave(change, *by_reason(desired.held_back))

    def _take_products_along(self) -> None:
        """Take out the products none of whose scopes is left: no form may configure them."""
        scopes = {*self._request.scopes, *self._wanted["scopes"]}
        scopes -= set(self._without.get("scopes", ()))
        for name in self._request.products:
            is_gone = name in self._without.get("products", ())
            if is_gone or scopes.intersection(self._catalogue.products[name].scopes):
                continue
            self._wanted["products"].pop(name, None)
            self._remove("products", name)
            self.notes.append(
                tr("product {product} goes too, for none of its scopes is left", product=name)
            )


def documents_of(take_overs: Iterable[TakeOver]) -> str:
    """Return the documents of several clients as one file. Raises Failure where it would be too
    large to read."""
    text = "---\n".join(take_over.text() for take_over in take_overs)
    if len(text.encode()) > MAXIMUM_BYTES:
        raise Failure(
            tr(
                "the document would have more than {most} bytes, which nobody reads in; take over"
                " fewer clients at once",
                most=MAXIMUM_BYTES,
            )
        )
    return text


def _form_of(drift: ClientDrift, stack: Stack) -> tuple[Declaration, LoadedForm]:
    """Return the declaration of a client, and the form that it is of. Raises Failure where no form
    without mistakes declares it."""
    # The form may give it another key than the state has.
    client_keys = [side.client_key for side in (drift.declared, drift.recorded) if side]
    forms = {loaded.name: loaded for loaded in stack.forms.onboardings.forms}
    for declared in stack.forms.connections:
        if declared.client_key in client_keys:
            return declared, forms[str(declared.form.path)]
    raise Failure(
        tr(
            "{key}: no form without mistakes in {folder} declares the client; correct its form, or"
            " bring it back, first",
            key=client_keys[0][0],
            folder=stack.forms.settings.forms_folder,
        )
    )


def _in_no_form(_: Change) -> None:
    raise Failure(tr("no form says this; acmidm drift --heal puts it back"))


def _by_mandate(_: Change) -> None:
    raise Failure(tr("whom a client sends for is in mandates and under afzenders; change those"))


def _by_field(change: Change) -> list[Change]:
    """Return a change of metadata as one of each field: a form may have some of them."""
    if change.kind not in (Kind.CLIENT_UPDATED, Kind.ATTRIBUTES_CHANGED):
        return [change]
    return [change.model_copy(update={"fields": (field,)}) for field in change.fields]


def _sentence(change: Change) -> str:
    """Return a change, and who made it where its authority knows."""
    by = "".join(piece.text for piece in who(change.changed_by, change.changed_at))
    return f"{change.text} ({by})" if by else change.text


def _reference(change: Change) -> str | None:
    """Return who granted a scope, and when, as the form keeps it; None where nobody knows."""
    if change.changed_by is None or change.changed_at is None:
        return None
    reference = tr(
        "in the portal, by {author} on {day}",
        author=plain(change.changed_by, 60),
        day=f"{change.changed_at:%Y-%m-%d}",
    )[:_LONGEST_REFERENCE]
    return None if _unwritable({"reference": reference}) else reference


def _unwritable(fields: Mapping[str, Any]) -> list[str]:
    """Return why no form can have fields of an authority; never what they are."""
    return [problem.what for problem in _read("\n".join(lines_of(fields))).problems][:1]


def _read(text: str) -> YamlDocument:
    return read_document(Path(), lambda: text)
