"""The commands of the sandbox, one file each, as in ``acmidm/commands``."""
