"""The synthetic twin of CIFAR-10.

Reading order: synthetic, scene, things, paint.
"""
