"""Clients for tests of reports, made small: what is not said is the same for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from acmidm.desk.status import ListedConnection
from acmidm.report.compare import Comparison
from acmidm.report.drift import Drift, drift_of
from acmidm.report.plan import Plan
from acmidm.report.review import Review, review_of
from acmidm.report.three_views import ClientDrift
from acmidm_onboarding.values.client import Client, FormTerms, Grant, Secret
from acmidm_onboarding.values.keys import Key, PublicKeys
from acmidm_onboarding.values.metadata import (
    ClientMetadata,
    OrganisationMetadata,
    Owner,
)
from acmidm_onboarding.values.plain import flat
from acmidm_onboarding.values.terms import Environment, Platform
from tests.support.changed import NOBODY, Configurations, changed, configured

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
COMPARISON = Comparison(
    NOW, {(Platform.ACMIDM, "dv_dosis_schrijven"): ("Digitaal Vlaanderen", False)}
)
OVO = "OVO002067"


def metadata(
    application: str = "loket", environment: Environment = Environment.PROD, **how: Any
) -> ClientMetadata:
    values: dict[str, Any] = {
        "client_name": f"Stad Gent - {application}",
        "software_id": f"acmidm/{environment}/{OVO}/{application}",
        "managed_by": "acmidm-onboarding/prod",
        "organisation": OrganisationMetadata(name="Stad Gent", ovo=OVO),
        "application": application,
        "grant_types": ("client_credentials",),
        "token_endpoint_auth_method": "private_key_jwt",
        "contacts": ("api@stad.example",),
    }
    return ClientMetadata.model_validate({**values, **how})


def client(
    application: str = "loket", environment: Environment = Environment.PROD, **how: Any
) -> Client:
    """A client with one scope, two keys and a product, all ``products`` of ``owner``. ``fields``
    are laid over its metadata; ``scopes`` have their reasons, and ``until`` the last day of those
    that have one."""
    fields = flat(metadata(application, environment).properties) | how.pop("fields", {})
    owner: Owner = how.pop("owner", NOBODY)
    configurations: Configurations = how.pop(
        "products", {"notificaties": {"merk_code": "gent", "product_ids": ["10244"]}}
    )
    scopes: Mapping[str, str | None] | None = how.pop("scopes", {"vo_info": "requested"})
    default, until = how.pop("default_scopes", ()), how.pop("until", {})
    state = Client(
        f"{OVO}/{application}",
        Platform.ACMIDM,
        environment,
        fields=fields,
        form=FormTerms(path=f"gent/{application}"),
        secret=Secret(is_there=False),
        scopes=None
        if scopes is None
        else {
            scope: Grant(reason, scope in default, until.get(scope))
            for scope, reason in scopes.items()
        },
        keys=PublicKeys({"a": Key("thumbprint-of-a"), "b": Key("thumbprint-of-b")}),
        products=configured(configurations, owner),
    )
    return changed(state, **how)


def plan_of(
    *pairs: tuple[Client | None, Client | None],
    environment: Environment = Environment.PROD,
    **how: Any,
) -> Plan:
    before, after = (
        {state.client_key: state for state in side if state}
        for side in list(zip(*pairs, strict=True)) or [(), ()]
    )
    return Plan(environment, before, after, **how)


def reviewed(
    *pairs: tuple[Client | None, Client | None], comparison: Comparison = COMPARISON
) -> Review:
    """The review of clients before and after."""
    plans = [
        plan_of(
            *(
                pair
                for pair in pairs
                if (pair[0] or pair[1] or client()).environment is environment
            ),
            environment=environment,
        )
        for environment in Environment
    ]
    return review_of(plans, comparison)


def drift_report(*clients: ClientDrift, **how: Any) -> Drift:
    """A drift report of TNI."""
    return drift_of("tni", Environment.TNI, clients, NOW, **how)


def by_hand(*pairs: tuple[Client | None, Client | None]) -> list[ClientDrift]:
    """Clients that somebody changed by hand."""
    compare = replace(COMPARISON, by_hand=True).between
    return [
        ClientDrift(before, before, after, by_hand=compare(before, after))
        for before, after in pairs
    ]


def listed_connection(application: str = "loket", **how: Any) -> ListedConnection:
    """A connection as lists have it: on TNI, with neither keys nor products."""
    values: dict[str, Any] = {
        "stack": "tni",
        "environment": Environment.TNI,
        "key": f"{OVO}/{application}",
        "form": f"gent/{application}",
        "organisation": "Stad Gent",
        "codes": (OVO,),
        "contacts": ("api@stad.example",),
        "application": application,
        "platform": Platform.ACMIDM,
        "client_id": "c-1",
        "token_endpoint_auth_method": "private_key_jwt",
        "scopes": ("vo_info",),
        "keys": (),
        "products": (),
    }
    return ListedConnection.model_validate({**values, **how})
