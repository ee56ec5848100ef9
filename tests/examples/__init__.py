"""Clients as people write them, run."""
