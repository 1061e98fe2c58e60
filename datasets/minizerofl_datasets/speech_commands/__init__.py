"""Speech Commands: one-second recordings of thirty spoken words, each clip an image of its log-mel energies.

Reading order: ``words`` (classes), ``speakers`` (the split), ``wav`` and ``features`` (from a file to an image),
``sources`` and ``store`` (folder or archive, feature cache), ``samples`` (which clip goes where), ``noise``
(augmentation), ``loader``; then the synthetic twin (``twin``, a folder of its own).
"""
