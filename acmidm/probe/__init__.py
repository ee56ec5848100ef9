"""``acmidm probe``: whether a connection works, and if not, why; and ``acmidm token``: its tokens,
for programs. Run by the integrator, with the form, the private key and the network."""
