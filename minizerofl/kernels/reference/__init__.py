"""The twins: every kernel once more, same name and arguments, in obvious NumPy. Correct by inspection and slow."""
