"""Stands for `vllm` in tests: takes its command line, serves its OpenAI routes, and does what MODEL's name asks for."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ARGUMENTS = sys.argv[1:]
MODEL = ARGUMENTS[1]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, {})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        text = body["messages"][-1]["content"]
        if text == "too long":
            self.answer(400, {"error": {"message": "maximum context length", "code": 400}})
        elif text == "out of memory":
            self.answer(500, {"error": {"message": "CUDA out of memory"}})
        elif text == "die":
            os.write(1, b"RuntimeError: the engine died\n")
            os._exit(3)
        else:
            content = json.dumps({"route": self.path, "body": body, "arguments": ARGUMENTS})
            usage = {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9}
            message = {"role": "assistant", "content": content}
            self.answer(200, {"model": body["model"], "choices": [{"message": message}], "usage": usage})

    def answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *ignored):
        pass


def main():
    if MODEL == "no-gpu":
        sys.exit("RuntimeError: Failed to infer device type")
    port = int(ARGUMENTS[ARGUMENTS.index("--port") + 1])
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    if MODEL == "slow":
        server.server_close()
        signal.pause()
    if MODEL.startswith("marked:"):

        def ended(number, frame):
            Path(MODEL.removeprefix("marked:")).write_text("asked to end")
            sys.exit(0)

        signal.signal(signal.SIGTERM, ended)
    server.serve_forever(poll_interval=0.01)


if __name__ == "__main__":
    main()
