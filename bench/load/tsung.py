"""Tsung as a peer: its configuration (XML) and its installation (Debian's package)."""

import math
import os
import shutil
import subprocess
from xml.sax.saxutils import quoteattr

from lab.progress import say, step

LINE = "hello from the bench\n"
_DTD = "/usr/share/tsung/tsung-1.0.dtd"
_INSTALL = ["apt-get", "install", "--yes", "--no-install-recommends", "tsung"]


def unavailable() -> str:
    """Install it if that is possible (root, on a Debian); return the reason why it is not there, or ""."""
    if shutil.which("tsung"):
        return ""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return "tsung is not installed (Debian: apt-get install tsung)"
    with step("Installing tsung from Debian"):
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(_INSTALL, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        say(done.stderr.strip()[-400:])
        return f"{' '.join(_INSTALL)} ended with {done.returncode}"
    return ""


def configuration(port: int, connections: int, rate: float, every: float, seconds: int) -> str:
    """Return tsung.xml: `connections` opened at `rate` a second, each with a line and its echo every `every` seconds.

    Any data count as the reply (ack="local"). Its sessions arrive as a Poisson process. It binds a source port before
    it connects, and a port with a recently closed connection is not free: so each run has an address of its own.
    """
    address = f"127.1.{port >> 8}.{port & 255}"
    think = f'<thinktime value="{every:g}" random="false"/>' if every else ""
    ramp = math.ceil(connections / rate) + 5  # Poisson arrivals: the last may be late; maxnumber limits their number
    return f"""<?xml version="1.0"?>
<!DOCTYPE tsung SYSTEM "{_DTD}">
<tsung loglevel="emergency">
  <clients>
    <client host="localhost" use_controller_vm="true" maxusers="60000"><ip value="{address}"/></client>
  </clients>
  <servers><server host="127.0.0.1" port="{port}" type="tcp"/></servers>
  <load duration="{seconds + 60}" unit="second">
    <arrivalphase phase="1" duration="{ramp}" unit="second">
      <users maxnumber="{connections}" arrivalrate="{rate:g}" unit="second"/>
    </arrivalphase>
  </load>
  <sessions>
    <session name="hold" probability="100" type="ts_raw">
      <for var="n" from="1" to="1000000000">
        <request><raw data={quoteattr(LINE)} ack="local"/></request>
        {think}
      </for>
    </session>
  </sessions>
</tsung>
"""
