"""Forms out of what people bring: options, the page's file, a spreadsheet, or what a hand changed.
What is wrong with them is for the loader to say."""
