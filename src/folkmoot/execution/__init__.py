"""Costs, limits, the book's arithmetic, orders and the simulated broker."""

from folkmoot.execution.account import Account as Account
from folkmoot.execution.costs import Costs as Costs
from folkmoot.execution.limits import NO_HALTS as NO_HALTS
from folkmoot.execution.limits import Halts as Halts
from folkmoot.execution.limits import Limits as Limits
from folkmoot.execution.orders import order_for as order_for
from folkmoot.execution.orders import order_id as order_id
from folkmoot.execution.sim import SimBroker as SimBroker
