#!/usr/bin/env python3
"""Trades of one instrument, live, as lines of text: an example of a client in plain Python.

    python3 client/trades.py http://127.0.0.1:8080 nse-fo 35001

Begins with all trades that the service keeps, goes on live, and, when the connection breaks off, goes
on behind the last trade it has. A token is taken from EDGEBOOK_TOKEN. With a number behind the
instrument it ends after so many trades.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


def messages(url, query, token):
    """The service's messages, one by one, until the connection ends."""
    headers = {"Accept": "application/x-ndjson"}
    if token:
        headers["Authorization"] = "Bearer " + token
    asked = urllib.request.Request(url + "/v1/live?" + urllib.parse.urlencode(query), headers=headers)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        for line in answer:
            yield json.loads(line)


def trades(url, feed, instrument, token=None):
    """Every trade once, in its order; comes back by itself."""
    query = {"feed": feed, "token": instrument, "schema": "trades", "start": "0"}
    while True:
        try:
            for message in messages(url, query, token):
                if message["type"] == "trades":
                    if message["missed"]:
                        print(message["missed"], "trades were missed", file=sys.stderr)
                    yield from message["rows"]
                    query = {**query, "cursor": message["cursor"]}
                elif message["type"] == "gap":
                    print("gap {from}..{to}: {state}".format(**message), file=sys.stderr)
                elif message["type"] == "error":
                    raise SystemExit(message["message"] + ". " + message["hint"])
        except urllib.error.HTTPError as refusal:
            raise SystemExit(json.load(refusal)["message"]) from refusal
        except OSError:
            pass
        time.sleep(1)


def main():
    url, feed, instrument, *most = sys.argv[1:]
    limit = int(most[0]) if most else None
    for number, trade in enumerate(trades(url, feed, instrument, os.environ.get("EDGEBOOK_TOKEN")), 1):
        print(trade["ts_event"], trade["price"], trade["size"], trade["side"], flush=True)
        if number == limit:
            break


if __name__ == "__main__":
    main()
