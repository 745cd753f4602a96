"""Finding a library: by name as the loader would, or a plugin in the directories of its host. Nothing is loaded."""
