"""The embedded authority: a small, real Beheerportaal for one environment and platform.

It speaks the contract of `docs/adr/0004-management-api-contract.md`: a management API for OAuth
clients and the configurations of products, an OAuth token endpoint, and the products' own APIs. It
decides by nothing of `acmidm_onboarding`: they share the contract. Its pages explain refusals by
the module's table of mistakes.
"""
