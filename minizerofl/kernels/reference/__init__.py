"""The reference kernels: every public kernel again in obvious NumPy or SciPy. Correct by inspection, and slow.

They have the names of the kernels, and the arguments too, except `conv.conv_weight_gradient`: the kernel reads sorted
entries, its reference kernel plain arrays. The kernels that are not public, steps of the others, have no reference
kernel and are tested through the public ones.
"""
