"""The policy pack: the engine hands it each resource that it plans, whether a form declared it or
something else did."""

from pathlib import Path

from pulumi_policy import PolicyPack

from acmidm_onboarding.policy_pack import policies

PolicyPack("acmidm", policies=[*policies(Path())])
