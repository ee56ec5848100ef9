"""Renders the page: markup by a template, and limits, schemas of products and sentences as JSON for
the scripts. Its Content-Security-Policy names the hashes of our scripts: no other runs."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment as Jinja
from jinja2 import PackageLoader, StrictUndefined
from markupsafe import Markup

from acmidm.private_key import DAYS, RSA_BITS, SHORTEST_PASSPHRASE
from acmidm_onboarding.forms.catalogue import Catalogue, Product
from acmidm_onboarding.forms.documents import MAXIMUM_BYTES
from acmidm_onboarding.forms.form import LONGEST_REASON
from acmidm_onboarding.texts import Language
from acmidm_onboarding.texts.page import SENTENCES
from acmidm_onboarding.values.identifiers import (
    AROUND_KBO_DIGITS,
    INVISIBLE,
    OVO_CODE,
    PUNCTUATION,
    SHARED_KBO_NUMBER,
)
from acmidm_onboarding.values.names import (
    ADDRESS,
    LONGEST_ORGANISATION_NAME,
)
from acmidm_onboarding.values.secrecy import PRIVATE_MEMBERS
from acmidm_onboarding.values.terms import (
    LONGEST_ADDRESS,
    LONGEST_APPLICATION,
    MOST_CONTACTS,
    NAME,
    RESERVED_NAME,
    Environment,
    Platform,
)

_SCRIPTS = ("js-yaml.min.js", "texts.js", "checks.js", "keys.js", "opening.js", "page.js")
"""In this order: while they load, each uses what is before it."""
_ASSETS = files("acmidm.form_page") / "assets"


def form_page(catalogue: Catalogue) -> str:
    """Return the page as one HTML file, which loads no other."""
    style, scripts = _asset("page.css"), list(map(_asset, _SCRIPTS))
    hashes = " ".join(map(_hash, scripts))
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {hashes}; base-uri 'none';"
        " form-action 'none'; trusted-types 'none'; require-trusted-types-for 'script'"
    )
    offered = [name for name in catalogue.scopes if catalogue.name_on(Platform.ACMIDM, name)]
    verified = [name for name in offered if catalogue.scopes[name].is_verified(Platform.ACMIDM)]
    assigned = catalogue.assigned_by_provider(Platform.ACMIDM)
    products = catalogue.products.values()
    schemas = {
        product.product: product.configuration for product in products if product.configuration
    }
    sentences = _texts()
    facts = json.dumps(
        {"texts": sentences, "limits": _limits(), "products": schemas}, ensure_ascii=False
    )
    jinja = Jinja(
        loader=PackageLoader("acmidm.form_page", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters["combined"] = lambda attributes, added: {**attributes, **added}
    return jinja.get_template("page.html.j2").render(
        policy=policy,
        environments=list(map(str, Environment)),
        # Those with a configuration first: they are what most come for.
        products=sorted(products, key=lambda product: product.configuration is None),
        offered=[name for name in offered if name not in assigned],
        verified=verified,
        known=sentences[Language.NL],
        label_of=_label_of,
        hints_of=_hints_of,
        # Our own files, whose hashes the policy names; in JSON, "<" is all that could end its
        # element.
        style=Markup(style),  # noqa: S704
        scripts=[Markup(script) for script in scripts],  # noqa: S704
        facts=Markup(facts.replace("<", "\\u003c")),  # noqa: S704
    )


def _texts() -> dict[str, dict[str, str]]:
    """Return each sentence of the page, per language and by its name: {"nl": {"form_page.title":
    "…"}}. It is a template: ``{name}`` is filled in by a script."""
    sentences: dict[str, dict[str, str]] = {}
    for language in Language:
        sentences[language] = {
            name: language.template(sentence) for name, sentence in SENTENCES.items()
        }
    return sentences


def _limits() -> dict[str, Any]:
    """Return the limits and patterns of the fields of a form, by the names that the page's scripts
    use."""
    return {
        "application": NAME,
        "longestApplication": LONGEST_APPLICATION,
        "reserved": RESERVED_NAME,
        "address": ADDRESS.pattern,
        "longestAddress": LONGEST_ADDRESS,
        "mostContacts": MOST_CONTACTS,
        "longestName": LONGEST_ORGANISATION_NAME,
        "punctuation": PUNCTUATION,
        "ovo": OVO_CODE.pattern,
        "aroundKbo": AROUND_KBO_DIGITS.pattern,
        "sharedKbo": SHARED_KBO_NUMBER,
        "longestReason": LONGEST_REASON,
        # Python writes \U000e0000, JavaScript \u{e0000}.
        "invisible": re.sub(r"\\U0*([0-9a-f]+)", r"\\u{\1}", INVISIBLE.pattern),
        "privateMembers": sorted(PRIVATE_MEMBERS),
        "mostBytes": MAXIMUM_BYTES,
        "rsaBits": RSA_BITS,
        "keyDays": DAYS,
        "shortest": SHORTEST_PASSPHRASE,
    }


def _label_of(name: str, kind: str = "field") -> str:
    """Return the name of the sentence that labels a product's field or, with the kind ``choice``,
    one of its values; the text ``name`` itself where there is no such sentence."""
    sentence = f"form_page.{kind}.{name}"
    return sentence if sentence in SENTENCES else name


def _hints_of(product: Product, name: str) -> Sequence[str]:
    """Return the names of the sentences that explain a product's field: what it is, and where its
    value comes from. Without the first, the catalogue's description stands in its place."""
    what, where = f"new.field.{product.product}.{name}", f"form_page.where.{name}"
    if what not in SENTENCES:
        what = str(product.properties[name].get("description", name))
    return [what, where] if where in SENTENCES else [what]


def _asset(name: str) -> str:
    """Return a file of ``assets``, without the address of its source map, which a browser would
    request."""
    return (_ASSETS / name).read_text("utf-8").partition("\n//# sourceMappingURL")[0]


def _hash(text: str) -> str:
    """Return a script or style sheet as a Content-Security-Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
