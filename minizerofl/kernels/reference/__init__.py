"""The twins: every public kernel again in obvious NumPy or SciPy. Correct by inspection, and slow.

They have the names of the kernels, and the arguments too, except `conv.conv_weight_gradient`: the kernel reads sorted
entries, its twin plain arrays. The kernels that are not public, steps of the others, have no twins and are tested
through the public ones.
"""
