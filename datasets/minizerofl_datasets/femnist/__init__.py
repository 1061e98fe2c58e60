"""FEMNIST: the digits and letters of NIST SD19, one client per writer.

Reading order: ``images`` (what every source shares), ``loader``, ``files``, ``writers``, ``tff``, ``leaf``, then
``holdout``, the LEAF build (``nist``, ``build``, ``store``) and the synthetic twin (``twin``, a folder of its own).
"""
