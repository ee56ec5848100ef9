"""The resources, one file each, with its dynamic provider.

It imports authorities, settings, forms, rules and values; ``base.py`` has what providers share. The next resource type
is a file here, declared in ``onboarding.py``. If reviews and drift should tell what changes in it, it is also a name in
``engine_resources.Resource``, and ``client_from`` there reads it. The import path of each provider class is in every
state (the provider is pickled by name), so that a path that was released is kept: docs/adr/0001-dynamic-providers.md.
"""
