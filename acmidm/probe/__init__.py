"""``acmidm probe``: whether a connection works, and if not, why. Run by the integrator, with the
form, the private key and the network."""
