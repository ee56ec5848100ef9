"""``acmidm github``: what a workflow posts, and how it proves who it is."""
