"""Train ZeroFL on handwriting that a program draws, a line a round; then save the model, load it and look at it.

Run it with ``python train_loop.py``. With real data (docs/data.md), write load("femnist", data_dir="...") instead.
"""

import minizerofl_datasets
from minizerofl.fl import SavedModel, Simulation, evaluate, load_model, recipe, save_model


def main() -> None:
    """Train, save and load."""
    data = minizerofl_datasets.load("femnist", source="synthetic", clients=20)
    print(data)

    # The quick recipe has the paper's sparsity and mask ratio; what is given here replaces a part of it.
    settings = recipe("femnist", "quick").settings(rounds=4, clients_per_round=4, eval_every=2)
    run = Simulation(data, "femnist_cnn", settings, workers=2)
    print(run)

    print("round  accuracy  train loss  MB sent  of MB")
    for result in run.run():
        accuracy = f"{100 * result.score.accuracy:.1f} %" if result.score else "-"  # evaluated every second round
        sent, dense = result.uplink_bytes / 1e6, result.dense_bytes / 1e6
        print(f"{result.round:5}  {accuracy:>8}  {result.train_loss:10.3f}  {sent:7.1f}  {dense:5.1f}")

    save_model("femnist.h5", SavedModel(run.model_name, run.model_arguments, run.state))
    saved = load_model("femnist.h5")
    print(saved)
    print(f"loaded again, it has an accuracy of {100 * evaluate(saved.build(), data.test()).accuracy:.1f} %")


if __name__ == "__main__":  # Processes that are started later import this file.
    main()
