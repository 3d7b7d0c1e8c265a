"""The attackers that compare with reference models pass the checks that a third party's would."""

from safecompress_core.api import AttackerDef
from safecompress_core.testing.attackers import AttackerConformance
from safecompress_plugins.attackers.membership.reference_manifest import DEFINITIONS

BY_NAME = {definition.name: definition for definition in DEFINITIONS}


class TestOnlineLira(AttackerConformance):
    definition: AttackerDef = BY_NAME["lira"]


class TestOnlineLiraBySample(AttackerConformance):
    definition: AttackerDef = BY_NAME["lira"]
    params = {"variance": "sample"}


class TestOfflineLira(AttackerConformance):
    definition: AttackerDef = BY_NAME["lira"]
    params = {"mode": "offline"}


class TestOfflineLiraByDensity(AttackerConformance):
    definition: AttackerDef = BY_NAME["lira"]
    params = {"mode": "offline", "variant": "density"}


class TestOnlineRmia(AttackerConformance):
    definition: AttackerDef = BY_NAME["rmia"]


class TestOfflineRmia(AttackerConformance):
    definition: AttackerDef = BY_NAME["rmia"]
    params = {"mode": "offline"}


class TestOnlineBase(AttackerConformance):
    definition: AttackerDef = BY_NAME["base"]


class TestOfflineBase(AttackerConformance):
    definition: AttackerDef = BY_NAME["base"]
    params = {"mode": "offline"}


class TestCalibrated(AttackerConformance):
    definition: AttackerDef = BY_NAME["calibrated"]
