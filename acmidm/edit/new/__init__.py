"""Makes forms of what people bring: options, the page's file, a spreadsheet, or a change by hand.
The loader of forms reports the mistakes in them."""
