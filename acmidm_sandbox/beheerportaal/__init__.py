"""The embedded authority: a small, real Beheerportaal for one environment and platform.

It speaks the contract of `docs/adr/0004-management-api-contract.md`: a management API for OAuth
clients and the configurations of products, an OAuth token endpoint, and the products' own APIs. It
knows nothing of `acmidm_onboarding`: they share the contract.
"""
