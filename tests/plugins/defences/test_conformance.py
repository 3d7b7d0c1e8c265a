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


class TestMemguard(DefenceConformance):
    definition: DefenceDef = BY_NAME["memguard"]
    params = {"hidden": [8], "epochs": 20, "steps": 30}


class TestL1(DefenceConformance):
    definition: DefenceDef = BY_NAME["l1"]
    params = {"weight": 0.01}


class TestHamp(DefenceConformance):
    definition: DefenceDef = BY_NAME["hamp"]
    params = {"entropy": 0.7, "weight": 0.1}


class TestPairRegularisation(DefenceConformance):
    definition: DefenceDef = BY_NAME["pair-regularisation"]


class TestDropout(DefenceConformance):
    definition: DefenceDef = BY_NAME["dropout"]


class TestEarlyStopping(DefenceConformance):
    definition: DefenceDef = BY_NAME["early-stopping"]


class TestDmp(DefenceConformance):
    definition: DefenceDef = BY_NAME["dmp"]
    params = {"temperature": 2.0, "share": 0.5}


class TestSplitDistillation(DefenceConformance):
    definition: DefenceDef = BY_NAME["split-distillation"]


class TestAdversarialTraining(DefenceConformance):
    definition: DefenceDef = BY_NAME["adversarial-training"]
    params = {"epsilon": 0.1, "steps": 3}


class TestAdversarialTrainingInTheEuclideanNorm(DefenceConformance):
    definition: DefenceDef = BY_NAME["adversarial-training"]
    params = {"norm": "l2", "epsilon": 0.5, "steps": 3}


class TestDpSgd(DefenceConformance):
    definition: DefenceDef = BY_NAME["dp-sgd"]
    params = {"epsilon": 8.0}


class TestDpSgdThatClipsAlone(DefenceConformance):
    definition: DefenceDef = BY_NAME["dp-sgd"]
    params = {"noise": 0.0, "clip": 0.5}


class TestDpSgdOfSeveralViews(DefenceConformance):
    definition: DefenceDef = BY_NAME["dp-sgd"]
    params = {"noise": 0.2, "views": 3}


class TestMixup(DefenceConformance):
    definition: DefenceDef = BY_NAME["mixup"]


class TestDistillation(DefenceConformance):
    definition: DefenceDef = BY_NAME["distillation"]
    params = {"alpha": 0.6}


class TestAttributionPreservation(DefenceConformance):
    definition: DefenceDef = BY_NAME["attribution-preservation"]


class TestAdversarialRegularisation(DefenceConformance):
    definition: DefenceDef = BY_NAME["adversarial-regularisation"]
    params = {"width": 64, "steps": 2}
