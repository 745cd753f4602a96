"""Coverage-guided fuzzing of a closed library, in a confined child."""
