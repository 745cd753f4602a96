"""C declarations, and addresses as typed Python callables and data."""
