"""What changes, as people think of it: one model, three sources (a preview, two revisions, a refresh), four renderers.

::

    preview.py ─┐                                     ┌─ text.py
    forms.py   ─┼─► state.py ─► compare.py ─► changes.py ─┼─ markdown.py
    refresh.py ─┘                                     ├─ html.py
                                                      └─ JSON, as changes.py has it
"""
