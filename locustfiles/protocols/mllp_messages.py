"""HL7 over MLLP: each user sends a message of a patient's admission every EVERY seconds, and gets an acknowledgement.

The acknowledgement must name the message: `MSA|AA|` and its number.
"""

from rawsocket import Connect, Due, Marks, Request, Session, SessionUser

ADMISSION = (
    b"MSH|^~\\&|LOAD|TEST|LAB|TEST|20260101000000||ADT^A01|%(id)s|P|2.5\r"
    b"PID|1||%(patient)d^^^TEST||Doe^Jane\r"
    b"PV1|1|I|WARD^1^1\r"
)  # fmt: skip


class MllpUser(SessionUser):
    framing = Marks(b"\x0b", b"\x1c\r")

    def session(self) -> Session:
        yield Connect()
        while True:
            yield Due(self.option("every"))
            number = b"%d-%d" % (self.connection_id, self.message_no)
            message = ADMISSION % {b"id": number, b"patient": self.number}
            yield Request(message, "ADT", expect=lambda reply, number=number: b"\rMSA|AA|%s\r" % number in reply)
