"""The products' own APIs, as far as they are public; the OpenAPI document says of each
part on what it rests, and `docs/products.md` what people need."""
