"""The subcommands of `faultbook`, one module a subject; server/cli.py puts them together."""
