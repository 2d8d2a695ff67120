"""OpenID Connect: the authorization code flow with PKCE, and what an ID token has to prove."""
