"""Port 80: the one page that a tablet sees before it trusts the hub, and a way to HTTPS.

Plain HTTP carries nothing but the hub's public certificate, its fingerprint to compare with
the paper, and redirects.
"""

from __future__ import annotations

import html
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>店枢 Dianshu</title>
<h1>店枢 · 连接这台设备</h1>
<ol>
<li><a href="/ca.crt">下载门店证书 / Download the store's certificate</a>
<li>安装时核对指纹 / Compare the fingerprint:<br><code>{fingerprint}</code>
<li><a href="{address}">打开收银 / Open the till</a>
</ol></html>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboarding:
    """What port 80 shows."""

    ca_path: Path
    fingerprint: str
    https_port: int

    def __call__(self, request: Request) -> Response:
        if request.path == "/ca.crt":
            return Response(self.ca_path.read_bytes(), mimetype="application/x-x509-ca-cert")
        host = urlsplit(f"//{request.host}").hostname or "hub.local"
        port = "" if self.https_port == 443 else f":{self.https_port}"
        address = f"https://{host}{port}{request.path}"
        if request.path != "/":
            return Response(status=301, headers={"Location": address})
        page = PAGE.format(fingerprint=self.fingerprint, address=html.escape(address))
        return Response(page, mimetype="text/html")


def serve_onboarding(shown: Onboarding, *, host: str, port: int) -> int:
    """Serve port 80 from a thread of this process; return the port."""
    server = make_server(host, port, Request.application(shown.__call__), threaded=True)
    threading.Thread(target=server.serve_forever, name="onboarding", daemon=True).start()
    return server.server_port
