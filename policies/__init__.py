"""The policies of ``components/model/policies.py``, as the folder that the engine starts as a policy pack."""
