"""The pen against the plain formula, and the outlines it draws."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minizerofl_datasets.femnist.images import CLASS_NAMES
from minizerofl_datasets.femnist.twin.outlines import SEGMENTS, glyph_outlines
from minizerofl_datasets.femnist.twin.pen import SOFTNESS, draw


def naive_draw(segments, radius):
    """Project each pixel on each segment and take the nearest."""
    pixels = np.stack(np.meshgrid(np.arange(28) - 13.5, np.arange(28) - 13.5), axis=2)  # [row, column] = (x, y)
    nearest = np.full((28, 28), np.inf)
    for a, b in segments.astype(np.float64):
        length2 = ((b - a) ** 2).sum()
        t = np.clip((pixels - a) @ (b - a) / length2, 0, 1) if length2 else np.zeros((28, 28))
        nearest = np.minimum(nearest, np.hypot(*np.moveaxis(pixels - a - t[..., None] * (b - a), 2, 0)))
    return np.clip((radius - nearest) / SOFTNESS + 0.5, 0, 1)


ends = st.lists(st.floats(-13, 13, width=16), min_size=4, max_size=4)


@given(st.lists(ends, min_size=1, max_size=3), st.floats(0.3, 2.0))
def test_every_pixel_is_the_formula(segments, radius):
    strokes = np.array(segments, np.float32).reshape(1, -1, 2, 2)
    drawn = draw(strokes, np.array([radius], np.float32))[0]
    np.testing.assert_allclose(drawn, naive_draw(strokes[0], radius), atol=0.5 / 255 + 1e-3)
    np.testing.assert_allclose(drawn * 255, np.rint(drawn * 255), atol=1e-4)


def test_an_image_does_not_depend_on_its_neighbours():
    rng = np.random.default_rng(0)
    segments = (rng.normal(size=(50, 5, 2, 2)) * rng.uniform(1, 8, (50, 1, 1, 1))).astype(np.float32)
    radius = rng.uniform(0.5, 1.5, 50).astype(np.float32)
    alone = np.concatenate([draw(segments[i : i + 1], radius[i : i + 1]) for i in range(50)])
    np.testing.assert_array_equal(draw(segments, radius), alone)


def test_nothing_to_draw():
    assert draw(np.empty((0, 3, 2, 2), np.float32), np.empty(0, np.float32)).shape == (0, 28, 28)


def test_all_62_glyphs_are_there_and_connected():
    outlines = glyph_outlines()
    assert len(outlines.count) == len(CLASS_NAMES) == 62
    assert outlines.segments.shape == (outlines.count.sum(), SEGMENTS, 2, 2)
    assert outlines.segments.min() > -0.2
    assert outlines.segments.max() < 1.4
    same_stroke = outlines.strokes[:, 1:] == outlines.strokes[:, :-1]
    gaps = np.abs(outlines.segments[:, 1:, 0] - outlines.segments[:, :-1, 1]).max(axis=2)
    assert gaps[same_stroke].max() < 1e-6


def test_no_two_forms_are_the_same_drawing():
    segments = (glyph_outlines().segments - np.float32(0.5)) * np.float32(14)
    images = draw(segments, np.full(len(segments), 0.8, np.float32)).reshape(len(segments), -1)
    assert len({image.tobytes() for image in images}) > 0.9 * len(images)  # 1, I, l may well be
