"""Windows: what each tap sees, against counting."""

from hypothesis import assume, given
from hypothesis import strategies as st

from minizerofl.autograd.ops.window import Window


@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 4), st.integers(0, 5), st.data())
def test_overlap_matches_places_and_pixels(
    size: int, kernel: int, stride: int, padding: int, data: st.DataObject
) -> None:
    assume(size + 2 * padding >= kernel)
    window = Window(size, kernel, stride, padding)
    first = data.draw(st.integers(0, window.out - 1))
    last = data.draw(st.integers(first + 1, window.out))
    for tap in range(kernel):
        places, pixels = window.overlap(tap, first, last)
        seen = {place: place * stride + tap - padding for place in range(first, last)}
        expected = [(place, pixel) for place, pixel in seen.items() if 0 <= pixel < size]
        assert [first + p for p in range(last - first)[places]] == [place for place, _ in expected]
        assert list(range(size)[pixels]) == [pixel for _, pixel in expected]
