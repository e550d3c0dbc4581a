"""What user 0 of each conversation sends in its first round, byte for byte, and what a server replies.

Written by hand from the standards, not from the code: lengths and sums are counted here. A dialogue is a list of
(pattern of what is sent, reply); where time or chance decides about bytes, the pattern says which ones are possible.
"""

import re

Dialogue = list[tuple[bytes, bytes]]

_exact = re.escape
_UTC = rb"\d{8}-\d\d:\d\d:\d\d"
_FIX = b"8=FIX.4.4\x019=12\x0135=%s\x01112=T2\x0110=000\x01"
_FIX_BEAT = b"8=FIX.4.4\x019=5\x0135=0\x0110=000\x01"


def _fix(length: int, kind: bytes, number: int, rest: bytes = b"") -> bytes:
    """Return the pattern of a message; `length` is counted by hand."""
    head = _exact(b"8=FIX.4.4\x019=%d\x0135=%s\x0134=%d\x0149=LOAD0\x0152=" % (length, kind, number))
    return head + _UTC + _exact(b"\x0156=SERVER\x01" + rest) + rb"10=\d{3}\x01"


def _amqp(channel: int, body: bytes) -> bytes:
    return b"\x01\0%c\0\0\0%c%s\xce" % (channel, len(body), body)


_LIST = b"+OK 1 messages:\r\n1 512\r\n.\r\n"
_START = _amqp(0, b"\0\x0a\0\x0a\0\x09\0\0\0\0\0\0\0\x05PLAIN\0\0\0\x05en_US")
_FEATURES = b"<stream:stream id='1' version='1.0'><stream:features></stream:features>"

DIALOGUES: dict[str, Dialogue] = {
    "amqp": [
        (rb"AMQP\x00\x00\x09\x01", _START),
        (
            _exact(_amqp(0, b"\0\x0a\0\x0b\0\0\0\0\x05PLAIN\0\0\0\x0c\0guest\0guest\x05en_US")),
            _amqp(0, b"\0\x0a\0\x1e\x07\xff\0\x02\0\0\0\x3c"),
        ),
        (_exact(_amqp(0, b"\0\x0a\0\x1f\x07\xff\0\x02\0\0\0\0")), b""),
        (_exact(_amqp(0, b"\0\x0a\0\x28\x01/\0\0")), _amqp(0, b"\0\x0a\0\x29\0")),
        (_exact(_amqp(1, b"\0\x14\0\x0a\0")), _amqp(1, b"\0\x14\0\x0b\0\0\0\0")),
        (_exact(_amqp(1, b"\0\x14\0\x28\0\0\0\0\0\0\0")), _amqp(1, b"\0\x14\0\x29")),
        (_exact(_amqp(0, b"\0\x0a\0\x32\0\xc8\0\0\0\0\0")), _amqp(0, b"\0\x0a\0\x33")),
    ],
    "fix": [
        (_fix(62, b"A", 1, b"98=0\x01108=30\x01"), _FIX_BEAT + _FIX % b"A"),
        (_fix(57, b"1", 2, b"112=T2\x01"), _FIX % b"0"),
        (_fix(50, b"5", 3), _FIX % b"5"),
    ],
    "ftp": [
        (b"", b"220-hello\r\n and welcome\r\n220 ready\r\n"),
        (rb"USER anonymous\r\n", b"331 who?\r\n"),
        (rb"PASS load-0@example\.test\r\n", b"230 in\r\n"),
        (rb"TYPE I\r\n", b"200 binary\r\n"),
        (rb"CWD /\r\n", b"250 changed\r\n"),
        (rb"PWD\r\n", b'257 "/" is it\r\n'),
        (rb"FEAT\r\n", b"211-Features:\r\n UTF8\r\n211 End\r\n"),
        (rb"QUIT\r\n", b"221 bye\r\n"),
    ],
    "graphite": [
        (rb"load\.host-0\.second \d\d \d{10}\n", b""),
        (rb"load\.host-0\.messages 2 \d{10}\n", b""),
        (rb"load\.host-0\.worker \d+ \d{10}\n", b""),
    ],
    "imap": [
        (b"", b"* OK ready\r\n"),
        (rb"a LOGIN ann secret\r\n", b"* CAPABILITY IMAP4rev1\r\na OK in\r\n"),
        (rb"a STATUS INBOX \(MESSAGES\)\r\n", b"* STATUS INBOX (MESSAGES 0)\r\na OK done\r\n"),
        (rb"a NOOP\r\n", b"a OK done\r\n"),
        (rb"a LOGOUT\r\n", b"* BYE\r\na OK out\r\n"),
    ],
    "irc": [
        (rb"NICK u0\r\n", b"PING :1234\r\n"),
        (rb"(USER load 0 \* :load\r\n|PONG :1234\r\n)", b""),
        (rb"(USER load 0 \* :load\r\n|PONG :1234\r\n)", b":a 001 u0 :Hello\r\n:a 376 u0 :End\r\n"),
        (rb"JOIN #load\r\n", b":u0!~load@a JOIN :#load\r\n:a 353 u0 = #load :@u0\r\n:a 366 u0 #load :End\r\n"),
        (rb"PRIVMSG #load :message 5\r\n", b""),
        (rb"QUIT :bye\r\n", b""),
    ],
    "iso8583": [
        (
            rb"\x00\x270800\x82\x20\x00{6}\x04\x00{7}\d{10}000001001",
            b"\0\x290810\x82\x20\0\0\2\0\0\0\x04" + bytes(7) + b"010100000000000100001",
        ),
        (
            rb"\x00\x4b0100\x72\x20\x00{3}\x80\x80\x00164000000000000000000000000000000002\d{10}000002T0000000978",
            b"\0\x4d0110\x72\x20\0\0\2\x80\x80\x00164000000000000000000000000000000002010100000000000200T0000000978",
        ),
    ],
    "memcached_binary": [
        (
            _exact(b"\x80\1\0\5\x08\0\0\0\0\0\0\x12\0\0\0\1" + bytes(16) + b"k\0\0\0\0hello"),
            b"\x81\1\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\7",
        ),
        (
            _exact(b"\x80\0\0\5\0\0\0\0\0\0\0\5\0\0\0\2" + bytes(8) + b"k\0\0\0\0"),
            b"\x81\0\0\0\4\0\0\0\0\0\0\x09\0\0\0\2\0\0\0\0\0\0\0\7\0\0\0\0hello",
        ),
        (_exact(b"\x80\x0a" + bytes(13) + b"\3" + bytes(8)), b"\x81\x0a" + bytes(13) + b"\3" + bytes(8)),
        (_exact(b"\x80\x17" + bytes(13) + b"\4" + bytes(8)), b""),
    ],
    "memcached_text": [
        (rb"set quiet-0 0 60 5 noreply\r\nhello\r\n", b""),
        (rb"set key-0 0 60 7\r\nvalue 2\r\n", b"STORED\r\n"),
        (rb"get key-0\r\n", b"VALUE key-0 0 7\r\nvalue 2\r\nEND\r\n"),
        (rb"get quiet-0\r\n", b"VALUE quiet-0 0 5\r\nhello\r\nEND\r\n"),
        (rb"quit\r\n", b""),
    ],
    "mllp": [
        (
            rb"\x0bMSH\|\^~\\&\|LOAD\|WARD0\|LAB\|HOLDFAST\|\d{14}\|\|ADT\^A01\|0-1\|P\|2\.5\r"
            rb"EVN\|A01\|\d{14}\rPID\|1\|\|00000000\|\|DOE\^JANE\|\|19700101\|F\rPV1\|1\|I\|WARD0\r\x1c\r",
            b"\x0bMSH|^~\\&|LAB|HOLDFAST|LOAD|WARD0|20260101||ACK|1|P|2.5\rMSA|AA|0-1\r\x1c\r",
        ),
    ],
    "modbus": [
        (rb"\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x0a", b"\0\1\0\0\0\x17\1\3\x14" + bytes(20)),
        (rb"\x00\x02\x00\x00\x00\x06\x01\x06\x00\x03\x00\x02", b"\0\2\0\0\0\6\1\6\0\3\0\2"),
    ],
    "mqtt": [
        (rb"\x10\x16\x00\x04MQTT\x04\x02\x00\x3c\x00\x0aload-00000", b"\x20\2\0\0"),
        (rb"\x82\x10\x00\x02\x00\x0binbox/00000\x00", b"\x90\3\0\2\0"),
        (rb"\x32\x18\x00\x0binbox/00000\x00\x03message 3", b"\x40\2\0\3\x30\x16\0\x0binbox/00000message 3"),
        (rb"\xe0\x00", b""),
    ],
    "nats": [
        (b"", b'INFO {"server_id":"a"}\r\n'),
        (rb'CONNECT \{"verbose": false\}\r\n', b""),
        (rb"SUB load\.0 1\r\n", b""),
        (rb"PUB load\.0 9\r\nmessage 3\r\n", b"PING\r\nMSG load.0 1 9\r\nmessage 3\r\n"),
        (rb"PONG\r\n", b""),
    ],
    "pop3": [
        (b"", b"+OK ready\r\n"),
        (rb"USER ann\r\n", b"+OK\r\n"),
        (rb"PASS secret\r\n", b"+OK\r\n"),
        (rb"STAT\r\n", b"+OK 1 512\r\n"),
        (rb"LIST\r\n", _LIST),
        (rb"QUIT\r\n", b"+OK\r\n"),
    ],
    "postgresql": [
        (
            _exact(b"\0\0\0\x29\0\3\0\0user\0holdfast\0database\0postgres\0\0"),
            b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\1\0\0\0\2Z\0\0\0\5I",
        ),
        (_exact(b"Q\0\0\0\x14select 0, now()\0"), b"D\0\0\0\5aC\0\0\0\x0dSELECT 1\0Z\0\0\0\5I"),
        (rb"X\x00\x00\x00\x04", b""),
    ],
    "redis": [
        (rb"CLIENT SETNAME load-0\r\n", b"+OK\r\n"),
        (rb"SET k0 [A-Za-z0-9]{16}\r\n", b"+OK\r\n"),
        (rb"GET k0\r\n", b"$16\r\n0123456789\r\n4567\r\n"),
        (rb"QUIT\r\n", b"+OK\r\n"),
    ],
    "smtp": [
        (b"", b"220-hello\r\n220 ready\r\n"),
        (rb"EHLO load\.example\.test\r\n", b"250-mail.example.test\r\n250-SIZE\r\n250 HELP\r\n"),
        (rb"MAIL FROM:<user-0@example\.test>\r\n", b"250 ok\r\n"),
        (rb"RCPT TO:<inbox@example\.test>\r\n", b"250 ok\r\n"),
        (rb"DATA\r\n", b"354 go on\r\n"),
        (
            rb"Subject: mail 5 of user 0\r\nMessage-ID: <[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}@example\.test>\r\n"
            rb"\r\nhello\r\n\.\r\n",
            b"250 taken\r\n",
        ),
        (rb"QUIT\r\n", b"221 bye\r\n"),
    ],
    "stomp": [
        (
            rb"CONNECT\naccept-version:1\.2\nhost:/\nlogin:guest\npasscode:guest\nheart-beat:0,0\n\n\x00",
            b"CONNECTED\nversion:1.2\n\n\0\n",
        ),
        (
            rb"SUBSCRIBE\nid:0\ndestination:/queue/load-0\nack:auto\nreceipt:2\n\n\x00",
            b"RECEIPT\nreceipt-id:2\n\n\0\n",
        ),
        (
            rb"SEND\ndestination:/queue/load-0\nreceipt:3\n\nmessage 3\x00",
            b"MESSAGE\nsubscription:0\nmessage-id:1\n\nmessage 3\0\nRECEIPT\nreceipt-id:3\n\n\0\n",
        ),
        (rb"DISCONNECT\nreceipt:4\n\n\x00", b"RECEIPT\nreceipt-id:4\n\n\0\n"),
    ],
    "syslog": [
        (rb"54 <13>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ host-0 load \d - - message 1", b""),
        (rb"58 <11>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ host-0 load \d error - disk full", b""),
    ],
    "xmpp": [
        (
            rb"<\?xml version='1\.0'\?><stream:stream to='example\.test' version='1\.0' xml:lang='en' "
            rb"xmlns='jabber:client' xmlns:stream='http://etherx\.jabber\.org/streams'>",
            b"<?xml version='1.0'?>" + _FEATURES,
        ),
        (rb"</stream:stream>", b"</stream:stream>"),
    ],
}
