"""What writes forms: the lines of a form that a command changes (``lines``), keys, a new form, and
a promotion.

It imports reports, and no other room beside it. All edits go through ``lines.py``, which keeps
comments and order. The next edit is a file here.
"""
