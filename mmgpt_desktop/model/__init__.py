"""Our own multimodal GPT as a transformers model, registered with the Auto classes."""

from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoProcessor

from mmgpt_desktop.model.configuration import MMGPTConfig
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.model.processing import MMGPTImageProcessor, MMGPTProcessor

AutoConfig.register("mmgpt", MMGPTConfig)
AutoModelForImageTextToText.register(MMGPTConfig, MMGPTForConditionalGeneration)
AutoImageProcessor.register(MMGPTConfig, image_processor_classes={"pil": MMGPTImageProcessor})
AutoProcessor.register(MMGPTConfig, MMGPTProcessor)

__all__ = [
    "MMGPTConfig",
    "MMGPTForConditionalGeneration",
    "MMGPTImageProcessor",
    "MMGPTProcessor",
]
