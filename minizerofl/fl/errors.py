"""What can go wrong in a federation, as exceptions that a caller can tell apart."""


class ConfigError(ValueError):
    """A setting is out of its range, or two settings contradict each other."""


class TooFewClientsError(RuntimeError):
    """There are fewer clients than a round needs."""


class DivergedError(RuntimeError):
    """The global model is no longer finite."""


class ModelFileError(ValueError):
    """A model file is missing, damaged, or of another version."""
