"""The work of `minizerofl bench` and `minizerofl trace`: how fast sparse training is here, and where its time goes.

Reading order: conduct, workload, products, steps, curves, report; federation_conduct, federation, peer_federation,
federation_report, blazefl; then profile and trace.
"""
