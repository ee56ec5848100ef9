"""``acmidm new``: a first form, out of options or of questions on a terminal."""
