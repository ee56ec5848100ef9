"""From files to declarations: forms, organisations, public keys, evidence and the catalogue, with
every problem at once.

``loading.py`` reads forms, ``catalogue_files.py`` reads the catalogue, and nothing else does. The
room imports rules and values; neither Pulumi nor HTTP. The next field of a form is in ``form.py``;
what fields must satisfy together, in ``requirements.py``; what an authority must be able to do for
one, in ``abilities.py``.
"""
