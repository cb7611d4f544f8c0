"""The db service of the shop: answers each line with its stock."""

import socketserver
import sys

STOCK = {"bread": 12, "cheese": 4, "apples": 80}


class Db(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            stock = STOCK.get(line.decode(errors="replace").strip(), 0)
            self.wfile.write(f"{stock}\n".encode())


socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Db).serve_forever()
