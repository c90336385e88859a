"""Who may enter and what they may see: users, roles, sessions, tokens, account scopes, the audit log.

What comes with a request (a session's cookie, a token) becomes an `Identity`; everything that is done takes one,
or the `AccountScope` that it gives.
"""
