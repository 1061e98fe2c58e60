"""What is measured in a round: accuracy, overlap of masks, multiply-adds, time, energy and bytes.

Reading order: evaluation, scores, evaluator, masks, costs, stopwatch, sizes.
"""
