"""The JSON API: one module a noun, each with its schemas and its routes.

Routes parse, call one service or view and answer with a schema. Whoever acts, what a role, a
token's scope and a read-only project allow is decided by the same dependencies as on the screens.
"""
