"""Keeps a copy of which profiles there are: a snapshot first, then every change, going on where it was after a break.

    pip install -r examples/python/requirements.txt
    python examples/python/watch.py --state profiles.json              # until it is interrupted
    python examples/python/watch.py --state profiles.json --until-now  # until everything so far is told

The copy and the token that it is of are written together, so whatever ends the program, the next start loses nothing.
"""

import argparse
import json
import pathlib
import sys
import time

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "proto"))
messages, calls = grpc.protos_and_services("customer_profile/v1/profile_service.proto")
watches = grpc.protos("customer_profile/v1/watch.proto")

GONE = {watches.PROFILE_CHANGE_KIND_MERGED_AWAY, watches.PROFILE_CHANGE_KIND_EMPTIED}


def load(path):
    return json.loads(path.read_text()) if path.exists() else dict(token="", profiles={}, gone={})


def save(path, copy):
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(copy))
    draft.replace(path)


def take(copy, change):
    """A change that is not newer than what is known was told before."""
    known = max(copy["profiles"].get(change.profile_id, 0), copy["gone"].get(change.profile_id, 0))
    if change.version > known:
        gone = change.kind in GONE
        copy["profiles" if gone else "gone"].pop(change.profile_id, None)
        copy["gone" if gone else "profiles"][change.profile_id] = change.version


def follow(profiles, options, copy):
    request = watches.WatchProfilesRequest(
        resume_token=copy["token"], snapshot=True, until_now=options.until_now
    )
    for message in profiles.WatchProfiles(request):
        if message.HasField("change"):
            take(copy, message.change)
        copy["token"] = message.resume_token
        if message.HasField("progress"):
            save(options.state, copy)  # everything up to here; what is told again afterwards is passed over
    save(options.state, copy)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", default="127.0.0.1:7401")
    parser.add_argument("--state", type=pathlib.Path, default=pathlib.Path("profiles.json"))
    parser.add_argument("--until-now", action="store_true")
    options = parser.parse_args()
    copy = load(options.state)
    with grpc.insecure_channel(options.target) as channel:
        profiles = calls.ProfileServiceStub(channel)
        while True:
            try:
                follow(profiles, options, copy)
                break
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.OUT_OF_RANGE:  # the token is older than what is kept
                    copy = dict(token="", profiles={}, gone={})
                elif error.code() != grpc.StatusCode.UNAVAILABLE or options.until_now:
                    sys.exit(f"{error.code().name}: {error.details()}")
                time.sleep(1)
    print("profiles", len(copy["profiles"]))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
