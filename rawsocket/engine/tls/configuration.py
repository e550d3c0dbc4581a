"""`Tls`: how the connections of a user class use TLS. Pure; files are read in context.py."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

MINIMUMS = ("1.2", "1.3")


@dataclass(frozen=True, slots=True)
class Tls:
    """How to use TLS; whether a connection uses it is said by the target (`tls://...`) or by the step StartTls.

    - `ca`: a PEM file with the certificates to trust; None: TLS_CA, or if that is unset, those of the system.
    - `name`: the server's name, sent as SNI and looked for in its certificate; None: TLS_NAME, or the target's host.
    - `cert`, `key`: PEM files of the client's certificate and its key; None: TLS_CERT and TLS_KEY. `{number}` stands
      for the user's number, so that each user has a certificate of its own. Without `key`, the key is in `cert`.
    - `verify`: whether the server's certificate is checked; None: TLS_VERIFY.
    - `alpn`: names of protocols to offer, the preferred one first.
    - `resume`: whether a connect resumes the TLS session of an earlier connection; else each handshake is a full one.
    - `minimum`: the lowest TLS version, "1.2" or "1.3".

    A combination that can't be used raises ValueError.
    """

    ca: str | None = None
    name: str | None = None
    cert: str | None = None
    key: str | None = None
    verify: bool | None = None
    alpn: Sequence[str] = ()
    resume: bool = False
    minimum: str = "1.2"

    def __post_init__(self) -> None:
        if self.minimum not in MINIMUMS:
            raise ValueError(f"Tls(minimum={self.minimum!r}): expected one of {', '.join(MINIMUMS)}")
        if self.key and not self.cert:
            raise ValueError(f"Tls(key={self.key!r}): a key needs its certificate: give cert as well")
        if isinstance(self.alpn, str) or not all(isinstance(one, str) and 0 < len(one) < 256 for one in self.alpn):
            raise ValueError(f"Tls(alpn={self.alpn!r}): expected names in a tuple, such as ('mqtt',)")
        if self.name is not None and (not self.name or self.name.startswith(".") or len(self.name) > 253):
            raise ValueError(f"Tls(name={self.name!r}): expected a host name, such as server.example")
        object.__setattr__(self, "alpn", tuple(self.alpn))

    def with_defaults(
        self, *, ca: str | None, name: str | None, cert: str | None, key: str | None, verify: bool
    ) -> "Tls":
        """Return a copy in which the settings TLS_... fill in what is None. A key goes with its certificate."""
        if self.cert is not None:
            cert, key = self.cert, self.key
        elif key and not cert:
            raise ValueError(f"TLS_KEY={key}: a key needs its certificate: set TLS_CERT as well")
        return replace(
            self,
            ca=ca if self.ca is None else self.ca,
            name=name if self.name is None else self.name,
            cert=cert,
            key=key,
            verify=verify if self.verify is None else self.verify,
        )

    def for_user(self, number: int) -> "Tls":
        """Return a copy with the files of the user with this number."""
        if not self.is_per_user:
            return self
        cert, key = (path and path.replace("{number}", str(number)) for path in (self.cert, self.key))
        return replace(self, cert=cert, key=key)

    @property
    def is_per_user(self) -> bool:
        """Whether each user has a certificate of its own."""
        return "{number}" in f"{self.cert}{self.key}"
