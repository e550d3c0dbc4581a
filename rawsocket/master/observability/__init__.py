"""What is exchanged with the tools of others: metrics of the user's server come in, ours go out by OTLP."""
