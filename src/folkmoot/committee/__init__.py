"""Calibration, conformal intervals, earned weights, the consensus."""

from folkmoot.committee.calibration import Calibrator as Calibrator
from folkmoot.committee.calibration import calibrate as calibrate
from folkmoot.committee.minutes import STATUSES as STATUSES
from folkmoot.committee.minutes import Hearing as Hearing
from folkmoot.committee.minutes import Minutes as Minutes
from folkmoot.committee.minutes import Row as Row
from folkmoot.committee.minutes import Standing as Standing
from folkmoot.committee.prequential import Prequential as Prequential
from folkmoot.committee.prequential import deliberate as deliberate
from folkmoot.committee.roster import Committee as Committee
