"""Whether higher or lower is better of a metric of another program, by the words of its name."""

from npdigits.compare.keys_of import words_of

HIGHER = {
    *("acc", "accuracy", "auc", "auroc", "auprc", "f1", "precision", "recall", "score", "r2", "bleu", "rouge", "iou"),
    *("map", "reward", "return", "specificity", "sensitivity", "kappa", "mcc", "dice", "psnr", "ssim", "hits"),
}
LOWER = {
    *("loss", "error", "err", "cost", "rmse", "mae", "mse", "nll", "perplexity", "ppl", "wer", "cer", "fid", "brier"),
    *("time", "seconds", "runtime", "duration", "latency", "entropy", "crossentropy", "mape", "logloss", "regret"),
}


def direction_by_name(metric: str) -> bool | None:
    """Return whether higher is better; None where the name does not tell.

    scikit-learn's scores are all higher-is-better, "neg_mean_squared_error" too.
    """
    words = words_of(metric)
    if "neg" in words:
        return True
    higher, lower = bool(HIGHER & set(words)), bool(LOWER & set(words))
    return higher if higher != lower else None
