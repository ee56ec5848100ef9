"""Connections to government APIs as Pulumi resources: what another Pulumi project imports.

Imports go one way: ``onboarding`` → ``resources`` → ``authorities`` → ``model``. The model knows neither
Pulumi nor HTTP, and ``settings`` alone reads stack configuration.
"""
