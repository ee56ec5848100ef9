"""What a form that exists gets of a file that was sent: it adds, and changes what a product knows;
it removes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ruamel.yaml.comments import CommentedMap

from acmidm.edit.keys.declaring import add_keys
from acmidm.edit.lines import Edit, copied, put_below, put_last, put_request
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.form import EnvironmentRequest, Form
from acmidm_onboarding.values.terms import Environment


def adding(
    loaded: LoadedForm, sent: Form, key_files: Mapping[Environment, Collection[str]]
) -> Edit:
    """Return what gives a form that is there what it lacks of another one, and more key files."""

    def edit(document: Any) -> None:
        put_last(
            document["contacts"], [one for one in sent.contacts if one not in loaded.form.contacts]
        )
        environments = document["environments"]
        for environment, request in sent.environments.items():
            there = loaded.form.environments.get(environment, EnvironmentRequest())
            wanted = request_of(request)
            new = {
                part: CommentedMap(
                    {
                        name: copied(value)
                        for name, value in wanted[part].items()
                        if not own.get(name)
                    }
                )
                for part, own in (("scopes", there.scopes), ("products", there.products))
                if part in wanted
            }
            put_request(
                environments,
                environment.value,
                CommentedMap({part: more for part, more in new.items() if more}),
            )
            for name in [name for name in request.products if there.products.get(name)]:
                _change(environments[environment.value]["products"][name], request.products[name])
            if files := key_files.get(environment):
                add_keys(environments, environment, files)

    return edit


def request_of(request: EnvironmentRequest, key_files: Collection[str] = ()) -> dict[str, Any]:
    """Return what a form has for an environment, by its names there."""
    scopes = {
        name: scope.model_dump(exclude_defaults=True) for name, scope in request.scopes.items()
    }
    products = {name: dict(configuration) for name, configuration in request.products.items()}
    parts = {"jwks": list(key_files), "scopes": scopes, "products": products}
    return {name: part for name, part in parts.items() if part or name == "scopes"}


def _change(configuration: Any, wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        if name not in configuration:
            put_below(configuration, name, copied(value))
        elif configuration[name] != value:
            configuration[name] = copied(value)
