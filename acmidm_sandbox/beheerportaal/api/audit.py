"""What happened, newest first: the audit trail."""

from fastapi import Response
from sqlalchemy import true

from acmidm_sandbox.beheerportaal.api.clients import PREFIX, Filter
from acmidm_sandbox.beheerportaal.api.endpoints import (
    AFTER,
    LIMIT,
    answer_json,
    router_for_operators,
)
from acmidm_sandbox.beheerportaal.context import CurrentPortal
from acmidm_sandbox.beheerportaal.documents import AuditPage
from acmidm_sandbox.beheerportaal.store.clients import StoredChange
from acmidm_sandbox.beheerportaal.store.database import page_of

router = router_for_operators(PREFIX, "audit")


@router.get("/audit", response_model=AuditPage)
async def read_audit(
    portal: CurrentPortal, client_id: Filter = None, limit: LIMIT = 100, after: AFTER = None
) -> Response:
    """The changes, of one client or of all."""
    condition = true() if client_id is None else StoredChange.client_id == client_id
    with portal.database.read() as session:
        lines, following = page_of(
            session, StoredChange, condition, limit, after, newest_first=True
        )
    return answer_json(AuditPage(items=[line.entry for line in lines], next=following))
