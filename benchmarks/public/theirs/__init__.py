"""Public implementations, or loops written from their description, each doing one model's work.

A script trains without end and is stopped from outside; its epochs are those of the model's recipe.
"""
