"""A TaskController in plain Python: one task out at a time. Run: python3 controller.py [port]"""
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_OUT = 1


def decide(request):
    # Out now or about to be: unhealthy, under way, or acked before. No memory is needed.
    out = set(request["allUnhealthyTasks"]) | {op["index"] for op in request["inFlight"]}
    ack, reasons = [], {}
    for op in request["request"]:
        if len(out | {op["index"]}) <= MAX_OUT:
            ack.append(op["opId"])
            out.add(op["index"])
        else:
            reasons[op["opId"]] = f"{MAX_OUT} at a time"
    return {"ack": ack, "acknowledgedSequence": request["sequenceNumber"], "reasons": reasons}


class Controller(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 16 << 20))
        try:
            status, answer = 200, decide(json.loads(body))
        except (ValueError, KeyError, TypeError, IndexError):
            status, answer = 400, {"error": "not a TaskControl request"}
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9000), Controller)
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
