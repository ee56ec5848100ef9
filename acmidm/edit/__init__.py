"""What writes forms: keys, a new form or many, and a promotion.

It imports reports, and no other room beside it. All files are written by ``changes.py``, all or
none, and all edits go through ``lines.py``, which keeps comments and order. The next edit is a file
here.
"""
