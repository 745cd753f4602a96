"""How long a library stays: one record a file, what still points into it, and why it would not go."""
