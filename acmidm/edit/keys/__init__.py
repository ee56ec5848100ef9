"""What ``acmidm keys`` does: make key pairs, take public keys that there are, and name them in a
form."""
