"""What can be chosen by name besides the set itself; this module imports nothing, so that help texts can use it."""

SOURCES = ("auto", "real", "synthetic")

# What FEMNIST hands out for a stored pixel, by polarity. In the files the background is 1, so the largest activations,
# which SWAT keeps, would all be background: ink = 1 is the default.
POLARITIES = {"ink": "x = 1 - pixel", "raw": "x = pixel"}

# What Speech Commands hands out for a clip, by the class that computes it.
FEATURES = ("log-mel", "mfcc")

# How a pool is divided into clients. A dealer takes (y, num_clients, rng) and its own parameters, and returns the
# rows of every client; it is imported when it is used.
DEALERS = {
    "iid": "minizerofl_datasets.partition.even:iid",
    "dirichlet": "minizerofl_datasets.partition.dirichlet:dirichlet",
    "dirichlet-min": "minizerofl_datasets.partition.dirichlet:dirichlet_min",
    "shards": "minizerofl_datasets.partition.even:shards",
    "quantity": "minizerofl_datasets.partition.even:quantity",
}
METHODS = ("natural", *DEALERS)
PRIORS = ("classes", "uniform")
