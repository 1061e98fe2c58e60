"""The synthetic twin of Speech Commands.

Reading order: synthetic, voices, phonemes, synthesis.
"""
