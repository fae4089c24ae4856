"""What the inputs and outputs of a public model's graphs are called, ours and the community's."""

from __future__ import annotations

# Of the image encoder.
FEATURES, READING, DEEP_FEATURES = "image_features", "image_reading", "deepstack_features"
NAMED = "name_ids"  # the words of what it takes a photo for
# Of the decoder.
IDS, EMBEDS, MASK, POSITIONS = "input_ids", "inputs_embeds", "attention_mask", "position_ids"
TYPES, BLOCKS, DEEP_EMBEDS = "token_type_ids", "blocks", "deepstack_embeds"
WITH_PAST = "use_cache_branch"  # which branch of a graph that was merged of two
KEPT = "num_logits_to_keep"  # 0 keeps all
FROM = "logits_from"
KEYS, VALUES, SIGHT = "image_keys", "image_values", "image_mask"  # of photos that words look at
LOGITS, ATTENTION = "logits", "attention"
