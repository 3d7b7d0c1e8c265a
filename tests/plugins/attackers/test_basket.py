"""Several attackers as one."""

from safecompress_core.api import AttackerDef, Kind
from safecompress_core.host import load_plugins
from safecompress_core.testing import AttackerConformance
from safecompress_plugins.attackers.basket_manifest import DEFINITIONS
from safecompress_plugins.attackers.manifest import DEFINITIONS as ATTACKERS

[BASKET] = DEFINITIONS
BY_NAME = {one.name: one for one in ATTACKERS if isinstance(one, AttackerDef)}


class TestBasketBySample(AttackerConformance):
    definition = BASKET
    parts = [(BY_NAME[name], {}) for name in ("loss-threshold", "gap", "gradient-norm")]


class TestBasketByRun(AttackerConformance):
    definition = BASKET
    params = {"worst": "run", "folds": 3}
    parts = [(BY_NAME["gap"], {}), (BY_NAME["neural-blackbox"], {"epochs": 20})]


class TestBasketWithReferences(AttackerConformance):
    definition = BASKET
    parts = [(BY_NAME["lira"], {"references": 8}), (BY_NAME["rmia"], {"references": 4})]


class TestBasketOnAnAttribute(AttackerConformance):
    definition = BASKET
    parts = [
        (BY_NAME[name], {"attribute": "digit"}) for name in ("attribute-probe", "attribute-neurons")
    ]


class TestBasketOnAnAttributeByRun(AttackerConformance):
    definition = BASKET
    params = {"worst": "run"}
    parts = [
        (BY_NAME[name], {"attribute": "digit"}) for name in ("attribute-blackbox", "attribute-probe")
    ]
