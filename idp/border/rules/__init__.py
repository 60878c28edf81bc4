"""The travel rules of this authority: the book, how it changes, and what it says of a traveller."""
