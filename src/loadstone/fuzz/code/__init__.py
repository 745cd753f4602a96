"""What is read from machine code and debug information before anything runs."""
