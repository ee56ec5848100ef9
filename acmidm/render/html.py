"""A report as one HTML file that works without a network and prints.

The template escapes whatever it is given. The page's Content-Security-Policy names its style and
its script by their hashes, so that nothing else runs, whatever a form's author wrote.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

from jinja2 import Environment as Jinja
from jinja2 import PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from acmidm.report.document import Document, Shape
from acmidm.words import WHOLE, capitalised, plain
from acmidm_onboarding.texts import spoken, tr


def as_html(document: Document) -> str:
    """Return a report as a page, with filters of its rows and buttons to copy values, where it has
    such."""
    return _page_template().render(document=document, spoken=spoken(), Shape=Shape)


@cache
def _page_template() -> Template:
    """Return the template of a page, with our style and script and the policy that allows no
    other."""
    jinja = Jinja(
        loader=PackageLoader("acmidm.render", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters |= {"plain": plain, "breakable": _breakable, "capitalised": capitalised}
    jinja.globals |= {"tr": tr}
    folder = files("acmidm.render") / "templates"
    style = (folder / "page.css").read_text("utf-8")
    script = (folder / "page.js").read_text("utf-8")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}';"
        " base-uri 'none'; form-action 'none'"
    )
    jinja.globals |= {"policy": policy}
    # Our own files, whose hashes the policy names.
    jinja.globals |= {"style": Markup(style), "script": Markup(script)}  # noqa: S704
    return jinja.get_template("page.html.j2")


def _breakable(text: str) -> Markup:
    """Return a text as HTML in which a name may break after each of ``_-@/``, for names of scopes
    are longer than a column is wide. No option such as ``--heal``, and no day, breaks."""
    escaped = str(Markup.escape(plain(text, WHOLE)))
    broken = re.sub(r"(?<=[_@/-])(?<!\d-)(?=[^_@/-])", "<wbr>", escaped)
    broken = re.sub(r"(?<!\S)--<wbr>([a-z]+)", r'<span class="nowrap">--\1</span>', broken)
    whole = re.sub(r"\b\d{4}-\d\d-\d\d\b", r'<span class="nowrap">\g<0></span>', broken)
    return Markup(whole)  # noqa: S704 - escaped before


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
