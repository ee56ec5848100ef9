"""The policies of ``acmidm_onboarding/rules/policies.py``, as the folder that the engine starts as
a policy pack."""
