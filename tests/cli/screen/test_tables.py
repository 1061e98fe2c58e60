"""Tables: they fit the screen, and say what they left out."""

from hypothesis import given
from hypothesis import strategies as st

from minizerofl_cli.screen.tables import block_table, fitting_table, table

words = st.text("abcxyz01.% ", min_size=1, max_size=12).map(str.strip).filter(bool)


@given(st.integers(1, 6), st.integers(10, 120), st.data())
def test_columns_are_left_out_in_their_order_until_it_fits(columns, width, data):
    head = [f"c{i}" for i in range(columns)]
    rows = data.draw(st.lists(st.tuples(*[words] * columns), min_size=1, max_size=4))
    order = data.draw(st.permutations(head[1:]))
    lines = fitting_table(head, rows, width, order, "--csv FILE")
    shown = lines[0].split()
    out = [name for name in head if name not in shown]
    assert sorted(order[: len(out)]) == sorted(out)  # the least important ones
    body = lines[: 1 + len(rows)]
    assert max(map(len, body)) <= width or shown == ["c0"]
    if out:
        assert lines[-1].startswith(f"Not shown: {', '.join(order[: len(out)])} (")
        kept = [name for name in head if name not in order[: len(out) - 1]]
        wider = table(kept, [[row[head.index(name)] for name in kept] for row in rows])
        assert max(map(len, wider)) > width  # not one column more would have fitted
    else:
        assert lines == table(head, rows)


@given(st.lists(st.tuples(words, words, words), min_size=1, max_size=4))
def test_a_name_gets_a_line_of_its_own(rows):
    lines = block_table(("name", "a", "b"), rows, 80, (), "")
    assert lines[::2] == ["name", *(row[0] for row in rows)]
    assert [line.split() for line in lines[3::2]] == [[*row[1].split(), *row[2].split()] for row in rows]
