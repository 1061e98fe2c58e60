"""Predictions for samples as data sets hand them out: the same as in evaluation, in batches, or refused clearly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor, nn
from minizerofl.fl import SavedModel, evaluate
from minizerofl.fl.measures.evaluation import BATCH
from minizerofl.fl.measures.prediction import predict_logits, softmax
from minizerofl.models import femnist_cnn
from minizerofl.models.setup import Setup


@pytest.fixture(scope="module")
def saved() -> SavedModel:
    arguments = {"num_classes": 5, "sparsity": 0.9}
    about = {"input_shape": [1, 28, 28], "class_names": list("abcde")}
    state = femnist_cnn(**arguments).state_dict()
    return SavedModel("femnist_cnn", arguments, state, about, Setup(selection="random", seed=4))


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(BATCH + 7, 1, 28, 28)).astype(np.float32)


def test_predictions_are_those_of_the_evaluation(saved, x):
    y = saved.predict(x)
    assert (y.shape, y.dtype) == ((len(x),), np.int64)
    assert evaluate(saved.build(), (x, y)).accuracy == 1.0
    assert np.array_equal(saved.logits(x).argmax(axis=1), y)
    logits = saved.build().eval()(Tensor(np.moveaxis(x[:3], 0, -1))).data.T
    assert np.allclose(saved.logits(x)[:3], logits, atol=1e-5)


def test_probabilities_sum_to_one_and_have_the_order_of_the_logits(saved, x):
    p = saved.predict_proba(x)
    assert p.dtype == np.float32
    assert np.allclose(p.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(p.argmax(axis=1), saved.predict(x))


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=6))
def test_a_softmax_is_finite(logits):
    assert softmax(np.array([logits], np.float32)).sum() == pytest.approx(1, abs=1e-5)


def test_other_floats_lists_and_no_samples(saved, x):
    assert np.array_equal(saved.logits(x[:2].astype(np.float64)), saved.logits(x[:2]))
    assert np.array_equal(saved.logits(x[:2].tolist()), saved.logits(x[:2]))
    assert saved.logits(x[:0]).shape == (0, 5)
    assert saved.predict(x[:0]).shape == saved.predict_proba(x[:0]).shape[:1] == (0,)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda x: (255 * x).astype(np.uint8), TypeError, "x is an array of uint8, expected float32"),
        (lambda x: x.astype(str), TypeError, "expected float32"),
        (lambda x: x[0], ValueError, r"x has shape \(1, 28, 28\), expected \(N, 1, 28, 28\), samples first; x\[None\]"),
        (lambda x: np.moveaxis(x, 0, -1), ValueError, r"expected \(N, 1, 28, 28\), samples first$"),
        (lambda x: x[:, :, :27], ValueError, r"x has shape \(3, 1, 27, 28\)"),
    ],
)
def test_what_is_no_batch_of_samples_is_refused(change, error, message, saved, x):
    with pytest.raises(error, match=message):
        saved.predict(change(x[:3]))


def test_a_model_that_does_not_say_its_shape_takes_images(x):
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 2))
    assert predict_logits(model, x[:2]).shape == (2, 2)
    with pytest.raises(ValueError, match=r"expected \(N, C, H, W\)"):
        predict_logits(model, x[0, 0])
