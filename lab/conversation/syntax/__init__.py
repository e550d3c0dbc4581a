"""The syntax of a conversation's file: nodes with their places, and what each key may hold."""
