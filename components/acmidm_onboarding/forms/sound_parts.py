"""The sound parts of a form with mistakes, so that all of its mistakes show at once and not in
rounds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from acmidm_onboarding.forms.documents import YamlDocument
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.forms.validation import path_of
from acmidm_onboarding.values.plain import only, without
from acmidm_onboarding.values.problems import DocumentPath
from acmidm_onboarding.values.terms import ExemptiblePolicy

_NOTHING = "stand-in"
_KEPT = (
    *("application", "formerly", "platforms", "retire"),
    *("token_endpoint_auth_method", "keys_of", "exemptions"),
)
_STAND_INS = {"application": _NOTHING, "contacts": ["nobody@stand-in.example"]}
"""For fields that no rule about scopes, products or keys reads."""


def sound_parts(document: YamlDocument) -> tuple[Form | None, bool]:
    """Return the form without its faulty parts, for the further rules, and whether its application
    is its own.

    What is left out has been reported, and no rule reports its absence. None where too little is
    left.
    """
    if not document.whole or not isinstance(document.data, dict):
        return None, False
    faults = list(_faulty_paths(document.data))
    faulty = {path[0] for path in faults if path}
    kept = without(only(document.data, _KEPT), faulty)
    # Without known platforms, nothing about platforms is checked.
    of_platforms = ("adopt",) if "platforms" in faulty else ()
    if of_platforms:
        kept.pop("retire", None)
    if "exemptions" in faulty:  # the policies are checked once these are right
        exemption = {"reason": _NOTHING, "reference": _NOTHING}
        kept["exemptions"] = {policy.value: exemption for policy in ExemptiblePolicy}
    environments = {}
    about: dict[object, list[DocumentPath]] = defaultdict(list)
    for path in faults:
        if path[:1] == ("environments",) and len(path) > 1:
            about[path[1]].append(path[2:])
    requests = document.data.get("environments")
    if not isinstance(requests, dict):
        requests = {}
    for name, request in requests.items():
        faults_of_request = [*about[name], of_platforms] if of_platforms else about[name]
        sound_request = _without(request, faults_of_request)
        if sound_request is not None:
            environments[name] = sound_request
    try:
        form = Form.model_validate({**_STAND_INS, **kept, "environments": environments})
    except ValidationError:
        return None, False
    return form, "application" in kept


def _faulty_paths(data: Mapping[str, object]) -> Iterator[DocumentPath]:
    """Yield the place of each mistake of a form."""
    try:
        Form.model_validate(data)
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_input=False, include_context=False)
        yield from map(path_of, mistakes)


def _without(request: Any, faults: Iterable[DocumentPath]) -> dict[str, Any] | None:
    """Return an environment without its faulty parts; None where its scopes or products as a whole
    are faulty."""
    if not isinstance(request, dict):
        return None
    sound = dict(request)
    for name in ("scopes", "attributes"):
        if isinstance(request.get(name), dict):
            sound[name] = dict(request[name])
    for fault in faults:
        match fault:
            case ("scopes", scope, *_):
                sound["scopes"][scope] = {}
            case ("attributes", attribute, *_):
                sound["attributes"].pop(attribute, None)
            case (str(name), *_) if name not in ("scopes", "products"):
                sound.pop(name, None)
            case _:
                return None
    return sound
