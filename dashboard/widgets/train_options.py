"""The fold-out with the options of the networks, each with a sentence on what it does."""

import streamlit as st

from core.domain.errors import BadInput
from core.domain.runs import Model, TrainOptions
from dashboard import state

_WEIGHTS = {
    "none": "From scratch",
    "download": "Download torchvision's ImageNet weights",
    "file": "A file of weights",
}
_DEFAULTS = TrainOptions()


def draw() -> None:
    """The widgets; :func:`chosen` reads them."""
    left, right = st.columns(2, gap="large")
    with left:
        _number("epochs", "Epochs", 1, 10_000, 1, "How often the network sees every train image.")
        _number(
            "image_size", "Image size", 16, 1024, 16, "Pixels on each side. Larger sees finer detail and is slower."
        )
        _number("batch_size", "Batch size", 1, 4096, 1, "Images a step. Make it smaller if memory runs out.")
    with right:
        rate = "How far each step goes. 0 takes what suits the model."
        st.number_input(
            "Learning rate",
            0.0,
            10.0,
            _DEFAULTS.learning_rate,
            0.0001,
            "%g",
            key="train.learning_rate",
            persist_state="session",
        )
        st.caption(rate)
        _number(
            "seed", "Seed", 0, 2**31 - 1, 1, "The same seed and labels give the same run again, on the same device."
        )
        st.radio(
            "ResNet-18 starts from",
            list(_WEIGHTS),
            format_func=_WEIGHTS.__getitem__,
            key="train.weights",
            persist_state="session",
        )
        weights = state.get("weights", "none")
        st.caption(
            {
                "none": "Learns everything from your images: needs no download, wants many images.",
                "download": "45 MB, once, from download.pytorch.org. Knows 1,000 kinds of things: best for few images.",
                "file": "A .safetensors file, or a .pth of torchvision's, that is on this computer.",
            }[weights]
        )
        if weights == "file":
            st.text_input(
                "Path of the file",
                key="train.weights_file",
                placeholder="/home/me/resnet18.safetensors",
                persist_state="session",
            )


def chosen(model: Model) -> TrainOptions:
    """The options on the page for ``model``.

    Raises:
        BadInput: a value is out of range, or no file is named.
    """
    if model == "instant":
        return TrainOptions(model=model, seed=int(_value("seed")))
    weights = str(state.get("weights", "none")) if model == "resnet18" else "none"
    if weights == "file":
        weights = str(state.get("weights_file", "") or "").strip().strip("\"'")
        if not weights:
            raise BadInput("Name the file of weights, or choose another start for ResNet-18.")
    return TrainOptions(
        model=model,
        epochs=int(_value("epochs")),
        image_size=int(_value("image_size")),
        batch_size=int(_value("batch_size")),
        learning_rate=float(_value("learning_rate")),
        weights=weights,
        seed=int(_value("seed")),
    )


def _number(name: str, label: str, low: int, high: int, step: int, meaning: str) -> None:
    st.number_input(label, low, high, getattr(_DEFAULTS, name), step, key=f"train.{name}", persist_state="session")
    st.caption(meaning)


def _value(name: str) -> float:
    value = state.get(name)
    return float(getattr(_DEFAULTS, name) if value is None else value)
