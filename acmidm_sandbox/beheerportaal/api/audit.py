"""What happened, newest first: the audit trail."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from acmidm_sandbox.beheerportaal.api import answers
from acmidm_sandbox.beheerportaal.api.clients import PREFIX
from acmidm_sandbox.beheerportaal.api.describe import ACCESS_TOKEN, AFTER, LIMIT, problems
from acmidm_sandbox.beheerportaal.api.guard import OperatorRoute
from acmidm_sandbox.beheerportaal.context import CurrentPortal
from acmidm_sandbox.beheerportaal.documents import AuditPage
from acmidm_sandbox.beheerportaal.store import audit

router = APIRouter(
    prefix=PREFIX, route_class=OperatorRoute, dependencies=[ACCESS_TOKEN], tags=["audit"]
)
ClientId = Annotated[str | None, Query(max_length=255)]


@router.get("/audit", response_model=AuditPage, responses=problems())
def read_audit(
    portal: CurrentPortal,
    client_id: ClientId = None,
    limit: LIMIT = 100,
    after: AFTER = None,
) -> Response:
    """The changes, of one client or of all."""
    with portal.database.read() as connection:
        return answers.page(
            audit.page(connection, client_id, limit, None if after is None else int(after))
        )
