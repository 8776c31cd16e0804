"""Records what a shop and its support desk saw of one customer, and reads it back as one profile.

    pip install -r examples/python/requirements.txt
    python examples/python/client.py                       # a service on 127.0.0.1:7401
    python examples/python/client.py --target HOST:PORT --ca ca.pem --token-file token

The protocol files are compiled when the program starts, so there is nothing to generate.
"""

import argparse
import pathlib
import sys
import time
import uuid

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "proto"))
messages, calls = grpc.protos_and_services("customer_profile/v1/interaction_service.proto")
profile_messages, profile_calls = grpc.protos_and_services("customer_profile/v1/profile_service.proto")

DEADLINE = 10  # seconds


def connect(options):
    """A channel; with a CA it is encrypted, with a token file it says who is calling."""
    if not options.ca:
        return grpc.insecure_channel(options.target)
    credentials = grpc.ssl_channel_credentials(pathlib.Path(options.ca).read_bytes())
    if options.token_file:
        token = pathlib.Path(options.token_file).read_text().strip()
        credentials = grpc.composite_channel_credentials(credentials, grpc.access_token_call_credentials(token))
    return grpc.secure_channel(options.target, credentials)


def interaction(kind, department, channel, who, **more):
    """Something that happened just now. Its event id makes a retry harmless: sent twice it is recorded once."""
    now = time.time_ns()
    return dict(
        source="python-example",
        event_id=str(uuid.uuid4()),
        occurred_at=dict(seconds=now // 10**9, nanos=now % 10**9),
        type=kind,
        department=department,
        channel=channel,
        identifiers=[dict(namespace=namespace, value=value) for namespace, value in who.items()],
        **more,
    )


def record(service, number):
    """The shop knows the customer by e-mail, support by phone; both know the customer number."""
    order = interaction(
        "order.placed", "sales", "web",
        dict(customer_id=number, email=f"{number}@example.com"),
        subject=dict(kind="SUBJECT_KIND_ORDER", id=f"A-{number}"),
        money=dict(currency="JPY", minor_units=12_800),
    )
    complaint = interaction(
        "ticket.opened", "support", "phone",
        dict(customer_id=number, phone="090-" + number[:4] + "-" + number[4:]),
        subject=dict(kind="SUBJECT_KIND_TICKET", id=f"T-{number}"),
        text="注文した商品がまだ届きません。とても困っています。", language="ja",
    )
    request = messages.RecordInteractionsRequest(interactions=[order, complaint])
    response = service.RecordInteractions(request, timeout=DEADLINE)
    for result in response.results:  # each is answered by itself
        for violation in result.violations:
            sys.exit(f"{violation.field}: {violation.description}")
    print("recorded", len(response.results))
    return response.token


def read(profiles, namespace, value, token):
    """The profile of whoever has this identifier. With the token of a write the answer includes that write."""
    request = profile_messages.GetProfileRequest(
        lookup=dict(identifiers=[dict(namespace=namespace, value=value)]),
        read_options=dict(tokens=[token]),
    )
    return profiles.GetProfile(request, timeout=DEADLINE).profile


def stream(service, number):
    """Sends page views as they come; each request is acknowledged by its sequence number once it is stored."""
    views = (interaction("page.viewed", "web", "web", dict(customer_id=number)) for _ in range(3))
    requests = (
        messages.StreamInteractionsRequest(sequence=sequence, interactions=[view])
        for sequence, view in enumerate(views, start=1)
    )
    for acknowledged in service.StreamInteractions(requests, timeout=DEADLINE):
        print("acknowledged", acknowledged.sequence)
        token = acknowledged.token
    return token


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", default="127.0.0.1:7401")
    parser.add_argument("--ca", help="file with the certificate authority of the service")
    parser.add_argument("--token-file", help="file with the caller's token")
    options = parser.parse_args()
    number = str(10**7 + uuid.uuid4().int % (9 * 10**7))  # no mobile number goes on with a 0
    with connect(options) as channel:
        service, profiles = calls.InteractionServiceStub(channel), profile_calls.ProfileServiceStub(channel)
        token = record(service, number)
        by_email = read(profiles, "email", f"{number}@example.com", token)
        by_phone = read(profiles, "phone", "+8190" + number, token)
        # Not whole profiles: the second may be of a newer version.
        assert by_email.profile_id == by_phone.profile_id, "one customer, one profile"
        print("profile", by_phone.profile_id)
        print("orders", by_phone.orders.count, "open tickets", by_phone.tickets.open)
        token = stream(service, number)
        seen = read(profiles, "customer_id", number, token)
        print("interactions", seen.interactions_total)
        timeline = messages.ListInteractionsRequest(
            lookup=dict(profile_id=seen.profile_id), departments=["support"], read_options=dict(tokens=[token])
        )
        for recorded in service.ListInteractions(timeline, timeout=DEADLINE).interactions:
            print("support heard", recorded.interaction.text)


if __name__ == "__main__":
    try:
        main()
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
