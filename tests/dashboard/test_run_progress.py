from dashboard.widgets.run_progress import best_epoch


def epoch(number, accuracy, loss, split="val"):
    other = "train" if split == "val" else "val"
    line = {"epoch": number, f"{split}_accuracy": accuracy, f"{split}_loss": loss}
    return {**line, f"{other}_accuracy": 0.9 if other == "train" else None, f"{other}_loss": 0.1}


def test_the_best_epoch_is_the_one_that_training_keeps():
    assert best_epoch([epoch(1, 0.6, 0.9), epoch(2, 0.8, 0.5), epoch(3, 0.7, 0.4)]) == 2
    assert best_epoch([epoch(1, 0.8, 0.9), epoch(2, 0.8, 0.5), epoch(3, 0.8, 0.5)]) == 2
    assert best_epoch([]) is None


def test_without_val_train_judges():
    assert best_epoch([epoch(1, 0.6, 0.9, "train"), epoch(2, 0.8, 0.5, "train")]) == 2
