"""What the Makefile runs that is neither product, test, fuzzer nor bench."""
