"""ZeroFL from beginning to end in plain NumPy. Read it from top to bottom, then run it.

    python docs/zerofl_plain.py [strategy] [sp] [r]        for example: topk-diff 0.9 0.2

"The paper" is Qiu et al., "ZeroFL", ICLR 2022; its clients train with SWAT (Raihan and Aamodt, NeurIPS 2020).
sp   share of the weights, and of the activations, that training leaves out    w_t  global model in round t
r    extra share of the weights that a client sends: in all k = 1 - sp + r     w_E  model of a client after training
n_k  number of samples of a client; n is their sum over the clients of a round
A model is a dictionary of float32 arrays. Samples are columns: x is (features, N), and y holds N labels.
"""

import sys

import numpy as np

SPARSE = ("w1", "w2")  # weights of the two sparse layers; the biases and the classifier stay dense
BATCH_SIZE = 10
STRATEGIES = {  # what a client sends, and what its top k is chosen by (paper, section 5)
    "topk-weights": ("weights", "weights"),
    "diff-topk-weights": ("changes", "weights"),
    "topk-diff": ("changes", "changes"),
    "full": ("weights", None),  # everything is sent: FedAvg with SWAT on the clients
}
DIGITS = ("75557", "26227", "71747", "71717", "55711", "74717", "74757", "71122", "75757", "75717")  # rows of 3 bits


# 1. Top-k: which numbers of an array are kept.
def count_kept(size, share):
    """Count a share of `size` numbers, ceil(share * size), at most all: 5 of 100 for sp = 0.95, 25 for r = 0.2 more."""
    return min(size, int(np.ceil(round(share * size, 6))))  # rounded, since (1 - 0.95) * 100 is 5.000000000000004


def top_k_mask(a, share):
    """Mark the numbers of largest magnitude. Of equal ones the first are kept; a zero is never kept.

    >>> top_k_mask(np.array([[3.0, -5.0], [0.0, 3.0]]), share=0.5).tolist()
    [[True, True], [False, False]]
    """
    largest_first = np.argsort(-np.abs(a), axis=None, kind="stable")  # positions in the array, row after row
    mask = np.zeros(a.size, bool)
    mask[largest_first[: count_kept(a.size, share)]] = True
    return mask.reshape(a.shape) & (a != 0)


# 2. SWAT: a sparse layer, forward and backward (paper, section 3.1, equations 1 and 2).
def swat_forward(x, w, b, sp):
    """Compute y = W_top^T x + b; keep W_top and x_top for the backward pass. With sp = 0 the layer is dense."""
    w_top = w * top_k_mask(w, 1 - sp)  # a new array: w keeps all its weights
    x_top = x * top_k_mask(x, 1 - sp)  # the largest of the whole mini-batch, not of each sample
    return w_top.T @ x + b[:, None], (w_top, x_top)  # (in, out)^T (in, N) -> (out, N); here x is dense


def swat_backward(dy, saved):
    """Compute dX = W_top dY, dW = x_top dY^T, db = sum of dY over the samples. dY is dense: every weight can learn."""
    w_top, x_top = saved
    return w_top @ dy, x_top @ dy.T, dy.sum(axis=1)


# 3. The network: two sparse layers with ReLU, then a dense classifier.
def initial_weights(sizes, rng):
    """Draw W ~ N(0, 2 / fan_in), b = 0 (He et al., 2015). This is our choice: the paper does not say."""
    w = {}
    for i in range(1, len(sizes)):
        w[f"w{i}"] = rng.standard_normal((sizes[i - 1], sizes[i]), np.float32) * (2 / sizes[i - 1]) ** 0.5
        w[f"b{i}"] = np.zeros(sizes[i], np.float32)
    return w


def forward(w, x, sp):
    """Compute y1 = W1_top^T x + b1, y2 = W2_top^T relu(y1) + b2, logits = W3^T relu(y2) + b3."""
    y1, saved1 = swat_forward(x, w["w1"], w["b1"], sp)
    y2, saved2 = swat_forward(np.maximum(y1, 0), w["w2"], w["b2"], sp)
    logits, saved3 = swat_forward(np.maximum(y2, 0), w["w3"], w["b3"], 0.0)
    return logits, (y1, y2, saved1, saved2, saved3)


def gradients(w, x, y, sp):
    """Compute SWAT's gradients of the cross-entropy L = -mean(log p_y), where p = softmax(logits)."""
    logits, (y1, y2, saved1, saved2, saved3) = forward(w, x, sp)
    p = np.exp(logits - logits.max(axis=0))
    p /= p.sum(axis=0)
    p[y, np.arange(y.size)] -= 1
    dx3, dw3, db3 = swat_backward(p / y.size, saved3)  # dL/dlogits = (p - one_hot(y)) / N
    dx2, dw2, db2 = swat_backward(dx3 * (y2 > 0), saved2)  # ReLU passes a gradient on where its input was positive
    _, dw1, db1 = swat_backward(dx2 * (y1 > 0), saved1)
    return {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2, "w3": dw3, "b3": db3}


def accuracy(w, x, y, sp):
    """Return the share of samples whose largest logit is that of their label; with W_top (paper, section 4.3)."""
    return np.mean(forward(w, x, sp)[0].argmax(axis=0) == y)


# 4. A client: local training, then the uplink (paper, section 5, algorithm 1).
def train_locally(w, x, y, lr, sp):
    """Go from w_t to w_E by one epoch of SGD, w <- w - lr dW. All weights are updated, also those outside W_top."""
    for first in range(0, y.size, BATCH_SIZE):
        batch = slice(first, first + BATCH_SIZE)  # the last one may be smaller
        g = gradients(w, x[:, batch], y[batch], sp)
        w = {name: w[name] - lr * g[name] for name in w}
    return w


def upload(w_t, w_end, strategy, sp, r):
    """Choose what to send: the top k = 1 - sp + r of a sparse layer, other arrays whole. What is not sent is 0."""
    sends, chosen_by = STRATEGIES[strategy]
    sent, masks = {}, {}
    for name in w_t:
        arrays = {"weights": w_end[name], "changes": w_end[name] - w_t[name]}
        in_part = name in SPARSE and chosen_by is not None
        masks[name] = top_k_mask(arrays[chosen_by], 1 - sp + r) if in_part else np.ones(w_t[name].shape, bool)
        sent[name] = arrays[sends] * masks[name]
    return sent, masks


def count_bytes(masks):
    """Count 4 bytes for each number of an array sent whole, 8 (value and position) for each of one sent in part."""
    return sum(4 * mask.size if mask.all() else 8 * int(mask.sum()) for mask in masks.values())


# 5. The server: the weighted average, and a whole round (paper, section 5, algorithm 1).
def aggregate(w_t, sent, n_k, strategy):
    """Return w_{t+1}: sum (n_k / n) w_k if weights w_k were sent, w_t + sum (n_k / n) d_k if changes d_k were."""
    n = sum(n_k)  # all clients count for every weight: one that did not send it adds 0
    average = {name: sum(n_k[i] / n * sent[i][name] for i in range(len(sent))) for name in w_t}
    weights = STRATEGIES[strategy][0] == "weights"
    return average if weights else {name: w_t[name] + average[name] for name in w_t}


def one_round(w_t, clients, lr, strategy, sp, r):
    """Let all clients (x, y) train from w_t, and average what they send. Return w_{t+1} and the clients' masks."""
    messages = [upload(w_t, train_locally(w_t, x, y, lr, sp), strategy, sp, r) for x, y in clients]
    w_next = aggregate(w_t, [sent for sent, _ in messages], [y.size for _, y in clients], strategy)
    return w_next, [masks for _, masks in messages]


def learning_rate(t, rounds, start, end):
    """Return eta_t = start exp((t / T) ln(end / start)), t = 0, ..., T - 1 (paper, section 4.1, its sign corrected)."""
    return start * (end / start) ** (t / rounds)


# 6. Twenty rounds on digits that we draw ourselves.
def draw_digits(y, rng):
    """Draw x (64, N): each digit near the middle of 8 x 8 pixels, and noise. Ink is 1 and paper 0: x_top is ink."""
    x = 0.2 * rng.random((8, 8, y.size), np.float32)
    for i in range(y.size):
        top, left = rng.integers(1, 4, size=2)
        x[top : top + 5, left : left + 3, i] += [[int(row) >> bit & 1 for bit in (2, 1, 0)] for row in DIGITS[y[i]]]
    return x.reshape(64, y.size)


def main(strategy="topk-weights", sp="0.9", r="0.2"):
    """Train 20 clients of unequal size, each with its own mix of classes; 5 of them take part in a round."""
    sp, r, rng = float(sp), float(r), np.random.default_rng(0)
    if strategy not in STRATEGIES or not 0 <= sp < 1 or not 0 <= r <= 1:
        sys.exit(f"got {strategy} {sp} {r}, expected one of {', '.join(STRATEGIES)}; 0 <= sp < 1; 0 <= r <= 1")
    labels = [rng.choice(10, size=rng.integers(100, 400), p=rng.dirichlet(np.ones(10))) for _ in range(20)]
    pictures = [draw_digits(y, rng) for y in labels]
    y_test = rng.integers(10, size=1000)
    x_test = draw_digits(y_test, rng)
    w = initial_weights((64, 128, 64, 10), rng)
    for t in range(20):
        chosen = rng.choice(20, size=5, replace=False)
        orders = {i: rng.permutation(labels[i].size) for i in chosen}  # new mini-batches in each round
        clients = [(pictures[i][:, orders[i]], labels[i][orders[i]]) for i in chosen]
        w, masks = one_round(w, clients, learning_rate(t, 20, start=0.8, end=0.08), strategy, sp, r)
        share = np.mean([mask[name].mean() for mask in masks for name in SPARSE])
        sent, dense = sum(map(count_bytes, masks)) / 1000, 5 * sum(array.nbytes for array in w.values()) / 1000
        right = accuracy(w, x_test, y_test, sp)
        print(f"round {t + 1:2}  accuracy {right:6.1%}  sent {share:6.1%}: {sent:.0f} kB instead of {dense:.0f} kB")
    print(f"always the majority class: {np.bincount(y_test).max() / y_test.size:.1%}")
    print(f"all weights instead of W_top:   {accuracy(w, x_test, y_test, 0.0):.1%}")


if __name__ == "__main__":
    main(*sys.argv[1:])
