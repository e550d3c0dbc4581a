"""A run (`load`, `ci`): its folder, what it prints, and the check of its users against the server."""
