"""Our own multimodal GPT as a transformers model, registered with the Auto classes."""
