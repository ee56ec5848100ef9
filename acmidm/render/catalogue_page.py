"""The catalogue as a page for people: each scope and each field of a configuration, with what
stands behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from acmidm_onboarding.forms.catalogue import Catalogue, Product, Scope, Senders

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
    yield from _table(
        ("scope", "what it is for", "name", "source"),
        (
            (f"`{name}`", scope.title, _name(name, scope), scope.source)
            for name, scope in product.scopes.items()
        ),
    )
    if product.senders:
        yield _senders(product.senders)
    yield from _api(product)
    properties = (product.configuration or {}).get("properties", {})
    if properties:
        yield from _table(
            ("field", "what it is", "basis", "source"),
            (
                (
                    f"`{name}`",
                    _field(product, name, properties[name]),
                    f"**{field.basis}**",
                    field.source,
                )
                for name, field in product.fields.items()
            ),
        )


def _senders(senders: Senders) -> str:
    """Return whether one client sends for several organisations, and what stands behind that."""
    one = f"One client may send for several organisations, each known by `{senders.known_by}`"
    told = one if senders.known_by else "Each organisation needs a client of its own"
    return f"{told} (**{senders.basis}**). Source: {_text(senders.source)}.\n"


def _api(product: Product) -> Iterator[str]:
    """Yield how a client comes to its API, and what a probe calls there."""
    if coupling := product.coupling:
        facts = [
            f"Referentie on {where}: `{_text(name)}`" for where, name in coupling.referentie.items()
        ]
        facts += ["its owner approves each coupling"] if coupling.approved_by_owner else []
        for when, sentence in (
            ("first", coupling.beforehand),
            ("afterwards", coupling.afterwards),
        ):
            facts += [f"{when}: {_text(sentence.rstrip('.'))}"] if sentence else []
        facts += [
            f"name of a client on {where}: `{_text(name)}`"
            for where, name in coupling.client_name.items()
        ]
        yield f"Coupling: {'; '.join(facts)}. Source: {_text(coupling.source)}.\n"
    if api := product.api:
        calls = [*(f"`GET {path}`" for path in api.reads)]
        calls += (
            [f"`POST {api.test_message.path}` with `--send-test-message`"]
            if api.test_message
            else []
        )
        yield f"`acmidm probe` calls {', '.join(calls)}. Source: {_text(api.source)}.\n"


def _name(name: str, scope: Scope) -> str:
    """Return whether its name is known, and what each platform calls it where that is not the name
    here."""
    names = [
        (*named, ", a **placeholder**" if named[0] in scope.placeholders else "")
        for named in scope.names_of(name).items()
    ]
    others = [
        f"{platform}: `{other}`{mark}" for platform, other, mark in names if mark or other != name
    ]
    return "; ".join(["verified" if scope.verified else "**placeholder**", *others])


def _field(product: Product, name: str, schema: object) -> str:
    """Return what it is, as its schema says, and what a form's author has to know beside that."""
    field = product.fields[name]
    description = str(schema.get("description", "")) if isinstance(schema, dict) else ""
    facts = {
        "required": name in (product.configuration or {}).get("required", ()),
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
