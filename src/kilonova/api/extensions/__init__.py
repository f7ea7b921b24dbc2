"""Extensions: a list that does not change any more, kept for clients that look features up by it."""
