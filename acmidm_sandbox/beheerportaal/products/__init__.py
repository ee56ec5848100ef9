"""The products' own APIs, as far as they are public; `docs/products.md` says of each part on what
it rests."""
