"""A run on disk: its directory, history, checkpoints, masks and model.

Reading order: rundir, history, sealed, checkpoint, modelfile, maskfile, toml, jsonfile.
"""
