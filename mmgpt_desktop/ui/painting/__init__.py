"""Pictures that are drawn: from a prompt to a photo whose words can be pointed at."""
