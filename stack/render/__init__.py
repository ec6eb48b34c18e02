"""What people read: text, JSON, Markdown, errors, all from the same values."""
