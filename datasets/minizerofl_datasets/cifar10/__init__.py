"""CIFAR-10: 60,000 colour pictures of ten kinds of things, one pool that a partition splits over clients.

Reading order: ``pictures`` (normalisation, crop and flip), ``loader``, ``files``, ``batches``, ``pickled``, then the
synthetic twin (``twin``, a folder of its own).
"""
