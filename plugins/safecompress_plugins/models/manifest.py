"""Names and parameters of the built-in architectures."""

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from safecompress_core.api import ModelDef, Params
from safecompress_plugins.models.loaded_manifest import DEFINITIONS as LOADED

__all__ = [
    "DEFINITIONS",
    "AlexnetParams",
    "LenetParams",
    "MlpParams",
    "NormalisedParams",
    "ResnetParams",
    "SoftTreeParams",
    "Vgg11Params",
    "Vgg16Params",
    "WideResnetParams",
]


class MlpParams(Params):
    """A multilayer perceptron over flattened inputs."""

    hidden: Annotated[list[Annotated[int, Field(ge=1, le=65_536)]], Field(min_length=1)] = [
        256,
        128,
    ]
    """Width of each hidden layer; the last one is the representation."""


class SoftTreeParams(Params):
    """A soft decision tree over flattened inputs."""

    depth: Annotated[int, Field(ge=1, le=10)] = 4
    """Decisions on the way to a leaf; there are 2 to the power of ``depth`` leaves."""
    beta: Annotated[float, Field(gt=0)] = 1.0
    """Inverse temperature of decisions (the paper's β): the higher, the closer to yes or no."""
    answer: Literal["mixture", "leaf"] = "mixture"
    """``mixture``: mean of the leaves' logits by their probability. ``leaf``: the most probable
    leaf alone, whose path explains the answer; gradients are those of all leaves."""


class LenetParams(Params):
    """LeNet-5 in Caffe's variant; no parameters."""


class NormalisedParams(Params):
    """Parameters of every network with normalisation layers."""

    normalisation: Literal["batch", "group"] = "batch"
    """``batch``: over a batch, which mixes samples. ``group``: over up to 32 groups of a sample's
    own channels (Wu & He 2018), as ``dp-sgd`` requires."""


Width = Annotated[float, Field(gt=0, le=4)]


class AlexnetParams(NormalisedParams):
    """AlexNet for images of about 32 × 32."""

    size: Literal["s", "b"] = "s"
    """``s``: linear layers of 1,024. ``b``: of 2,048."""
    width: Width = 1.0
    """Factor of the number of channels and of hidden units."""


class Vgg11Params(NormalisedParams):
    """VGG-11 for images from 32 × 32."""

    width: Width = 1.0
    """Factor of the number of channels and of hidden units."""


class Vgg16Params(Vgg11Params):
    """VGG-16 for images from 32 × 32."""

    variant: Literal["C", "D"] = "D"
    """``D``: all kernels are 3 × 3. ``C``: the last of a stage of three is 1 × 1."""


class ResnetParams(NormalisedParams):
    """A residual network."""

    stem: Literal["cifar", "imagenet"] = "cifar"
    """``cifar``: one 3 × 3 convolution, for small images. ``imagenet``: 7 × 7 and pooling, which
    reduce the pixels to a sixteenth."""
    width: Width = 1.0
    """Factor of the number of channels."""


def _depth(depth: int) -> int:
    if not 10 <= depth <= 1000 or (depth - 4) % 6:
        # The valid depths below and above, within the range of the check.
        below = min(max(10, depth - (depth - 4) % 6), 994)
        raise ValueError(f"{depth} is not 6·n + 4 layers; write {below} or {below + 6}")
    return depth


class WideResnetParams(NormalisedParams):
    """A wide residual network."""

    depth: Annotated[int, AfterValidator(_depth)] = 28
    """Layers, 6·n + 4: 16, 22, 28, 40."""
    widening: Annotated[int, Field(ge=1, le=100)] = 10
    """Width factor over the thin network; the paper's best is 28 layers with 10."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Dropout rate between a block's convolutions; the paper uses 0.3 for CIFAR."""


def _narrower_mlp(params: MlpParams, factor: float) -> MlpParams:
    # Never 0 units, however narrow the student.
    hidden = [max(1, round(width * factor)) for width in params.hidden]
    return params.model_copy(update={"hidden": hidden})


Convolutional = TypeVar("Convolutional", AlexnetParams, Vgg11Params, ResnetParams)


def _less_wide(params: Convolutional, factor: float) -> Convolutional:
    return params.model_copy(update={"width": params.width * factor})


def _narrower_wide_resnet(params: WideResnetParams, factor: float) -> WideResnetParams:
    widening = max(1, round(params.widening * factor))
    return params.model_copy(update={"widening": widening})


HE = "He et al. 2016, CVPR, Table 1"

DEFINITIONS = (
    ModelDef(
        name="mlp",
        params=MlpParams,
        target="safecompress_plugins.models.mlp:Mlp",
        summary="Multilayer perceptron with ReLU between its layers.",
        cites="Rumelhart, Hinton & Williams 1986, Nature 323",
        narrowed=_narrower_mlp,
    ),
    ModelDef(
        name="soft-tree",
        params=SoftTreeParams,
        target="safecompress_plugins.models.soft_tree:SoftTreeFactory",
        summary="Soft decision tree: linear decisions on the way to the logits of a leaf.",
        cites="Frosst & Hinton 2017, Distilling a Neural Network Into a Soft Decision Tree",
    ),
    ModelDef(
        name="lenet",
        params=LenetParams,
        target="safecompress_plugins.models.lenet:Lenet",
        summary="LeNet-5 in Caffe's form, for small images.",
        cites="LeCun et al. 1998, Proceedings of the IEEE 86",
    ),
    ModelDef(
        name="alexnet",
        params=AlexnetParams,
        target="safecompress_plugins.models.alexnet:Alexnet",
        summary="AlexNet for small images, with batch normalisation and without pooling.",
        cites="Krizhevsky, Sutskever & Hinton 2012; Lee, Ajanthan & Torr 2019, ICLR, section 5.1",
        narrowed=_less_wide,
    ),
    ModelDef(
        name="vgg11",
        params=Vgg11Params,
        target="safecompress_plugins.models.vgg:Vgg11",
        summary="VGG-11 for small images, of any width.",
        cites="Simonyan & Zisserman 2015, ICLR, Table 1, column A",
        narrowed=_less_wide,
    ),
    ModelDef(
        name="vgg16",
        params=Vgg16Params,
        target="safecompress_plugins.models.vgg:Vgg16",
        summary="VGG-16 for small images, variants C and D, of any width.",
        cites="Simonyan & Zisserman 2015, ICLR, Table 1",
        narrowed=_less_wide,
    ),
    ModelDef(
        name="resnet18",
        params=ResnetParams,
        target="safecompress_plugins.models.resnet:Resnet18",
        summary="Residual network of 18 layers, for small or large images.",
        cites=HE,
        narrowed=_less_wide,
    ),
    ModelDef(
        name="resnet34",
        params=ResnetParams,
        target="safecompress_plugins.models.resnet:Resnet34",
        summary="Residual network of 34 layers, for small or large images.",
        cites=HE,
        narrowed=_less_wide,
    ),
    ModelDef(
        name="resnet50",
        params=ResnetParams,
        target="safecompress_plugins.models.resnet:Resnet50",
        summary="Residual network of 50 layers, for small or large images.",
        cites=HE,
        narrowed=_less_wide,
    ),
    ModelDef(
        name="wide-resnet",
        params=WideResnetParams,
        target="safecompress_plugins.models.wide_resnet:WideResnet",
        summary="Wide residual network for small images, of any depth and width.",
        cites="Zagoruyko & Komodakis 2016, BMVC, Table 1",
        narrowed=_narrower_wide_resnet,
    ),
    *LOADED,
)
