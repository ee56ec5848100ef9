"""What changes, as people think of it: one model, two sources (a preview of the engine, the forms at two revisions), four renderers.

::

    preview.py ─► assemble.py ─┐                                             ┌─► text.py
                               ├─► state.py ─► compare.py ─► changes.py ─────┼─► markdown.py
    forms.py ──────────────────┘                                             ├─► html.py
                                                                             └─► JSON, as changes.py has it

A review (reviewing.py) compares what is with what is to be; drift (drifting.py) also what the last ``up`` recorded, from a preview
with a refresh.
"""
