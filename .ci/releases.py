"""A local server in place of GitHub's releases: `python3 .ci/releases.py FOLDER CERTIFICATE`, a file that has the key as well. FOLDER has a folder
for each version. Prints its address; below `html/` every response is a proxy's page, and below `half/` it ends early."""

import functools
import http.server
import os
import ssl
import sys

PAGE = b"<!DOCTYPE html><title>Sign in</title>\n"


class Releases(http.server.SimpleHTTPRequestHandler):
    """Files, and the two ways in which a download goes wrong."""

    def do_GET(self):
        kind, _, rest = self.path.lstrip("/").partition("/")
        if kind not in ("html", "half") or (kind == "half" and not os.path.isfile(self.translate_path(f"/{rest}"))):
            return super().do_GET()
        content = PAGE
        if kind == "half":
            with open(self.translate_path(f"/{rest}"), "rb") as file:
                content = file.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if kind == "half" else content)
        self.close_connection = True

    def log_message(self, format, *args):
        """Quiet."""


def main(folder, certificate):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Releases, directory=folder))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print(f"https://localhost:{server.server_address[1]}", flush=True)
    server.serve_forever()


main(*sys.argv[1:])
