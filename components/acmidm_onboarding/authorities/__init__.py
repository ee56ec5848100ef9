"""The authorities that have OAuth clients, behind one port. Knows no Pulumi."""
