"""Shared weights: k-means over the values of a layer."""

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor

from safecompress_core.toolkit import Clustered, Finish, FinishContext, Finisher
from safecompress_plugins.finishers.coding_error import coding_error
from safecompress_plugins.finishers.manifest import ClusterParams

__all__ = ["Cluster"]


class Cluster(Finisher):
    """Replaces each weight by the nearest of a few values of its layer; one of them is 0.

    Centres start evenly between the smallest and the largest weight, as the paper found best for
    large weights ("linear initialization").

    Source: Han, Mao & Dally 2016, "Deep Compression", ICLR, section 3.1.
    """

    def __init__(self, params: ClusterParams) -> None:
        self._values = params.values

    def finish(self, context: FinishContext) -> Finish:
        """Return codes and codebook of each layer."""
        codes = {name: self._clustered(weight) for name, weight in context.weights.items()}
        return Finish(codes=codes, facts={"error": coding_error(context.weights, codes)})

    def _clustered(self, weight: Tensor) -> Clustered:
        is_active = weight != 0
        active = weight[is_active].double().numpy()
        # 0 takes one of the values; a layer may have fewer different weights than are left.
        count = min(self._values - 1, len(np.unique(active)))
        codes = torch.zeros(weight.shape, dtype=torch.uint8)
        if count == 0:
            return Clustered(codes=codes, codebook=torch.zeros(2, dtype=weight.dtype))
        start = np.linspace(active.min(), active.max(), count)[:, None]
        # One start, which is given, so nothing is drawn.
        means = KMeans(n_clusters=count, init=start, n_init=1).fit(active[:, None])
        centres = torch.from_numpy(means.cluster_centers_[:, 0]).to(weight.dtype)
        codes[is_active] = torch.from_numpy(means.labels_ + 1).to(torch.uint8)
        return Clustered(codes=codes, codebook=torch.cat([centres.new_zeros(1), centres]))
