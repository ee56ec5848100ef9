"""The resources, one file each, with its dynamic provider.

It imports authorities, settings, forms, rules and values. The next resource type is a file here,
declared in ``onboarding.py`` below the component with the options of its neighbours, and named as
the client is, with ``/…`` behind it where a client has several. Its provider is a
``ClientPartProvider`` (``client_part.py``) where it is written into a client, else an
``AuthorityProvider`` (``base.py``), which has another ``check`` where it is at no authority, as
``hand_over.py``; its methods are ``make``, ``look``, ``change`` and ``remove``. ``look`` returns
``gone()`` where the client is, also of what the authority keeps elsewhere. Reviews of a run then
show the changes of its inputs by themselves. A review of two revisions in Git shows none, for a
declaration has no resources of other types; no report shows its drift. For a report of drift add
the type to ``engine_resources.Resource`` and ``client_from``, its kinds of change to
``report/kinds.py``, and its comparison to ``report/drift.py``. Only ``HandOver`` is below no
client.

The import path of each provider class is in every state (the provider is pickled by name), so that
a path that was released is kept: docs/adr/0001-dynamic-providers.md.
"""
