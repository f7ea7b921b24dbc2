"""Key pairs: imported, generated (below 2.92), shown, deleted; each belongs to a user, not to a project."""
