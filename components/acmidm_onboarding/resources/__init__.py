"""The resources, each with its dynamic provider.

The import path of each provider class stands in every state file (the provider is pickled by name): moving one needs an
alias that stays at the old path. See docs/adr/0001-dynamic-providers.md.
"""
