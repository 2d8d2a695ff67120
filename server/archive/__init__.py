"""A whole project in one file, and back: nothing lost, nothing added."""
