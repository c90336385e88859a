"""Who may enter and what they may see: users, roles, sessions, tokens, account scopes, the audit log."""
