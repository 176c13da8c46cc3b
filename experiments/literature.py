"""What has been published of fully connected networks on MNIST: the rows of the table that ``published.py`` makes."""

from dataclasses import dataclass

LECUN = "LeCun et al. 1998"
SIMARD = "Simard et al. 2003"
HINTON = "Hinton et al. 2012"
SRIVASTAVA = "Srivastava et al. 2014"
CIRESAN = "Cireşan et al. 2010"
COMMITTEE = "Cireşan et al. 2011"

# How each source was read.
BASIS = {
    LECUN: "a copy of LeCun's page of results",
    SIMARD: "a copy of LeCun's page of results",
    "Hinton 2005": "reproductions",
    HINTON: "reproductions",
    SRIVASTAVA: "reproductions",
    "Nielsen, ch. 1": "the chapter",
    "Nielsen, ch. 3, 6": "the chapters",
    "Keras, mnist_mlp": "the source file",
    CIRESAN: "the abstract",
    COMMITTEE: "the abstract",
}


@dataclass(frozen=True)
class Row:
    """One published result, and the recipe that is set beside it.

    Attributes:
        name: of the row.
        network: architecture and what is special, in a few words.
        published: test error in per cent; None where the row is our own.
        source: a key of ``BASIS``; None likewise.
        most, least: between which the measured mean is meant to be, in per cent.
        members: of a committee, the row whose runs' probabilities are averaged.
        quick: whether a nightly check repeats it: minutes a run, and seeds that scatter little enough to tell.
    """

    name: str
    network: str
    published: float | None
    source: str | None
    most: float
    least: float = 0.0
    members: str = ""
    quick: bool = True

    @property
    def recipe(self) -> str:
        """conf/experiment/published/<recipe>.yaml, whose runs are in <folder>/<recipe>."""
        return self.members or self.name


ROWS = (
    Row("softmax", "softmax regression", 12.0, LECUN, 8.0),
    Row("default", "784–20–10, the default", None, None, 3.6),
    Row("nielsen_30", "784–30–10 sigmoid, MSE, plain SGD", 4.6, "Nielsen, ch. 1", 4.9, 4.3),
    Row("nielsen_100", "784–100–10 sigmoid, MSE, plain SGD", 3.4, "Nielsen, ch. 1", 3.7, 3.1, quick=False),
    Row("nielsen_100_scaled", "the same, weights drawn N(0, 1/n)", 3.4, "Nielsen, ch. 1", 3.7, 3.1),
    Row(
        "nielsen_100_regularized", "784–100–10 cross-entropy, dropout .1, weight decay", 1.96, "Nielsen, ch. 3, 6", 1.96
    ),
    Row("lecun_300", "784–300–10 MSE", 4.7, LECUN, 4.7),
    Row("lecun_300_distorted", "784–300–10 MSE, distortions", 3.6, LECUN, 3.6, quick=False),
    Row("lecun_300_distorted_slower", "the same, half the rate, twice the epochs", 3.6, LECUN, 3.6),
    Row("lecun_1000", "784–1000–10 MSE", 4.5, LECUN, 4.5),
    Row("lecun_1000_distorted", "784–1000–10 MSE, distortions", 3.8, LECUN, 3.8),
    Row("lecun_300_100", "784–300–100–10 MSE", 3.05, LECUN, 3.05),
    Row("lecun_300_100_distorted", "784–300–100–10 MSE, distortions", 2.5, LECUN, 2.5),
    Row("lecun_500_150", "784–500–150–10 MSE", 2.95, LECUN, 2.95),
    Row("lecun_500_150_distorted", "784–500–150–10 MSE, distortions", 2.45, LECUN, 2.45),
    Row("hinton_500_300", "784–500–300–10 softmax, weight decay, input dropout .2", 1.53, "Hinton 2005", 1.6),
    Row("simard_800", "784–800–10 cross-entropy, input dropout .2", 1.6, SIMARD, 1.6),
    Row("simard_800_affine", "784–800–10 cross-entropy, affine", 1.1, SIMARD, 1.0, quick=False),
    Row("simard_800_elastic", "784–800–10 cross-entropy, elastic", 0.7, SIMARD, 0.65, quick=False),
    Row("hinton_800_800", "784–800–800–10, dropout .5 and .2, max-norm", 1.1, HINTON, 1.2, quick=False),
    Row("hinton_800_800_slower", "the same, SGD from small weights, 180 epochs", 1.1, HINTON, 1.2, quick=False),
    Row("srivastava_1024", "784–3×1024–10 ReLU, dropout .5 and .2", 1.25, SRIVASTAVA, 1.35, quick=False),
    Row(
        "srivastava_1024_max_norm",
        "784–3×1024–10 ReLU, dropout .5 and .2, max-norm",
        1.06,
        SRIVASTAVA,
        1.16,
        quick=False,
    ),
    Row(
        "srivastava_1024_max_norm_slower",
        "the same, SGD from small weights, 100 epochs",
        1.06,
        SRIVASTAVA,
        1.16,
        quick=False,
    ),
    Row("keras_512", "784–512–512–10, dropout .2, RMSprop, cosine, 20 epochs", 1.6, "Keras, mnist_mlp", 1.6),
    Row("ciresan_1000_500", "784–1000–500–10 elastic and affine", 0.49, CIRESAN, 0.45, quick=False),
    Row("ciresan_5_layers", "five hidden layers, elastic and affine", 0.35, CIRESAN, 0.35, quick=False),
    Row("committee", "committee of seven", 0.31, COMMITTEE, 0.30, members="ciresan_1000_500", quick=False),
)
