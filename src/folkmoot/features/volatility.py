"""How much a market moves a bar: the estimators that features share, and the logs they read.

All are standard deviations of the log return over one bar; their formulas are the indicators'.
"""

from folkmoot.causal import close, high, lag, log, low, open_
from folkmoot.indicators.close_to_close import close_to_close as close_to_close
from folkmoot.indicators.ewma_vol import ewma_vol as ewma_vol
from folkmoot.indicators.garman_klass import garman_klass as garman_klass
from folkmoot.indicators.parkinson import parkinson as parkinson
from folkmoot.indicators.rogers_satchell import rogers_satchell as rogers_satchell
from folkmoot.indicators.yang_zhang import yang_zhang as yang_zhang

LAMBDA = 0.97

log_open, log_high, log_low, log_close = log(open_), log(high), log(low), log(close)
log_return = log_close - lag(log_close)
