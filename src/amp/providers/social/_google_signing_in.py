"""Google's OAuth as its APIs share it: the first consent brings a refresh token, a refresh brings none.

Source: Google's documents of OAuth 2.0 for web server applications.
"""

from amp.domain.platforms.port import OAuth

OAUTH_URL = "https://oauth2.googleapis.com"
TOKEN_PATH, REVOKE_PATH = "/token", "/revoke"
SCOPES = "https://www.googleapis.com/auth/"


def google_oauth(scopes: tuple[str, ...], by_approval: tuple[str, ...]) -> OAuth:
    """Without `prompt=consent` a second consent would bring no refresh token."""
    return OAuth(
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url=f"{OAUTH_URL}{TOKEN_PATH}",
        scopes=tuple(f"{SCOPES}{scope}" for scope in scopes),
        pkce=True,
        extra={"access_type": "offline", "prompt": "consent", "include_granted_scopes": "true"},
        scopes_by_approval=tuple(f"{SCOPES}{scope}" for scope in by_approval),
    )
