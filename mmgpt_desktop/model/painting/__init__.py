"""Models that draw: a coder of pictures, and a GPT that writes its codes."""
