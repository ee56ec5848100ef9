"""The catalogue as a page for people: each scope and each field of a configuration, with what
stands behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from acmidm_onboarding.forms.catalogue import Catalogue, Coupling, Product, Scope, Senders
from acmidm_onboarding.forms.probed_api import ProbedApi

_TOP = """\
# The catalogue

<!-- Written by acmidm schema from the files of the catalogue: change those. -->

The scopes and products that a form can name. The name of a **placeholder** is not confirmed yet. \
A field is
**documented** by its owner, **seen** in public client code or a sample, which does not prove \
that it is accepted, or
**assumed**.
"""


def catalogue_page(catalogue: Catalogue) -> str:
    """Return the page, products in the order of their titles. The same catalogue always gives the
    same text."""
    products = sorted(catalogue.products.values(), key=lambda product: product.title.casefold())
    return "\n".join([_TOP, *chain(*map(_product, products))])


def _product(product: Product) -> Iterator[str]:
    yield f"## {_text(product.title)}\n"
    yield f"`{product.product}`, of {_text(product.owner)}. Source: {_text(product.source)}.\n"
    yield from _table(("scope", "what it is for", "name", "source"), _scope_rows(product))
    if product.senders:
        yield _senders(product.senders)
    if product.coupling:
        facts = "; ".join(_couplings(product.coupling))
        yield f"Coupling: {facts}. Source: {_text(product.coupling.source)}.\n"
    if product.api:
        calls = ", ".join(_calls(product.api))
        yield f"`acmidm probe` calls {calls}. Source: {_text(product.api.source)}.\n"
    if product.properties:
        yield from _table(("field", "what it is", "basis", "source"), _field_rows(product))


def _scope_rows(product: Product) -> Iterator[tuple[str, ...]]:
    for name, scope in product.scopes.items():
        yield f"`{name}`", scope.title, _name(name, scope), scope.source


def _field_rows(product: Product) -> Iterator[tuple[str, ...]]:
    for name, field in product.fields.items():
        yield f"`{name}`", _field(product, name), f"**{field.basis}**", field.source


def _senders(senders: Senders) -> str:
    """Return whether one client sends for several organisations, and what stands behind that."""
    sentence = "Each organisation needs a client of its own"
    if senders.known_by:
        known_by = f"each known by `{senders.known_by}`"
        sentence = f"One client may send for several organisations, {known_by}"
    return f"{sentence} (**{senders.basis}**). Source: {_text(senders.source)}.\n"


def _couplings(coupling: Coupling) -> Iterator[str]:
    """Yield how a client comes to an API."""
    for where, name in coupling.referentie.items():
        yield f"Referentie on {where}: `{_text(name)}`"
    if coupling.approved_by_owner:
        yield "its owner approves each coupling"
    if coupling.beforehand:
        yield f"first: {_text(coupling.beforehand.rstrip('.'))}"
    if coupling.afterwards:
        yield f"afterwards: {_text(coupling.afterwards.rstrip('.'))}"
    for where, name in coupling.client_name.items():
        yield f"name of a client on {where}: `{_text(name)}`"


def _calls(api: ProbedApi) -> Iterator[str]:
    """Yield what a probe calls at an API."""
    for path in api.reads:
        yield f"`GET {path}`"
    if api.test_message:
        yield f"`POST {api.test_message.path}` with `--send-test-message`"


def _name(name: str, scope: Scope) -> str:
    """Return whether its name is known, and what each platform calls it where that is not the name
    here."""
    names = ["verified" if scope.verified else "**placeholder**"]
    for platform, other in scope.names_of(name).items():
        if platform in scope.placeholders:
            names.append(f"{platform}: `{other}`, a **placeholder**")
        elif other != name:
            names.append(f"{platform}: `{other}`")
    return "; ".join(names)


def _field(product: Product, name: str) -> str:
    """Return what it is, as its schema says, and what a form's author has to know beside that."""
    field, schema = product.fields[name], product.properties[name]
    description = ""
    if isinstance(schema, dict):
        description = str(schema.get("description", ""))
    facts = {
        "required": name in product.required,
        "speaks for somebody": field.speaks_for is not None,
        "differs per environment": field.differs_per_environment,
    }
    shown = ", ".join(fact for fact, holds in facts.items() if holds)
    return f"{description} ({shown})" if shown else description


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |\n|{'---|' * len(head)}"
    yield from (f"| {' | '.join(map(_text, row))} |" for row in rows)
    yield ""


def _text(text: str) -> str:
    """Return a text on one line, which ends no cell and starts no HTML."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
