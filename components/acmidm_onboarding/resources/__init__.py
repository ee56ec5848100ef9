"""The resources, one file each, with its dynamic provider.

It imports authorities, settings, forms, rules and values; ``base.py`` has what providers share. The next resource type
is a file here, declared in ``onboarding.py`` below the component and named as the client is, ``/…`` behind it where a
client has several. Reviews then show what changes in its inputs, and no report has drift of it: the type does nothing
for that. A type that is at an authority, and whose drift people should see, is also a name in
``engine_resources.Resource``, which ``client_from`` there reads, with its kinds of change in ``report/kinds.py`` and
its part in ``report/drift.py``. Only ``HandOver`` is below no client.

The import path of each provider class is in every state (the provider is pickled by name), so that a path that was
released is kept: docs/adr/0001-dynamic-providers.md.
"""
