"""What is measured of a round: accuracy, overlap of masks, multiply-adds, energy and bytes.

Reading order: evaluation, scores, evaluator, masks, costs, sizes.
"""
