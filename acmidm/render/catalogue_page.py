"""The catalogue as a page for people: each scope and each field of a configuration, with what
stands behind it."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import Environment as Jinja
from jinja2 import PackageLoader, StrictUndefined

from acmidm_onboarding.forms.catalogue import Catalogue, Coupling, Product
from acmidm_onboarding.forms.probed_api import ProbedApi


def catalogue_page(catalogue: Catalogue) -> str:
    """Return the page as Markdown, products in the order of their titles. The same catalogue always
    gives the same text."""
    jinja = Jinja(  # noqa: S701 - Markdown: _text makes each value harmless there
        loader=PackageLoader("acmidm.render", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_text,
    )
    jinja.filters |= {
        "facts": lambda coupling: "; ".join(_facts_of_coupling(coupling)),
        "calls": lambda api: ", ".join(_probed_calls(api)),
        "described": _described,
    }
    products = sorted(catalogue.products.values(), key=lambda product: product.title.casefold())
    return jinja.get_template("catalogue.md.j2").render(products=products)


def _facts_of_coupling(coupling: Coupling) -> Iterator[str]:
    """Yield what somebody has to know who couples a client to an API."""
    for where, name in coupling.referentie.items():
        yield f"Referentie on {where}: `{name}`"
    if coupling.approved_by_owner:
        yield "its owner approves each coupling"
    if coupling.beforehand:
        yield f"first: {coupling.beforehand.strip().rstrip('.')}"
    if coupling.afterwards:
        yield f"afterwards: {coupling.afterwards.strip().rstrip('.')}"
    for where, name in coupling.client_name.items():
        yield f"name of a client on {where}: `{name}`"


def _probed_calls(api: ProbedApi) -> Iterator[str]:
    """Yield the calls that ``acmidm probe`` makes at an API: ``GET /path``."""
    for path in api.reads:
        yield f"`GET {path}`"
    if api.test_message:
        yield f"`POST {api.test_message.path}` with `--send-test-message`"


def _described(product: Product, name: str) -> str:
    """Return ``The name of the sender (required, differs per environment)``: a field's description
    in its schema, and what the catalogue says of it."""
    field, schema, facts = product.fields[name], product.properties[name], list[str]()
    if name in product.required:
        facts.append("required")
    if field.speaks_for is not None:
        facts.append("speaks for somebody")
    if field.differs_per_environment:
        facts.append("differs per environment")
    description = schema.get("description", "") if isinstance(schema, dict) else ""
    return f"{description} ({', '.join(facts)})" if facts else str(description)


def _text(text: object) -> str:
    """Return a text on one line, which ends no cell and starts no HTML."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")
