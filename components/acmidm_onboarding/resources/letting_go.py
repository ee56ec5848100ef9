"""How a client stays at its authority while its resource goes: the marks come off, and all else
stays as it is there.

Each step finds what an earlier run has done already, so that after a run that was cut off the same
delete goes on. What bears the marks of another by now stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from acmidm_onboarding.values.metadata import Owner, ProductDocument

if TYPE_CHECKING:
    from acmidm_onboarding.authorities.connected import ConnectedPlatform

_NOBODY = Owner()


def client(platform: ConnectedPlatform, client_id: str, marks: Owner) -> bool:
    """Take ``marks`` off a client, and off the configurations of its products that still bear them.
    Return whether the client is free of marks: False where it bears those of another resource,
    which stay."""
    metadata = platform.authority.read_metadata(client_id)
    if metadata is None:
        return True
    owner = metadata.owner
    if owner != _NOBODY and not owner.is_resource_of(marks):
        return False
    # A run that was cut off may have made a configuration that the state does not have.
    for name, configured in platform.configured(client_id).items():
        if configured.owner.is_connection_of(marks):
            product(platform, name, client_id, configured.owner)
    if owner != _NOBODY:
        unmarked = metadata.model_copy(
            update={
                "software_id": None,
                "managed_by": None,
                "incarnation": None,
                "keys_declared": False,
            }
        )
        platform.authority.update(client_id, metadata, unmarked, None)
    return True


def product(platform: ConnectedPlatform, name: str, client_id: str, marks: Owner) -> bool:
    """Take ``marks`` off the configuration of a product. Return whether it is free of marks: False
    where it bears those of another resource, which stay."""
    found = platform.product_api.read(name, client_id)
    if found is None or found.owner == _NOBODY:
        return True
    if not found.owner.is_resource_of(marks):
        return False
    platform.product_api.put(name, client_id, found, ProductDocument(found.configuration, _NOBODY))
    return True
