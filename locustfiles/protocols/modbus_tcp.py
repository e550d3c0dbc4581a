"""Modbus TCP: each user reads ten registers of a device and writes one, every EVERY seconds.

A frame has a number that its reply repeats. The length in it counts what follows: the unit, the function and its data.
"""

import struct

from rawsocket import Connect, Due, LengthField, Request, ScenarioSetting, Session, SessionUser

ScenarioSetting("modbus_unit", 1, "number of the device behind the address", type=int)

FRAME = LengthField(offset=4, size=2)
READ, WRITE = 3, 6


class ModbusUser(SessionUser):
    framing = FRAME

    def session(self) -> Session:
        yield Connect()
        while True:
            yield Due(self.option("every"))
            yield Request(self.command(READ, 0, 10), "read", expect=lambda reply: reply[7:9] == bytes((READ, 20)))
            command = self.command(WRITE, 5, self.message_no % 1000)
            yield Request(command, "write", expect=command)

    def command(self, function: int, register: int, value: int) -> bytes:
        """Return a request; reading, `value` is how many registers."""
        head = struct.pack(">HH", self.message_no % 65_536, 0)
        return FRAME.frame(head, struct.pack(">BBHH", self.option("modbus_unit"), function, register, value))

    def request_key(self, payload: bytes) -> bytes:
        return payload[:2]

    def reply_key(self, message: bytes) -> bytes:
        return message[:2]
