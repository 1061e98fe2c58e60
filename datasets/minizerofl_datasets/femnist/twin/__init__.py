"""The synthetic twin of FEMNIST.

Reading order: synthetic, hands, glyphs, outlines, pen.
"""
