RUNTIMES = "mmgpt_desktop.engine.families.runtimes"
"""What families need of one runtime alone, which is imported by name."""
