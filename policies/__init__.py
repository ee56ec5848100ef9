"""The policies of ``components/acmidm_onboarding/model/policies.py``, as the folder that the engine starts as a policy
pack."""
