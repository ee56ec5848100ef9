"""What revisions of Git have, as far as reports compare it: forms, files beside them, the settings
of stacks, and what former versions ordered. Nothing of a revision runs."""
