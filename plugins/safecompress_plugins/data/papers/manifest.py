"""Data sets of the papers: facts as a table, parameters, and sources of the files.

All are read from the files as distributed. Nothing is downloaded.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from safecompress_core.api import DataDef, DataPath
from safecompress_plugins.data.images.manifest import ImageParams
from safecompress_plugins.data.tables.manifest import PrivateColumn, SampledParams

__all__ = [
    "DEFINITIONS",
    "FACTS",
    "PaperFacesParams",
    "PaperFacts",
    "PaperImagesParams",
    "PaperParams",
    "PaperTableParams",
]


class PaperParams(SampledParams):
    """Folder and sample of a published data set."""

    root: DataPath
    """The folder of its files, in their original layout."""


class PaperImagesParams(PaperParams, ImageParams):
    """A published data set of images."""


class PaperFacesParams(PaperImagesParams):
    """A published data set of faces with several labels."""

    target: str | None = None
    """The label that the model predicts; by default the data set's first."""
    private: list[str] | None = None
    """Private labels; by default all others."""
    intervals: Annotated[int, Field(ge=2, le=10_000)] = 4
    """Number of intervals for a numeric label."""


class PaperTableParams(PaperParams):
    """A published table of people."""

    target: str | None = None
    """The column that the model predicts; by default the data set's usual target."""
    private: list[str | PrivateColumn] | None = None
    """Private columns, which are not inputs; by default the data set's usual ones."""
    drop: list[str] = []
    """Unused columns, in addition to the data set's usual ones."""
    fewest_per_label: Annotated[int, Field(ge=1)] = 1
    """Minimum samples per label; rows of rarer labels are left out, and a label needs at least
    2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperFacts:
    """Facts of a published data set.

    Attributes:
        name: in a spec.
        title: a one-line description.
        cites: its source.
        where: the download page of its files.
        files: the folder's expected contents, in words.
        params: its parameters' class.
        target: its implementation.
        labels: possible tasks and private labels, where they are fixed.
        mean: usual normalisation of each channel.
        std: likewise.
        size: default width and height of images.
    """

    name: str
    title: str
    cites: str
    where: str
    files: str
    params: type[PaperParams]
    target: str
    labels: tuple[str, ...] = ()
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)
    size: int | None = None


IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

FACTS = {
    facts.name: facts
    for facts in (
        PaperFacts(
            name="cifar10",
            title="60,000 colour images (32x32) of 10 kinds of things; binary or Parquet files.",
            cites="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
            where="https://www.cs.toronto.edu/~kriz/cifar.html (binary version)",
            files="data_batch_1.bin to _5.bin and test_batch.bin, or train and test .parquet",
            params=PaperImagesParams,
            target="cifar:cifar10",
            mean=(0.4914, 0.4822, 0.4465),
            std=(0.2470, 0.2435, 0.2616),
        ),
        PaperFacts(
            name="cifar100",
            title="60,000 colour images (32x32) of 100 kinds of things; binary or Parquet files.",
            cites="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
            where="https://www.cs.toronto.edu/~kriz/cifar.html (binary version)",
            files="train.bin and test.bin, or train and test .parquet",
            params=PaperImagesParams,
            target="cifar:cifar100",
            mean=(0.5071, 0.4865, 0.4409),
            std=(0.2673, 0.2564, 0.2762),
        ),
        PaperFacts(
            name="tiny-imagenet",
            title="110,000 colour images (64x64) of 200 kinds of things.",
            cites="Le & Yang 2015, Tiny ImageNet Visual Recognition Challenge",
            where="http://cs231n.stanford.edu/tiny-imagenet-200.zip",
            files="train and val of tiny-imagenet-200",
            params=PaperImagesParams,
            target="paper_folders:tiny_imagenet",
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
        ),
        PaperFacts(
            name="imagenet-100",
            title="Some 131,000 photographs of 100 kinds of things, scaled to 224x224.",
            cites="Tian, Krishnan & Isola 2020, Contrastive Multiview Coding, ECCV",
            where="https://www.kaggle.com/datasets/ambityga/imagenet100",
            files="train (or train.X1 to train.X4) and val (or val.X), a folder a label",
            params=PaperImagesParams,
            target="paper_folders:imagenet_100",
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            size=224,
        ),
        PaperFacts(
            name="utkface",
            title="Some 23,700 faces with age, gender and race, scaled to 64x64.",
            cites="Zhang, Song & Qi 2017, Conditional Adversarial Autoencoder, CVPR",
            where="https://susanqq.github.io/UTKFace",
            files="the images, whose names contain age, gender and race",
            params=PaperFacesParams,
            target="paper_faces:utkface",
            labels=("gender", "race", "age"),
            size=64,
        ),
        PaperFacts(
            name="fairface",
            title="Some 97,700 faces with age group, gender and race, scaled to 64x64.",
            cites="Karkkainen & Joo 2021, FairFace, WACV",
            where="https://github.com/joojs/fairface",
            files="fairface_label_train.csv, fairface_label_val.csv and the folders train and val",
            params=PaperFacesParams,
            target="paper_faces:fairface",
            labels=("gender", "race", "age"),
            size=64,
        ),
        PaperFacts(
            name="celeba",
            title="202,599 faces of 10,177 people with forty labels, scaled to 64x64.",
            cites="Liu, Luo, Wang & Tang 2015, Deep Learning Face Attributes in the Wild, ICCV",
            where="https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
            files="img_align_celeba, list_attr_celeba.txt, and list_eval_partition.txt and "
            "identity_CelebA.txt for splits and people",
            params=PaperFacesParams,
            target="paper_faces:celeba",
            labels=("Smiling", "Male", "Young"),
            size=64,
        ),
        PaperFacts(
            name="ag-news",
            title="127,600 news of four topics: title and description, for text models.",
            cites="Zhang, Zhao & LeCun 2015, Character-level Convolutional Networks, NeurIPS",
            where="https://huggingface.co/datasets/fancyzhx/ag_news",
            files="train.csv and test.csv (or one of them), without a first line of names",
            params=PaperParams,
            target="paper_texts:ag_news",
            labels=("World", "Sports", "Business", "Sci/Tech"),
        ),
        PaperFacts(
            name="adult",
            title="48,842 people of a census: who earns more than 50,000 dollars.",
            cites="Becker & Kohavi 1996, Adult, UCI Machine Learning Repository",
            where="https://archive.ics.uci.edu/dataset/2/adult",
            files="adult.data and adult.test (or one of them), or adult.csv with names",
            params=PaperTableParams,
            target="paper_tables:adult",
        ),
        PaperFacts(
            name="yelp-5",
            title="700,000 reviews with one to five stars, for text models.",
            cites="Zhang, Zhao & LeCun 2015, Character-level Convolutional Networks, NeurIPS",
            where="https://huggingface.co/datasets/Yelp/yelp_review_full",
            files="train.csv and test.csv (or one of them), without a first line of names",
            params=PaperParams,
            target="paper_texts:yelp_5",
            labels=("1 star", "2 stars", "3 stars", "4 stars", "5 stars"),
        ),
        PaperFacts(
            name="purchase-100",
            title="197,324 shoppers, 600 purchase bits each, in 100 clusters.",
            cites="Shokri, Stronati, Song & Shmatikov 2017, Membership Inference Attacks, S&P",
            where="https://github.com/privacytrustlab/datasets",
            files="dataset_purchase",
            params=PaperParams,
            target="paper_bits:purchase_100",
        ),
        PaperFacts(
            name="texas-100",
            title="67,330 hospital stays, 6,169 bits each, and the procedure among 100.",
            cites="Shokri, Stronati, Song & Shmatikov 2017, Membership Inference Attacks, S&P",
            where="https://github.com/privacytrustlab/datasets",
            files="texas/100/feats and texas/100/labels",
            params=PaperParams,
            target="paper_bits:texas_100",
        ),
        PaperFacts(
            name="compas",
            title="6,172 defendants: who was charged again within two years.",
            cites="Angwin, Larson, Mattu & Kirchner 2016, Machine Bias, ProPublica",
            where="https://github.com/propublica/compas-analysis",
            files="compas-scores-two-years.csv",
            params=PaperTableParams,
            target="paper_tables:compas",
        ),
    )
}

DEFINITIONS = tuple(
    DataDef(
        name=facts.name,
        params=facts.params,
        target=f"safecompress_plugins.data.papers.{facts.target}",
        summary=facts.title,
        cites=facts.cites,
    )
    for facts in FACTS.values()
)
