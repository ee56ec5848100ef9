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

_STAND_IN = "stand-in"
_KEPT = (
    *("application", "formerly", "platforms", "retire"),
    *("token_endpoint_auth_method", "keys_of", "exemptions"),
)
_STAND_INS = {"application": _STAND_IN, "contacts": ["nobody@stand-in.example"]}
"""For fields that no rule about scopes, products or keys reads."""


def sound_parts(document: YamlDocument) -> tuple[Form | None, bool]:
    """Return a form without its faulty parts, which were reported, so that the rules about the
    other parts are checked too; and whether it has its application, else a stand-in.

    No rule reports that a left-out part is missing. The form is None where too little of it is
    sound.
    """
    if not document.whole or not isinstance(document.data, dict):
        return None, False
    faults = list(_faulty_paths(document.data))
    faulty = {path[0] for path in faults if path}
    kept = without(only(document.data, _KEPT), faulty)
    # Without known platforms, nothing about platforms is checked.
    of_platforms: list[DocumentPath] = [("adopt",)] if "platforms" in faulty else []
    if of_platforms:
        kept.pop("retire", None)
    if "exemptions" in faulty:  # the policies are checked once these are right
        exemption = {"reason": _STAND_IN, "reference": _STAND_IN}
        kept["exemptions"] = {policy.value: exemption for policy in ExemptiblePolicy}
    environments = {}
    faults_of: dict[object, list[DocumentPath]] = defaultdict(list)  # per environment, below it
    for path in faults:
        if path[:1] == ("environments",) and len(path) > 1:
            faults_of[path[1]].append(path[2:])
    requests = document.data.get("environments")
    if not isinstance(requests, dict):
        requests = {}
    for name, request in requests.items():
        sound_request = _without_faults(request, [*faults_of[name], *of_platforms])
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


def _without_faults(request: Any, faults: Iterable[DocumentPath]) -> dict[str, Any] | None:
    """Return an environment of a form without its faulty parts; ``faults`` are their paths in it. A
    faulty scope stays, without its reason. None where its products, or its scopes as a whole, are
    faulty: the rules about either need both."""
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
