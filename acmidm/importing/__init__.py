"""``acmidm import``: from a spreadsheet and what the authorities list to forms that take over what
exists."""
