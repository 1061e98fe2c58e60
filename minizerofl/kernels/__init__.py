"""The ground floor: serial Numba kernels over plain arrays, each with a twin in `minizerofl.kernels.reference`."""
