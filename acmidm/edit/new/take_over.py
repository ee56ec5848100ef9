"""``acmidm drift --take-over``: makes a document for ``acmidm new --from`` of what somebody changed
by hand at an authority.

No form is written here. A change that no form may have is left out, and a comment in the document
says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any

from acmidm.edit.changes import Changes
from acmidm.edit.keys.declaring import free_names
from acmidm.edit.keys.pair import about_ended, key_text, written_members
from acmidm.edit.new.draft import KeyFiles, Without
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
_CONSEQUENCES = (
    Kind.KEYS_REPLACED,
    Kind.CLIENT_WITHOUT_KEY,
    Kind.CLIENT_WITH_ONE_KEY,
    Kind.SECOND_KEY_WITHOUT_KID,
)
"""Kinds that only warn of what other changes of the same client mean together."""


class TakeOver:
    """What a form gains and loses by the changes that somebody made by hand to one client."""

    def __init__(self, drift: ClientDrift, stack: Stack) -> None:
        """Takes over each change of ``drift`` that a form may have. Raises Failure where there is
        none, the client is gone or has another's mark, or no valid form declares it."""
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
        """Those that the form will have."""
        self._gained: dict[str, dict[str, Any]] = {"scopes": {}, "products": {}, "attributes": {}}
        """What the form gains, as its YAML: {"scopes": {"dv_kbo": {"reason": ToFill()}}}."""
        self._keys: dict[str, PublicJwk] = {}
        """The keys that the form gains, by the names of files in the document."""
        self._lost: dict[str, list[str]] = {}
        """What the form loses, as ``Without``: {"scopes": ["dv_kbo"], "keys": [thumbprint]}."""
        self._accepted: list[Change] = []
        """The changes that are taken over."""
        self.notes: list[str] = []
        """Which changes are not taken over, and why; what the form changes elsewhere."""
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
            Kind.SENDS_FOR_MORE: _refuse_afzenders,
            Kind.SENDS_FOR_FEWER: _refuse_afzenders,
        }
        """The method that takes over a change of each kind. It raises Failure with why the form may
        not have the change."""
        for change in chain.from_iterable(map(_by_field, drift.by_hand.changes)):
            self._take(change)
        self._complete()

    def _complete(self) -> None:
        """Check all that was taken over together: reject what a form may not have then, and note
        what else changes by it. Raises Failure where no change is taken over."""
        self._check_number_of_keys()
        self._apply_gate()
        self._keep_products_of_scopes()
        self._remove_without_scope()
        form = self._loaded.form
        if platforms := [name for name in form.platforms if name != self.declared.platform]:
            self.notes.append(
                tr(
                    "what the form gains or loses goes for its other platforms too: {platforms}",
                    platforms=listed(platforms),
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
        self._note_what_refuses()

    def _note_what_refuses(self) -> None:
        """Note what the form would have wrong with all of this together, such as a product under
        ``retire`` that it no longer has: a person corrects that in the form first."""
        try:
            self._require_valid(
                self._gained,
                self._contacts,
                Without.model_validate({**self._lost, "keys": ()}),  # were checked each
            )
        except Failure as failure:
            self.notes.append(
                tr(
                    "the form first has to be corrected by hand, else acmidm new --from refuses"
                    " this: {why}",
                    why=failure,
                )
            )

    def _take(self, change: Change) -> None:
        """Take over a change of a kind that a form may have, or note why it is rejected. A change
        that is a note, or a consequence of others, is passed over."""
        if change.kind in _CONSEQUENCES or change.kind.row.scale is Scale.NOTE:
            return
        try:
            self._takes.get(change.kind, _refuse)(change)
            self._accepted.append(change)
        except Failure as failure:
            self._reject(change, str(failure))

    def _reject(self, change: Change, *reasons: str) -> None:
        """Note that a change is not taken over, also one that was accepted before."""
        if change in self._accepted:
            self._accepted.remove(change)
        why = "; ".join(dict.fromkeys(reasons))
        self.notes.append(tr("not taken over: {what}: {why}", what=_sentence(change), why=why))

    def text(self) -> str:
        """Return the document as YAML, with a comment for each change that is taken over or not.
        Raises Failure where the authority has a value that no file may have."""
        organisation, declared = self.declared.declared_by, self.declared
        kbo = organisation.kbo and Quoted(organisation.kbo)
        names = {"name": organisation.name, "ovo": organisation.ovo, "kbo": kbo}
        request = {"jwks": list(self._keys), **self._gained}
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
        # Also where it is empty: acmidm new --from knows by it that the file is about a hand.
        fields["without"] = filled(self._lost)
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
        self._lost.setdefault(part, []).append(name)

    def _catalogue_name(self, granted: str) -> str:
        """Return the catalogue's name of a scope that is called ``granted`` on the platform."""
        return self._catalogue.scopes_by_name[self.declared.platform].get(granted, granted)

    def _take_scope(self, change: Change) -> None:
        """Add a scope that the authority granted, or whose default it changed. A reason that the
        form lacks is left for a person to fill in. Raises Failure where the form may not have
        it."""
        granted = str(change.subject)
        if granted in OPERATOR_RIGHTS:
            raise Failure(
                tr("it is a right of operators, which no form may have; take it away in the portal")
            )
        name = self._catalogue_name(granted)
        in_form = self._request.scopes.get(name, ScopeRequest())
        scope: dict[str, Any] = {"reason": in_form.reason or ToFill()}
        is_default = self._drift.after.granted[granted].default
        if is_default is not in_form.default:
            scope["default"] = is_default
        if name not in self._request.scopes and (reference := _reference(change)):
            scope["reference"] = reference
        self._require_valid({"scopes": {name: scope}})
        self._gained["scopes"][name] = scope

    def _take_withdrawn_scope(self, change: Change) -> None:
        self._remove("scopes", self._catalogue_name(str(change.subject)))

    def _take_key(self, change: Change) -> None:
        """Add the key that the authority has under a ``kid``, and remove the one that the state has
        under it, each where there is one. Raises Failure where the form may not have the key, or it
        is changed in another file."""
        kid = str(change.subject)
        recorded = (self._drift.before.keys.declared or {}).get(kid)
        real = (self._drift.after.keys.declared or {}).get(kid)
        thumbprint = real.thumbprint if real else None
        # The supplier of the form, or another one whose keys.yaml lists this key.
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
        if recorded and real and recorded.thumbprint == thumbprint:
            raise Failure(tr("the same key is described otherwise; change its file"))
        if real:
            key = self._registrable_key(kid)
            self._require_valid_key(key)
            self._keys[f"key-{len(self._keys) + 1}.jwk.json"] = key
        if recorded and recorded.thumbprint:
            self._remove("keys", recorded.thumbprint)

    def _registrable_key(self, kid: str) -> PublicJwk:
        """Return the key that the authority has under a ``kid``. Raises Failure where it may not be
        registered, or has ended."""
        try:
            key = public_jwk(self._drift.key_members(kid))
        except InvalidJwk as error:
            reasons = dict.fromkeys(reason.sentence for reason in error.reasons)
            raise Failure("; ".join(reasons)) from None
        if key.has_ended(self._stack.now):
            raise Failure(about_ended(key, quoted(key.kid)))
        return key

    def _require_valid_key(self, key: PublicJwk) -> None:
        """Raises Failure where the form may not have a key: its client has none of the form, or
        another environment has this one. It is checked as the only key of the environment: how many
        there may be is checked of all together."""
        environment, form = self.declared.environment, self._loaded.file
        [name] = free_names("key", 1, lambda name: form.with_name(f"{name}.jwk.json").exists())
        files = {environment: {form.with_name(f"{name}.jwk.json"): key_text(key)}}
        others = thumbprints(self._loaded.keys.get(environment, ()))
        self._require_valid({}, without=Without(keys=tuple(others)), key_files=files)

    def _take_removed_product(self, change: Change) -> None:
        self._remove("products", str(change.subject))

    def _take_product(self, change: Change) -> None:
        """Add each field of a product's configuration that the authority has otherwise than the
        state, and remove each that it lacks. Raises Failure where the configuration has another's
        mark, or the form may not have a value."""
        product = str(change.subject)
        recorded, real = self._drift.before.product(product), self._drift.after.products[product]
        if not real.owner.is_connection_of(recorded.owner):
            raise Failure(
                tr(
                    "the configuration has another's mark, {mark}; find out who wrote it",
                    mark=quoted(real.owner.managed_by or "-"),
                )
            )
        old, new = recorded.without_afzenders, real.without_afzenders
        changed = {name: value for name, value in new.items() if old.get(name) != value}
        removed = [f"{product}.{name}" for name in sorted(old.keys() - new.keys())]
        gained = {"products": {product: changed}} if changed else {}
        self._require_valid(gained, without=Without(products=tuple(removed)))
        if changed:
            self._gained["products"][product] = changed
        for name in removed:
            self._remove("products", name)

    def _require_valid(
        self,
        parts: Mapping[str, Mapping[str, Any]],
        contacts: Sequence[str] = (),
        without: Without | None = None,
        key_files: KeyFiles = MappingProxyType({}),
    ) -> None:
        """Raises Failure where the form may not have these contacts, keys and ``parts`` (scopes,
        products or attributes) too, and may not lose what is in ``without``, with every problem
        that it would have then. Nothing is written. A reason that a person has to fill in is taken
        for one that is there."""
        scopes = {name: {**scope, "reason": "x"} for name, scope in parts.get("scopes", {}).items()}
        parts = filled({**parts, "scopes": scopes})
        draft = draft_adding(self._loaded, self.declared.environment, parts, contacts)
        draft = replace(draft, without=without)
        file, catalogue = self._loaded.file, self._stack.forms.settings.catalogue_folder
        changes = Changes(partial(read_onboardings, [file], catalogue))
        # read_text makes all line endings alike: mixed ones matter only once the form is edited.
        changes.texts[absolute(file)] = absolute(file).read_text("utf-8")
        changes.add(added_to(self._loaded, draft, key_files))
        if problems := [problem.sentence for problem in changes.problems()]:
            raise Failure("; ".join(dict.fromkeys(problems)))

    def _take_attribute(self, change: Change) -> None:
        """Add the attribute of a change, or remove it where the authority lacks it. Raises Failure
        where the form may not have it."""
        name = change.fields[0].field
        value = self._drift.after.attributes.get(name)
        if value is None:
            self._remove("attributes", name)
            return
        self._require_valid({"attributes": {name: value}})
        self._gained["attributes"][name] = value

    def _take_metadata(self, change: Change) -> None:
        """Take over the contacts. Raises Failure where the form may not have them, and for each
        other field of a client's metadata."""
        if change.fields[0].field != "contacts":
            _refuse(change)
        contacts = list(self._drift.after.fields.get("contacts", ()))
        removed = sorted(set(self._drift.before.fields.get("contacts", ())) - set(contacts))
        self._require_valid({}, contacts, Without(contacts=tuple(removed)))
        self._contacts = contacts
        for contact in removed:
            self._remove("contacts", contact)

    def _check_number_of_keys(self) -> None:
        """Reject all changes of keys where the form would have no key then, or too many."""
        lost = self._lost.get("keys", ())
        current = thumbprints(self._loaded.keys.get(self.declared.environment, ()))
        count = len(current.difference(lost)) + len(self._keys)
        if 1 <= count <= MOST_KEYS:
            return
        sentence = tr(
            "the form would have {count} keys, and has to have 1 to {most}",
            count=count,
            most=MOST_KEYS,
        )
        for change in list(self._accepted):
            if change.kind.row.resource is Resource.KEYS:
                self._reject(change, sentence)
        self._lost.pop("keys", None)
        self._keys.clear()

    def _apply_gate(self) -> None:
        """Reject each granted scope that the gate keeps from production, as it is not proven on
        TNI."""
        declared = self.declared
        granted = [change for change in self._accepted if change.kind is Kind.SCOPE_GRANTED]
        names = {
            str(change.subject): self._catalogue_name(str(change.subject)) for change in granted
        }
        with_scopes = replace(
            declared,
            scopes={**declared.scopes, **dict.fromkeys(names, Grant())},
            form=replace(declared.form, catalogue_names={**declared.form.catalogue_names, **names}),
        )
        desired = self._stack.desired_by_forms([with_scopes], self._stack.forms.settings.gate)
        passed = set(chain.from_iterable(connection.scopes for connection in desired.declared))
        for change in granted:
            if change.subject not in passed:
                del self._gained["scopes"][names[str(change.subject)]]
                reasons = by_reason(desired.held_back)
                if not reasons:  # no gate and no mandate: it leaves
                    retired = tr("its form retires it; take it out of retire first, if it stays")
                    reasons.append(retired)
                self._reject(change, *reasons)

    def _scopes_then(self, product: str) -> list[str]:
        """Return the scopes of a product that the form will have."""
        lost = self._lost.get("scopes", ())
        names = {*self._request.scopes, *self._gained["scopes"]}.difference(lost)
        return sorted(names.intersection(self._catalogue.products[product].scopes))

    def _keep_products_of_scopes(self) -> None:
        """Reject the removal of each product of which the form keeps a scope: no form may have such
        a scope without the configuration."""
        for change in list(self._accepted):
            product = str(change.subject)
            if change.kind is not Kind.PRODUCT_REMOVED or not self._scopes_then(product):
                continue
            self._lost["products"].remove(product)
            self._reject(
                change,
                tr(
                    "the client keeps {scopes}, for which a form needs the configuration; take"
                    " these away in the portal too, or put the configuration back: acmidm drift"
                    " --stack {stack} --heal",
                    scopes=listed(self._scopes_then(product)),
                    stack=self._stack.name,
                ),
            )

    def _remove_without_scope(self) -> None:
        """Remove each product of the form that loses its last scope, with its attributes, and note
        it: no form may have these then."""
        for name in self._request.products:
            if name in self._lost.get("products", ()) or self._scopes_then(name):
                continue
            self._gained["products"].pop(name, None)
            self._remove("products", name)
            self.notes.append(
                tr("product {product} goes too, for none of its scopes is left", product=name)
            )
        for name in sorted({*self._request.attributes, *self._gained["attributes"]}):
            product, _ = self._catalogue.attributes[name]
            if name in self._lost.get("attributes", ()) or self._scopes_then(product.product):
                continue
            self._gained["attributes"].pop(name, None)
            self._remove("attributes", name)
            self.notes.append(
                tr(
                    "attribute {name} goes too, for no scope of product {product} is left",
                    name=name,
                    product=product.product,
                )
            )


def documents_of(take_overs: Iterable[TakeOver]) -> str:
    """Return the text of a file with a document for each client. Raises Failure where ``acmidm new
    --from`` would not read it: it is too large, or a document has a value that no file may have."""
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
    """Return the declaration of a client, and its form. Raises Failure where no valid form declares
    the client."""
    # Where the application was renamed, the form and the state have different keys for it.
    client_keys = [view.client_key for view in (drift.declared, drift.recorded) if view]
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


def _refuse(_: Change) -> None:
    raise Failure(tr("no form says this; acmidm drift --heal puts it back"))


def _refuse_afzenders(_: Change) -> None:
    raise Failure(tr("whom a client sends for is in mandates and under afzenders; change those"))


def _by_field(change: Change) -> list[Change]:
    """Return a change of metadata or attributes as a change for each field, as a form may have some
    of these and not others; any other change as it is."""
    if change.kind not in (Kind.CLIENT_UPDATED, Kind.ATTRIBUTES_CHANGED):
        return [change]
    return [change.model_copy(update={"fields": (field,)}) for field in change.fields]


def _sentence(change: Change) -> str:
    """Return a change in words, and who made it where the authority knows."""
    by = "".join(piece.text for piece in who(change.changed_by, change.changed_at))
    return f"{change.text} ({by})" if by else change.text


def _reference(change: Change) -> str | None:
    """Return who granted a scope and when, as its ``reference`` in a form; None where the authority
    does not know, or no file may have the author's name."""
    if change.changed_by is None or change.changed_at is None:
        return None
    reference = tr(
        "in the portal, by {author} on {day}",
        author=plain(change.changed_by, 60),
        day=f"{change.changed_at:%Y-%m-%d}",
    )[:_LONGEST_REFERENCE]
    return None if _read("\n".join(lines_of({"reference": reference}))).problems else reference


def _read(text: str) -> YamlDocument:
    """Return a text as the document that the loader of forms would read, with its problems."""
    return read_document(Path(), lambda: text)
