"""The products' own APIs, as far as they are public. A product is a file, `<product>.yaml`: its
calls, its documents as JSON Schema, its errors, and on what each part rests. `docs/products.md` has
what people need."""
