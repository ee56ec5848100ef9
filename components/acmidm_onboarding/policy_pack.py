"""The policies as a Pulumi policy pack: checked on planned resources, with the project's settings
and exemptions.

Another Pulumi project uses it in a pack of its own, as ``policies/__main__.py`` does here. Needs
the package ``pulumi-policy``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

from acmidm_onboarding.engine_resources import Resource
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.loading import load_onboardings
from acmidm_onboarding.rules.policies import POLICIES, Planned, Policy, Situation
from acmidm_onboarding.settings import InvalidSettings, Settings
from acmidm_onboarding.stack_files import stack_settings
from acmidm_onboarding.values.declaration import connection_key
from acmidm_onboarding.values.problems import InvalidForms
from acmidm_onboarding.values.terms import Platform

PAGE = "docs/policies.md"
_TYPE = "pulumi-python:dynamic/acmidm:"


def policies(folder: Path) -> list[ResourceValidationPolicy]:
    """Return every policy, for the project in ``folder``."""
    project = cache(lambda stack: _Project(stack, folder))
    return [
        ResourceValidationPolicy(
            name=policy.id,
            description=f"{policy.title} ({PAGE}#{policy.id}).",
            enforcement_level=EnforcementLevel.ADVISORY
            if policy.advisory
            else EnforcementLevel.MANDATORY,
            validate=_validation(policy, project),
        )
        for policy in POLICIES
    ]


class _Project:
    """The scopes, exemptions and settings of one stack."""

    def __init__(self, stack: str, folder: Path) -> None:
        self.settings: Settings = stack_settings(stack, folder)
        onboardings = load_onboardings(
            [folder / self.settings.forms_folder], folder / self.settings.catalogue_folder
        )
        self._scopes = {
            platform.value: _scopes(onboardings.catalogue, platform) for platform in Platform
        }
        self._exemptions = {
            connection_key(
                loaded.organisation.code, loaded.form.application
            ): loaded.form.exemptions
            for loaded in onboardings.forms
        }

    def situation(self, platform: str) -> Situation:
        return Situation(
            self.settings.environment,
            self.settings.profile,
            datetime.now(UTC),
            self._scopes.get(platform, frozenset()),
        )

    def exempts(self, resource_name: str, policy: Policy) -> bool:
        """Return whether the form of a resource is exempted. The name is the key, on GeoSecure with
        the platform."""
        return policy.id in self._exemptions.get(
            resource_name.removesuffix(f"/{Platform.GEOSECURE}"), {}
        )


def _scopes(catalogue: Catalogue, platform: Platform) -> frozenset[str]:
    return frozenset(
        name for scope in catalogue.scopes if (name := catalogue.name_on(platform, scope))
    )


def _validation(
    policy: Policy, project: Callable[[str], _Project]
) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if not args.resource_type.startswith(_TYPE):
            return
        try:
            checked = project(args.urn.split("::")[0].rpartition(":")[2])
        except (InvalidForms, InvalidSettings) as error:
            # The program reports all of these mistakes, and stops.
            report(str(error).splitlines()[0], None)
            return
        if not checked.exempts(args.name, policy):
            for finding in policy.violations(
                _planned(args), checked.situation(str(args.props.get("platform")))
            ):
                report(f"{finding.what}; {finding.remedy}", None)

    return validate


def _planned(args: ResourceValidationArgs) -> Planned:
    """Return the part of a client that a resource manages; empty for any other resource."""
    match args.resource_type.removeprefix(_TYPE):
        case Resource.CLIENT:
            return Planned(
                args.props.get("token_endpoint_auth_method"),
                args.props.get("contacts"),
                protected=args.opts.protect,
            )
        case Resource.SCOPES:
            return Planned(scopes=list(args.props.get("scopes") or ()))
        case Resource.KEYS:
            keys: Mapping[str, Mapping[str, Any]] = args.props.get("jwks") or {}
            return Planned(keys={kid: dict(key) for kid, key in keys.items()})
    return Planned()
