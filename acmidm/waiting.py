"""What an ``up`` leaves for the next one, as its state says: what has to be carried out in two runs, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from acmidm.report.kinds import Resource
from acmidm.report.plan import kind_of
from acmidm_onboarding.leaving import last_step, today
from acmidm_onboarding.model.connection import Connection
from acmidm_onboarding.recorded import held_in

_METHOD = "token_endpoint_auth_method"


def waiting(state: Mapping[str, Any], connections: Iterable[Connection]) -> frozenset[str]:
    """Return the names of the clients, such as ``OVO002067/loket``, for which the next ``up`` has more to do.

    ``state`` is the engine's export. These are clients that leave and are at their last step, and clients whose output says that they
    do not authenticate yet as their inputs want it.
    """
    resources = (state.get("deployment") or {}).get("resources") or ()
    clients = [one for one in resources if not one.get("delete") and kind_of(one) == Resource.CLIENT]
    not_yet = (one for one in clients if (one.get("inputs") or {}).get(_METHOD) != (one.get("outputs") or {}).get(_METHOD))
    return last_step(connections, held_in(state), today()) | {str(one["urn"]).rpartition("::")[2] for one in not_yet}
