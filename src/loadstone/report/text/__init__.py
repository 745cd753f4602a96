"""One file a kind of result: the text a person reads."""
