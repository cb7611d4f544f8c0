"""The api service of the shop: what is for sale, as JSON."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import yaml
from dotenv import dotenv_values

SETTINGS = dotenv_values("settings.env")
with open("menu.yaml", encoding="utf-8") as menu:
    MENU = yaml.safe_load(menu)


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        pages = {
            "/healthz": {"status": "ok"},
            "/menu": {"shop": SETTINGS["SHOP_NAME"], "menu": MENU},
        }
        page = pages.get(self.path)
        body = json.dumps(page if page else {"error": "no such page"}).encode()
        self.send_response(200 if page else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    port = int(os.environ["API_PORT"])
    print(f"api listens on 127.0.0.1:{port}")
    ThreadingHTTPServer(("127.0.0.1", port), Shop).serve_forever()
