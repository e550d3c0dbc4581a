"""Drills in the network: packets of the lab's own containers are dropped, refused, limited or answered with a reset."""

from lab.drills.network.bandwidth import Bandwidth
from lab.drills.network.black_hole import BlackHole
from lab.drills.network.black_hole_one_way import BlackHoleOneWay
from lab.drills.network.delay import Delay, Jitter
from lab.drills.network.half_open import HalfOpen
from lab.drills.network.idle_forgotten import IdleForgotten
from lab.drills.network.reject_newcomers import RejectNewcomers
from lab.drills.network.reset_share import ResetShare
from lab.drills.network.syn_loss import SynLoss
from lab.drills.network.worker_cut import WorkerCut

DRILLS = (
    BlackHole(), BlackHoleOneWay(), HalfOpen(), ResetShare(), RejectNewcomers(), SynLoss(), IdleForgotten(),
    Bandwidth(), Delay(), Jitter(), WorkerCut(),
)  # fmt: skip
