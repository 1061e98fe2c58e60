"""The picture is drawn from history.csv alone."""

from minizerofl_cli.screen.pictures import plot_history

HEADER = "round,test_accuracy,cum_uplink_bytes\n"


def test_rounds_without_evaluation_are_passed_over(tmp_path):
    (tmp_path / "all.csv").write_text(HEADER + "1,,1000000\n2,0.5,2000000\n3,,3000000\n4,0.6,4000000\n")
    (tmp_path / "evaluated.csv").write_text(HEADER + "2,0.5,2000000\n4,0.6,4000000\n")
    for name in ("all", "evaluated"):
        plot_history(tmp_path / f"{name}.csv", "title", tmp_path / f"{name}.png")
    picture = (tmp_path / "all.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert picture == (tmp_path / "evaluated.png").read_bytes()


def test_nothing_was_evaluated(tmp_path):
    (tmp_path / "history.csv").write_text(HEADER + "1,,1000000\n")
    plot_history(tmp_path / "history.csv", "title", tmp_path / "accuracy.png")
    assert (tmp_path / "accuracy.png").is_file()
