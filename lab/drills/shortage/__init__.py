"""Drills by shortages: the server has too few descriptors, too little CPU or memory for a while."""

from lab.drills.shortage.few_descriptors import FewDescriptors
from lab.drills.shortage.little_cpu import LittleCpu
from lab.drills.shortage.little_memory import LittleMemory

DRILLS = (FewDescriptors(), LittleCpu(), LittleMemory())
