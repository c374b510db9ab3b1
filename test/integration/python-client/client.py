"""A fanlog client written from services/protocol/README.md alone, to show that the page suffices.

Signs in (or registers), sends messages, cuts its connection in the middle, connects again, pulls, sends what is undecided
again with the same ids, and prints one JSON object: what was sent, what was sequenced, what the inbox brought.
"""
import argparse
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request

from websocket import Closed, WebSocket

SUBPROTOCOL = "fanlog.v1.json"
UNDECIDED_S = 5
WINDOW = 20
DEADLINE_S = 60


class Http:
    def __init__(self, base_url):
        self.base_url = base_url

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"content-type": "application/json"}
        request = urllib.request.Request(self.base_url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=15) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def token(self, user, password):
        for path in ("/v1/accounts", "/v1/sessions"):
            reply = self.call("POST", path, {"user": user, "password": password})
            if reply["code"] == "ok":
                return reply["data"]["token"]
            if reply["code"] != "user_exists":
                sys.exit(f"cannot sign in: {reply['code']} {reply['message']}")
        raise AssertionError("unreachable")


class Message:
    """One entry of the outbox."""

    def __init__(self, payload):
        self.payload = payload
        self.id = None
        self.attempts = 0
        self.accepted_at = None
        self.seq = None
        self.rejected = None

    @property
    def settled(self):
        return self.seq is not None or self.rejected is not None


class Client:
    def __init__(self, http, user, password, conversation):
        self.http, self.user, self.password, self.conversation = http, user, password, conversation
        self.socket = None
        self.epoch, self.inbox_seq, self.evidence = None, 0, 0
        self.entries = []
        self.messages = []
        self.connections = self.pulls = self.ignored = 0

    # --- the connection (steps 2 to 5)

    def connect(self):
        token = self.http.token(self.user, self.password)
        edges = self.http.call("GET", "/v1/edges")["data"]["edges"]
        self.socket = WebSocket(random.choice(edges), SUBPROTOCOL)
        self.connections += 1
        self.request_id = 0
        self.next_number = 1
        self.on_wire = {}  # request id -> (number, message)
        self.to_send = []  # messages, in order
        self.pull_id, self.pull_again, self.pull_at = None, False, None
        self.pull_done = False
        self.paused_until = 0
        hello = {"type": "hello", "token": token, "device": "python", "platform": "python"}
        if self.epoch is not None:
            hello["cursor"] = {"epoch": self.epoch, "inboxSeq": self.inbox_seq}
        self.frames, self.frames_at, self.frames_per_second = 10.0, time.monotonic(), 10
        self.request(hello)
        while True:
            welcome = json.loads(self.socket.receive(10) or sys.exit("no welcome"))
            if welcome["type"] == "error":
                sys.exit(f"hello was refused: {welcome['code']}")
            if welcome["type"] == "welcome":
                break
        self.learn_time(welcome["serverTime"])
        self.frames_per_second = welcome["limits"]["frames_per_second"]
        self.page_max = welcome["limits"]["page_entries_max"]
        self.heartbeat_s = welcome["heartbeat_ms"] / 1000
        self.heartbeat_at = time.monotonic() + random.random() * self.heartbeat_s
        self.adopt_epoch(welcome["epoch"])
        self.evidence = max(self.evidence, welcome["head"])
        self.pull()
        self.run(lambda: self.pull_done)
        # What the pull brought back is settled; the rest goes out, numbered from 1 again.
        for message in self.messages:
            message.accepted_at = None
        self.to_send = [message for message in self.messages if not message.settled]

    def adopt_epoch(self, epoch):
        if self.epoch != epoch:
            self.epoch, self.inbox_seq, self.evidence, self.entries = epoch, 0, 0, []

    def learn_time(self, server_time):
        self.offset_ms = server_time - time.time() * 1000

    def request(self, frame):
        self.request_id += 1
        self.socket.send(json.dumps({"id": self.request_id, **frame}))
        self.frames -= 1
        return self.request_id

    def may_send(self):
        now = time.monotonic()
        self.frames = min(self.frames_per_second, self.frames + (now - self.frames_at) * self.frames_per_second * 0.9)
        self.frames_at = now
        return self.frames >= 1

    # --- the inbox

    def pull(self):
        if self.pull_id is not None:
            self.pull_again = True
            return
        self.pulls += 1
        self.pull_done, self.pull_again, self.pull_at = False, False, None
        cursor = {"epoch": self.epoch, "inboxSeq": self.inbox_seq}
        self.pull_id = self.request({"type": "sync", "cursor": cursor, "limit": self.page_max})

    def on_entries(self, frame):
        self.pull_id = None
        if frame["epoch"] != self.epoch:
            self.adopt_epoch(frame["epoch"])
            self.pull()
            return
        for entry in frame["entries"]:
            if entry["inboxSeq"] == self.inbox_seq + 1:
                self.apply(entry)
        if frame["status"] == "more" or (frame["status"] == "end" and self.pull_again):
            self.pull()
        elif frame["status"] == "wait" or self.evidence > self.inbox_seq:
            self.pull_at = time.monotonic() + 0.1 * random.random()
        else:
            self.pull_done = True

    def on_push(self, frame):
        self.evidence = max(self.evidence, frame["inboxSeq"])
        if frame["inboxSeq"] <= self.inbox_seq:
            self.ignored += 1
        elif frame["inboxSeq"] == self.inbox_seq + 1:
            self.apply(frame)
        elif self.pull_id is None:
            self.pull()

    def apply(self, entry):
        self.inbox_seq = entry["inboxSeq"]
        event = entry["event"]
        self.entries.append({"inboxSeq": entry["inboxSeq"], "seq": event["seq"], "payload": event.get("payload")})
        if event["sender"] == self.user:
            self.settle(event["clientMessageId"], seq=event["seq"])

    # --- the outbox

    def make_id(self):
        now_ms = int(time.time() * 1000 + self.offset_ms)
        data = bytearray(now_ms.to_bytes(6, "big") + os.urandom(10))
        data[6] = 0x70 | (data[6] & 0x0F)
        data[8] = 0x80 | (data[8] & 0x3F)
        text = data.hex()
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def queue(self, payload):
        message = Message(payload)
        self.messages.append(message)
        self.to_send.append(message)

    def send_next(self):
        while self.to_send and len(self.on_wire) < WINDOW and time.monotonic() >= self.paused_until:
            if self.to_send[0].settled:
                self.to_send.pop(0)
                continue
            if not self.may_send():
                return
            message = self.to_send.pop(0)
            if message.id is None:
                message.id = self.make_id()
            message.attempts += 1
            message.accepted_at = None
            send = {"type": "send", "number": self.next_number, "conversationId": self.conversation}
            request_id = self.request({**send, "clientMessageId": message.id, "payload": message.payload})
            self.on_wire[request_id] = (self.next_number, message)
            self.next_number += 1

    def go_back_to(self, number):
        """A retryable refusal: all that was sent from that number on goes out again, before the rest, in order."""
        again = {message for sent, message in self.on_wire.values() if sent >= number}
        self.on_wire = {key: value for key, value in self.on_wire.items() if value[0] < number}
        again.update(self.to_send)
        self.to_send = [message for message in self.messages if message in again and not message.settled]
        self.next_number = number

    def resend_undecided(self):
        """From the first message that waits too long: it and everything undecided behind it, in order."""
        first = next(i for i, message in enumerate(self.messages) if self.is_late(message))
        self.to_send = [message for message in self.messages[first:] if not message.settled]

    def is_late(self, message):
        at = message.accepted_at
        return not message.settled and at is not None and time.monotonic() - at > UNDECIDED_S

    def settle(self, client_message_id, seq=None, rejected=None):
        for message in self.messages:
            if message.id == client_message_id and message.seq is None:
                message.seq, message.rejected = seq, rejected

    def on_error(self, frame):
        if frame["id"] == self.pull_id and self.pull_id is not None:
            self.pull_id = None
            if "epoch" in frame:
                self.adopt_epoch(frame["epoch"])
            self.pull_at = time.monotonic() + 0.2
        elif frame["id"] in self.on_wire:
            number, message = self.on_wire[frame["id"]]
            if frame["retry"]:
                self.go_back_to(frame.get("number", number))
                if frame["code"] != "out_of_turn":
                    self.paused_until = time.monotonic() + 0.2
            else:
                del self.on_wire[frame["id"]]
                message.rejected = frame["code"]

    # --- the loop

    def on_frame(self, frame):
        kind = frame["type"]
        if kind == "push":
            self.on_push(frame)
        elif kind == "entries" and frame["id"] == self.pull_id:
            self.on_entries(frame)
        elif kind == "accepted":
            _, message = self.on_wire.pop(frame["id"], (0, None))
            if message is not None:
                message.accepted_at = time.monotonic()
        elif kind == "outcome":
            self.settle(frame["clientMessageId"], frame.get("seq"), frame.get("code"))
        elif kind == "behind":
            self.pull()
        elif kind == "heartbeat":
            self.learn_time(frame["serverTime"])
            self.evidence = max(self.evidence, frame["head"])
            if frame["head"] > self.inbox_seq and self.pull_id is None:
                self.pull()
        elif kind == "error":
            self.on_error(frame)

    def cut(self):
        """In the middle of a send: the edge gets half of its frame."""
        message = self.to_send[0]
        message.id = message.id or self.make_id()
        message.attempts += 1
        frame = {"id": self.request_id + 1, "type": "send", "number": self.next_number}
        more = {"conversationId": self.conversation, "clientMessageId": message.id, "payload": message.payload}
        self.socket.cut(unfinished=json.dumps({**frame, **more}))

    def run(self, is_done):
        deadline = time.monotonic() + DEADLINE_S
        pulled_for_late = False
        while not is_done():
            now = time.monotonic()
            if now > deadline:
                sys.exit(f"not done within {DEADLINE_S} s: {json.dumps(self.report())}")
            if now >= self.heartbeat_at:
                self.heartbeat_at = now + self.heartbeat_s
                self.request({"type": "heartbeat"})
            if self.pull_at is not None and now >= self.pull_at:
                self.pull()
            if self.pull_done:
                is_late = any(self.is_late(message) for message in self.messages)
                if is_late and pulled_for_late:
                    self.resend_undecided()
                elif is_late:
                    self.pull()
                pulled_for_late = is_late and not pulled_for_late
                self.send_next()
            text = self.socket.receive(0.05)
            if text is not None:
                self.on_frame(json.loads(text))

    def report(self):
        return {
            "user": self.user,
            "sent": [{"payload": m.payload, "attempts": m.attempts, "id": m.id} for m in self.messages],
            "sequenced": [{"payload": m.payload, "seq": m.seq} for m in self.messages if m.seq is not None],
            "rejected": [{"payload": m.payload, "code": m.rejected} for m in self.messages if m.rejected is not None],
            "entries": self.entries,
            "connections": self.connections,
            "pulls": self.pulls,
            "ignored": self.ignored,
        }


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", required=True, help="of the HTTP api")
    arguments.add_argument("--user", required=True)
    arguments.add_argument("--password", required=True)
    arguments.add_argument("--conversation", required=True)
    arguments.add_argument("--messages", type=int, default=0)
    arguments.add_argument("--cut-after", type=int, default=None, help="cut the connection with this many on the wire")
    arguments.add_argument("--entries", type=int, default=0, help="wait until the inbox has this many")
    options = arguments.parse_args()

    client = Client(Http(options.url), options.user, options.password, options.conversation)
    client.connect()
    for i in range(options.messages):
        client.queue(f"{options.user} {i}")
    if options.cut_after is not None:
        sent = lambda: sum(message.attempts for message in client.messages)
        # In the middle: some are decided, and some have not even an answer.
        client.run(lambda: sent() >= options.cut_after and len(client.on_wire) > 0 and len(client.to_send) > 0)
        client.cut()
        time.sleep(random.random() * 0.25)
        client.connect()
    for _ in range(5):
        try:
            client.run(lambda: all(m.settled for m in client.messages) and len(client.entries) >= options.entries)
            break
        except Closed as closed:
            if 4500 <= closed.code <= 4999:
                sys.exit(str(closed))
            time.sleep(random.random())
            client.connect()
    client.socket.cut()
    print(json.dumps(client.report()))


if __name__ == "__main__":
    main()
