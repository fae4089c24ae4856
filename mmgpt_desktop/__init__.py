"""MMGPT Desktop: see a multimodal GPT look at a picture."""

import os

__version__ = "0.1.0"

# ONNX Runtime 1.31 makes a number for this computer and sends reports about its sessions, unless
# this is set before it is imported. No telemetry means that of our libraries too.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
