"""What a network for images asks of its samples."""

from safecompress_core.toolkit import ModelError

__all__ = ["channels_of"]


def channels_of(input_shape: tuple[int, ...], *, needed_by: str) -> int:
    """The channels of images (C, H, W).

    Raises:
        ModelError: if the samples are no images.
    """
    if len(input_shape) != 3:
        shape = " × ".join(map(str, input_shape)) or "one number"
        raise ModelError(
            f"{needed_by} takes images of channels × height × width, and a sample is {shape}",
            mend="use data of images, or mlp",
        )
    return input_shape[0]
