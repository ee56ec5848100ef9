"""The endpoints; `docs/adr/0004-management-api-contract.md` is their contract."""
