"""What this service answers, described: a table for each group of URLs, and the document made of them."""
