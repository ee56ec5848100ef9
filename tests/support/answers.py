"""Answers that a server may give: random bytes, random JSON, and right answers of which a member
went wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tests.support.fake_server import Reply

Document = dict[str, Any]
# Those that may pass are waited for, and are another file's subject.
_STATUSES = (200, 201, 204, 206, 301, 400, 404, 409, 412, 418, 422, 500, 501)
_MEDIA_TYPES = (
    "application/json",
    "application/problem+json",
    "application/json; charset=utf-16",
    "text/html",
    "",
)


def replies(*right: object) -> st.SearchStrategy[Reply]:
    """Answers around the ``right`` ones, which are JSON documents."""
    names = sorted(
        {name for document in right for mapping in _mappings(document) for name in mapping}
    )
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(names) | st.text(max_size=8), inner, max_size=4)
        ),
        max_leaves=8,
    )
    gone_wrong = _gone_wrong(right, values).map(_json)
    bodies = gone_wrong | values.map(_json) | st.binary(max_size=200)
    header_values = st.text(
        st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20
    ).map(str.strip)
    etags = st.sampled_from(['"1"', ""]) | header_values
    anything = st.builds(
        _reply,
        st.sampled_from(_STATUSES),
        st.sampled_from(_MEDIA_TYPES) | header_values,
        etags,
        bodies,
    )
    well_formed = st.builds(_reply, st.just(200), st.just(_MEDIA_TYPES[0]), etags, gone_wrong)
    # Chosen by a draw of their own, as `|` would give the larger of the two nearly all: only what
    # is well formed gets deep into an adapter.
    return st.booleans().flatmap(lambda well: well_formed if well else anything)


def _reply(status: int, media_type: str, etag: str, body: bytes) -> Reply:
    headers = {"content-type": media_type, **({"etag": etag} if etag else {})}
    return Reply(status, b"" if status == 204 else body, headers)


def _json(document: object) -> bytes:
    return json.dumps(document).encode()


@st.composite
def _gone_wrong(
    draw: st.DrawFn, right: tuple[object, ...], values: st.SearchStrategy[object]
) -> object:
    """A right answer, mostly with one member of it, at any depth, replaced or missing."""
    document = json.loads(json.dumps(draw(st.sampled_from(right))))
    if not draw(st.integers(0, 3)):
        return document
    place = draw(st.sampled_from(list(_mappings(document))))
    member = draw(st.sampled_from(sorted(place)))
    if draw(st.booleans()):
        place[member] = draw(values)
    else:
        del place[member]
    return document


def _mappings(document: object) -> Iterator[Document]:
    """Every mapping in a document that holds something."""
    if isinstance(document, dict):
        yield from [document] if document else []
        document = list(document.values())
    for part in document if isinstance(document, list) else []:
        yield from _mappings(part)
