"""The image service's tables and the questions it asks of them."""
