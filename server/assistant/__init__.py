"""Help by a language model, where an admin and a lead want it: texts in, a text out."""
