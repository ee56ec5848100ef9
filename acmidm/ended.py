"""Commands that ended, and what people do instead: who calls one reads it."""

INSTEAD = {
    "github fetch": "run: git fetch origin pull/NUMBER/head",
    "github newest": "compare the commit with the branch in one line of shell, as deploy.yml does",
    "github summary": 'append to the file that GitHub names: >> "$GITHUB_STEP_SUMMARY"',
    "github token": "use the log-in action of your cloud, with a session as long as the job",
    "keycloak": "run in a clone: make keycloak",
    "keys export": "use openssl, as docs/integrators.md shows",
    "mandates": "run: acmidm status",
    "move": "a stack with clients is not split; 1,000 connections are one stack",
    "oidc-provider": "declare clients at a Beheerportaal, a Keycloak or by hand",
    "policies": "run: acmidm validate",
    "portal": "run: acmidm sandbox --help",
    "refusals": "ask for the assertion, and run: acmidm probe FORM --assertion -",
    "scopes": "write a row per form (KBOnummer, Toepassing, Scope), and run: acmidm new --from",
    "steps": "run: acmidm status --board",
    "token": "use an example in examples/, or acmidm probe to see that a token comes",
    "why": "ask for the assertion, and run: acmidm probe FORM --assertion -",
}
