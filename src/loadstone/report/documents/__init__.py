"""One file a kind of JSON document: the struct, and the function that makes it from the value."""
