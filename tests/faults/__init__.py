"""Faults injected between the provider and a real server; docs/reliability.md is their table."""
