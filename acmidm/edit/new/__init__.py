"""``acmidm new``: a first form, out of options, of the page's file or of a spreadsheet."""
