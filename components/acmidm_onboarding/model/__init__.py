"""What an onboarding is: forms, the catalogue, identifiers and keys, without Pulumi and without HTTP."""
