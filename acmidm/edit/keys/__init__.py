"""What ``acmidm keys`` does: it makes key pairs, reads public keys from files, and names them in a
form."""
