"""Makes a conversation of recorded messages, and the text of its file. All files are pure."""
