"""The authorities that hold OAuth clients, behind one port. Knows no Pulumi."""
