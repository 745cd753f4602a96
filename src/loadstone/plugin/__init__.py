"""Plugins: what they say about themselves without being loaded, a catalogue of a folder, and a checked load."""
