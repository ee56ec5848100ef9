"""What happened, newest first: the audit trail."""

from typing import Annotated

from fastapi import Query, Response
from sqlalchemy import true

from acmidm_sandbox.beheerportaal.api.clients import PREFIX
from acmidm_sandbox.beheerportaal.api.endpoints import (
    AFTER,
    LIMIT,
    answer_page,
    router_for_operators,
)
from acmidm_sandbox.beheerportaal.context import CurrentPortal
from acmidm_sandbox.beheerportaal.documents import AuditPage
from acmidm_sandbox.beheerportaal.store.clients import StoredChange
from acmidm_sandbox.beheerportaal.store.database import page_of

router = router_for_operators(PREFIX, "audit")
ClientId = Annotated[str | None, Query(max_length=255)]


@router.get("/audit", response_model=AuditPage)
async def read_audit(
    portal: CurrentPortal,
    client_id: ClientId = None,
    limit: LIMIT = 100,
    after: AFTER = None,
) -> Response:
    """The changes, of one client or of all."""
    condition = true() if client_id is None else StoredChange.client_id == client_id
    with portal.database.read() as session:
        lines, following = page_of(
            session, StoredChange, condition, limit, after, newest_first=True
        )
    return answer_page(AuditPage(items=[line.entry for line in lines], next=following))
