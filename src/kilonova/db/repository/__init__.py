"""SQL in, domain out: one repository per noun, one writer per table."""
