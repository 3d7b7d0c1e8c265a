"""Requirements of image networks on their samples."""

from safecompress_core.toolkit import ModelError

__all__ = ["channels_of"]


def channels_of(input_shape: tuple[int, ...], *, needed_by: str) -> int:
    """Return the channels of images (C, H, W).

    Raises:
        ModelError: if the samples are not images.
    """
    if len(input_shape) != 3:
        shape = " × ".join(map(str, input_shape)) or "one number"
        raise ModelError(
            f"{needed_by} needs images (channels × height × width); a sample is {shape}",
            hint="use image data, or mlp",
        )
    return input_shape[0]
