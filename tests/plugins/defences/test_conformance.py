"""The built-in defences pass the checks that a third party's would."""

from safecompress_core.api import DefenceDef
from safecompress_core.testing.defences import DefenceConformance
from safecompress_plugins.defences.manifest import DEFINITIONS

BY_NAME = {definition.name: definition for definition in DEFINITIONS}


class TestEntropyOnAll(DefenceConformance):
    definition: DefenceDef = BY_NAME["entropy"]
    params = {"on": "all", "weight": 0.5}


class TestEntropyOnMisclassified(DefenceConformance):
    definition: DefenceDef = BY_NAME["entropy"]
    params = {"on": "misclassified", "weight": 0.5}


class TestRelaxLossUnderItsTarget(DefenceConformance):
    definition: DefenceDef = BY_NAME["relaxloss"]
    params = {"target": 10.0}


class TestRelaxLossOverItsTarget(DefenceConformance):
    definition: DefenceDef = BY_NAME["relaxloss"]
    params = {"target": 0.01}


class TestGradientReversal(DefenceConformance):
    definition: DefenceDef = BY_NAME["gradient-reversal"]
    params = {"attribute": "group", "weight": 0.3, "hidden": 7}


class TestAugmentation(DefenceConformance):
    definition: DefenceDef = BY_NAME["augmentation"]
    params = {"noise": 0.1, "rotation": 10, "translation": 0.1, "scale": 0.1}


class TestAugmentationOfVectors(DefenceConformance):
    definition: DefenceDef = BY_NAME["augmentation"]
    params = {"noise": 0.1}
    input_shape = (9,)


class TestL2(DefenceConformance):
    definition: DefenceDef = BY_NAME["l2"]
    params = {"weight": 0.01}


class TestLabelSmoothing(DefenceConformance):
    definition: DefenceDef = BY_NAME["label-smoothing"]


class TestMixup(DefenceConformance):
    definition: DefenceDef = BY_NAME["mixup"]


class TestDistillation(DefenceConformance):
    definition: DefenceDef = BY_NAME["distillation"]
    params = {"alpha": 0.6}


class TestAdversarialRegularisation(DefenceConformance):
    definition: DefenceDef = BY_NAME["adversarial-regularisation"]
    params = {"width": 64, "steps": 2}
