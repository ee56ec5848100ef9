"""The adapter for the management API of ADR 4, which the embedded authority speaks: ``adapter``, and its documents,
``wire``."""
