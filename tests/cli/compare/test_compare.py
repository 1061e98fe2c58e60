"""`minizerofl compare`: runs side by side, and no number that misleads."""

import csv
import shutil
from pathlib import Path

import pytest

FULL = {"uplink": "full"}
PART = {"uplink": "topk-weights"}
CURVE = [10.0, 30.0, 50.0, 60.0]


@pytest.fixture
def two_groups(make_run):
    """Full, and top-k weights that send a quarter and are 0.5 points better, with three seeds each."""
    for seed in (0, 1, 2):
        curve = [accuracy + seed for accuracy in CURVE]
        make_run(f"full-{seed}", curve, uplink_bytes=4_000_000, seed=seed, **FULL)
        make_run(f"part-{seed}", [each + 0.5 for each in curve], seed=seed, **PART)
    return make_run


def entries(result) -> dict[tuple[str, str], dict[str, str]]:
    return {(row["group"], row["measure"]): row for row in csv.DictReader(result.output.splitlines())}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_equal_rounds_bytes_and_seconds(two_groups, invoke, tmp_path):
    before = files(tmp_path)
    result = invoke("compare", tmp_path, "--to-accuracy", 55, "--format", "csv")
    assert result.exit_code == 0, result.output
    assert files(tmp_path) == before
    found = entries(result)
    at_round = found["B", "test_accuracy_at_rounds"]
    assert (float(at_round["at"]), float(at_round["mean"])) == (4, pytest.approx(61.5))
    assert (at_round["pairs"], at_round["verdict"]) == ("3", "holds")
    assert [float(at_round[key]) for key in ("difference", "interval_low", "interval_high")] == pytest.approx([0.5] * 3)
    # Within 4 MB the first group has done a round, the second all four.
    equal_bytes = {group: float(found[group, "test_accuracy_at_uplink_mb"]["mean"]) for group in "AB"}
    assert equal_bytes == pytest.approx({"A": 11, "B": 61.5})
    # 20 MB both ways are four rounds of the second group, and two and a half of the first.
    both = {group: float(found[group, "test_accuracy_at_both_mb"]["mean"]) for group in "AB"}
    assert both == pytest.approx({"A": 41, "B": 61.5})
    assert [found[g, "uplink_mb_to_accuracy"]["mean"] for g in "AB"] == ["16.0", "4.0"]
    assert found["A", "rounds_to_accuracy"]["values_by_seed"].count(":") == 3


def test_the_screen_has_80_columns(two_groups, invoke, tmp_path):
    lines = invoke("compare", tmp_path, "--to-accuracy", 55, "--to-accuracy", 99).output.splitlines()
    assert lines[0] == "femnist, SYNTHETIC data: 6 runs in 2 groups; 3 seeds: 0, 1, 2"
    assert max(map(len, lines)) <= 80
    assert any(line.split() == ["A", "0", "of", "3", *"----"] for line in lines)
    assert "Note: A never reached 99 % in 4 rounds; its best was 62.0 %." in lines
    assert "75 of 100 cases" in "\n".join(lines)


@pytest.mark.parametrize(
    ("shift", "expected"), [((0, 0.5, 1), "holds"), ((-3, -2, -4), "fails"), ((2, -3, 1), "unresolved")]
)
def test_the_verdict(shift, expected, make_run, invoke, tmp_path):
    for seed, more in enumerate(shift):
        make_run(f"a{seed}", CURVE, seed=seed, **FULL)
        make_run(f"b{seed}", [each + more for each in CURVE], seed=seed, **PART)
    assert (
        entries(invoke("compare", tmp_path, "--format", "csv"))["B", "test_accuracy_at_rounds"]["verdict"] == expected
    )


def test_full_has_no_mask_ratio_and_a_repeated_run_counts_once(make_run, invoke, tmp_path):
    make_run("a", CURVE, mask_ratio=0.0, **FULL)
    make_run("b", CURVE[:2], rounds=4, mask_ratio=0.2, **FULL)
    result = invoke("compare", tmp_path / "a", tmp_path / "b")
    assert "1 run in 1 group" in result.output
    assert "b is left out: it repeats" in " ".join(result.output.split())
    assert "It is one run: there is no spread." in result.output
    assert "±" not in result.output.split("± is")[0]


def test_the_baseline(two_groups, invoke, tmp_path):
    for baseline in ("B", "uplink=topk-weights", tmp_path / "part-1"):
        result = invoke("compare", tmp_path, "--format", "csv", "--baseline", baseline)
        assert float(entries(result)["A", "test_accuracy_at_rounds"]["difference"]) == pytest.approx(-0.5)
    result = invoke("compare", tmp_path, "--baseline", "uplink=ful")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "did you mean 'uplink=full'?" in result.output


def test_seeds_that_are_not_in_both_are_not_paired(two_groups, make_run, invoke, tmp_path):
    make_run("part-7", [90.0] * 4, seed=7, **PART)
    make_run("other-8", CURVE, seed=8, uplink="topk-diff")
    result = invoke("compare", tmp_path, "--baseline", "uplink=full", "--format", "csv")
    part = next(row for row in entries(result).values() if "topk-weights" in row["settings"])
    assert (part["runs"], part["pairs"], float(part["difference"])) == ("4", "3", pytest.approx(0.5))
    shown = " ".join(invoke("compare", tmp_path, "--baseline", "uplink=full").output.split())
    assert "no seed in common with A, so there is no difference" in shown


def test_one_seed_has_no_interval(make_run, invoke, tmp_path):
    make_run("a", CURVE, **FULL)
    make_run("b", [each + 5 for each in CURVE], **PART)
    row = entries(invoke("compare", tmp_path, "--format", "csv"))["B", "test_accuracy_at_rounds"]
    assert (row["pairs"], row["interval_low"], row["verdict"]) == ("1", "", "unresolved")
    assert "no interval and no verdict" in " ".join(invoke("compare", tmp_path).output.split())


def test_an_interrupted_run_is_compared_up_to_its_last_round(make_run, invoke, tmp_path):
    make_run("a", CURVE, **FULL)
    make_run("b", CURVE[:3], rounds=4, **PART)
    with (tmp_path / "b" / "history.csv").open("a") as file:
        file.write("4,synthetic,0.1")  # The process is writing a row.
    output = " ".join(invoke("compare", tmp_path).output.split())
    assert f"compared up to round 3: {tmp_path}/b has done 3 of 4 rounds" in output


def test_rounds_that_were_not_evaluated(make_run, invoke, tmp_path):
    make_run("a", ["", 20.0, "", 40.0], uplink_bytes=2_000_000, **FULL)
    make_run("b", ["", "", 30.0, 40.0], **PART)
    found = entries(invoke("compare", tmp_path, "--format", "csv", "--to-accuracy", 30))
    assert float(found["A", "test_accuracy_at_rounds"]["at"]) == 4
    assert float(found["A", "test_accuracy_at_uplink_mb"]["mean"]) == pytest.approx(20)
    assert float(found["A", "rounds_to_accuracy"]["mean"]) == 4
    make_run("c", [10.0, "", "", ""], uplink="topk-diff")
    result = invoke("compare", tmp_path)
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "no round was evaluated in every one" in result.output
    make_run("d", [], rounds=4, uplink="random-k")
    shown = " ".join(invoke("compare", tmp_path / "a", tmp_path / "d").output.split())
    assert f"{tmp_path}/d is left out: no round of it was evaluated." in shown
    assert invoke("compare", tmp_path / "d").exit_code == 2


def test_seconds_of_other_machines_are_not_judged(two_groups, invoke, tmp_path):
    file = tmp_path / "part-0" / "config.toml"
    file.write_text(file.read_text().replace("workers = 2", "workers = 8"))
    found = entries(invoke("compare", tmp_path, "--format", "csv"))
    assert (
        found["B", "test_accuracy_at_train_seconds"]["verdict"],
        found["B", "test_accuracy_at_rounds"]["verdict"],
    ) == (
        "",
        "holds",
    )
    assert "Seconds are shown but not judged" in " ".join(invoke("compare", tmp_path).output.split())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("config.toml", 'source = "synthetic"', 'source = "real"'), "femnist, real data"),
        (("config.toml", 'fingerprint = "', 'fingerprint = "0'), "fingerprint of the data"),
        (("config.toml", 'dataset = "femnist"', 'dataset = "other"'), "other, SYNTHETIC data"),
        (("partition.json", '"test": ', '"test": 1'), "number of test samples"),
    ],
)
def test_runs_of_different_data_are_refused(change, expected, two_groups, invoke, tmp_path):
    name, old, new = change
    file = tmp_path / "part-2" / name
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    result = invoke("compare", tmp_path)
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "different data and cannot be compared" in result.output
    assert expected in result.output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nothing"], "nothing is neither a run directory nor a folder with runs: there is no such folder"),
        (["."], "nothing in it has a config.toml"),
        ([], "Missing argument 'RUNS...'"),
        (["full-0", "--margin", "-1"], "--margin is -1"),
        (["full-0", "--margin", "nan"], "--margin is nan"),
        (["full-0", "--to-accuracy", "0.7e3"], "--to-accuracy is 700"),
        (["full-0", "--format", "html"], "add -o compare.html"),
        (["full-0", "--format", "pdf"], "'pdf' is unknown"),
        (["full-0", "-o", "full-0"], "in a run directory"),
        (["full-0", "-o", "full-0/a.html"], "in a run directory"),
        (["full-0", "-o", "a.pdf"], "expected .html, .md or .csv"),
        (["full-0", "-o", "a.csv", "--format", "md"], "drop one of them"),
    ],
)
def test_wrong_input_is_one_line(arguments, expected, two_groups, invoke, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty" if arguments == ["."] else tmp_path)
    before = files(tmp_path)
    result = invoke("compare", *arguments)
    assert result.exit_code == 2
    assert expected in result.output.splitlines()[-1]
    assert files(tmp_path) == before


def test_a_damaged_history(two_groups, invoke, tmp_path):
    file = tmp_path / "full-0" / "history.csv"
    whole = file.read_text()
    for damaged in ("", "a,b\n1,2\n", whole.replace("\n2,", "\n7,"), whole.replace(",0.3,", ",x,")):
        file.write_text(damaged)
        result = invoke("compare", tmp_path)
        assert (result.exit_code, result.output.count("\n")) == (3, 1)
        assert str(file) in result.output


def test_an_older_run_lacks_columns_settings_and_a_fingerprint(two_groups, invoke, tmp_path):
    for run in tmp_path.iterdir():
        rows = list(csv.reader((run / "history.csv").read_text().splitlines()))
        kept = [k for k, name in enumerate(rows[0]) if not name.startswith("client_")]
        (run / "history.csv").write_text("".join(",".join(row[k] for k in kept) + "\n" for row in rows))
        config = (run / "config.toml").read_text().splitlines(keepends=True)
        gone = ("fingerprint", "uplink_sparsity", "weight_sparsity", "selection", "bn")
        (run / "config.toml").write_text("".join(line for line in config if not line.startswith(gone)))
    found = entries(invoke("compare", tmp_path, "--format", "csv"))
    assert found["B", "test_accuracy_at_rounds"]["verdict"] == "holds"
    assert found["B", "client_accuracy_p10"]["runs_with_value"] == "0"


def test_files(two_groups, invoke, tmp_path):
    out = tmp_path / "out"
    result = invoke("compare", tmp_path / "full-0", tmp_path / "part-0", "-o", out)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == ["compare.csv", "compare.html", "compare.md"]
    page = (out / "compare.html").read_text()
    assert page.count("<figure") == 4
    assert "SYNTHETIC data" in page
    assert "http" not in page
    invoke("compare", tmp_path / "full-0", "-o", tmp_path / "one.md")
    assert (tmp_path / "one.md").read_text().startswith("**femnist, SYNTHETIC data: 1 run in 1 group")
    shown = invoke("compare", tmp_path / "full-0", "--format", "md").output
    assert shown == (tmp_path / "one.md").read_text()


@pytest.mark.posix
def test_a_run_that_a_sweep_set_aside_is_not_compared(two_groups, invoke, tmp_path):
    shutil.copytree(tmp_path / "part-0", tmp_path / "part-0.aside-1")
    (tmp_path / "latest").symlink_to(tmp_path / "part-0")
    assert "6 runs in 2 groups" in invoke("compare", tmp_path).output


def test_the_order_of_runs_changes_no_figure(two_groups, invoke, tmp_path):
    runs = sorted(tmp_path.iterdir())
    both = []
    for order in (runs, runs[::-1]):
        rows = entries(invoke("compare", *order, "--baseline", "uplink=full", "--to-accuracy", 55, "--format", "csv"))
        letters = ("group", "baseline")
        both.append(sorted(str({k: v for k, v in row.items() if k not in letters}) for row in rows.values()))
    assert both[0] == both[1]
    assert len(both[0]) == 2 * (4 + 5 + 6 + 4)


def test_settings_that_follow_from_others_do_not_name_a_group(make_run, invoke, tmp_path):
    for sparsity in (0.9, 0.95):
        parts = dict.fromkeys(("sparsity", "weight_sparsity", "activation_sparsity", "uplink_sparsity"), sparsity)
        make_run(f"sp{sparsity}", CURVE, dense_layers="none" if sparsity > 0.92 else "conv1", **parts)
    labels = {row["settings"] for row in entries(invoke("compare", tmp_path, "--format", "csv")).values()}
    assert labels == {"sparsity=0.9", "sparsity=0.95"}
    make_run("local", CURVE, bn="local")
    labels = {row["settings"] for row in entries(invoke("compare", tmp_path, "--format", "csv")).values()}
    assert labels == {"sparsity=0.9, bn=global", "sparsity=0.95, bn=global", "sparsity=0.95, bn=local"}


def test_a_setting_that_only_some_have_names_a_group_if_it_tells_two_apart(make_run, invoke, tmp_path):
    make_run("full", CURVE, **FULL)
    make_run("part", CURVE, mask_ratio=0.2, **PART)
    labels = {row["settings"] for row in entries(invoke("compare", tmp_path, "--format", "csv")).values()}
    assert labels == {"uplink=full", "uplink=topk-weights"}
    make_run("less", CURVE, mask_ratio=0.1, **PART)
    labels = {row["settings"] for row in entries(invoke("compare", tmp_path, "--format", "csv")).values()}
    assert labels == {"uplink=full", *(f"uplink=topk-weights, mask_ratio={r}" for r in (0.1, 0.2))}


def test_a_run_that_was_evaluated_too_late_has_no_accuracy_at_a_budget(make_run, invoke, tmp_path):
    make_run("a", ["", "", "", 40.0], uplink_bytes=9_000_000, **FULL)
    make_run("b", CURVE, **PART)
    result = invoke("compare", tmp_path, "--format", "csv")
    assert entries(result)["A", "test_accuracy_at_uplink_mb"]["mean"] == ""
    shown = " ".join(invoke("compare", tmp_path).output.split())
    assert "A: no round was evaluated within 4.0 MB up; there is no accuracy there." in shown


def test_a_target_that_only_some_reach_has_no_mean(make_run, invoke, tmp_path):
    make_run("a0", CURVE, seed=0, **FULL)
    make_run("a1", [each / 2 for each in CURVE], seed=1, **FULL)
    lines = invoke("compare", tmp_path, "--to-accuracy", 50).output.splitlines()
    assert any(line.split() == ["A", "1", "of", "2", *"----"] for line in lines)
    assert any(
        line.split()[:6] == ["A", "2", "of", "2", "3.0", "±"]
        for line in invoke("compare", tmp_path, "--to-accuracy", 30).output.splitlines()
    )


@pytest.mark.parametrize(("source", "code"), [("synthetic", 0), ("real", 2)])
def test_only_synthetic_data_change_with_the_partition_seed(source, code, make_run, invoke, tmp_path):
    for seed in (0, 1):
        file = make_run(f"run-{seed}", CURVE, source=source, partition_seed=seed) / "config.toml"
        file.write_text(file.read_text().replace('fingerprint = "', f'fingerprint = "{seed}'))
    assert invoke("compare", tmp_path).exit_code == code
