"""Speech Commands: one-second recordings of thirty spoken words; a clip becomes an image of log-mel energies or MFCC.

Reading order: ``words`` (classes), ``speakers`` (the split), ``wav``, ``spectrum`` and ``features`` (from a file to
an image), ``sources`` and ``store`` (folder or archive, feature cache), ``samples`` (which clip goes where), ``noise``
(augmentation), ``loader``; then the synthetic twin (``twin``, a folder of its own).
"""
