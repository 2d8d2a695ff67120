"""Settings of the help by a language model."""
