"""One closed bar to one journalled decision."""

from folkmoot.desk.desk import Desk as Desk
from folkmoot.desk.desk import Replay as Replay
from folkmoot.desk.hearing import Hearing as Hearing
from folkmoot.desk.hearing import Voice as Voice
from folkmoot.desk.hearing import compose as compose
from folkmoot.desk.hearing import spoken as spoken
from folkmoot.desk.journal import Journal as Journal
from folkmoot.desk.reading import Curve as Curve
from folkmoot.desk.reading import Resumption as Resumption
from folkmoot.desk.replay import ReplayVoice as ReplayVoice
