"""Training the models that draw."""
