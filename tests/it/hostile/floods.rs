//! Very many of everything at once, beside someone who wants to be served. The service is a process of its own, so that
//! its memory can be looked at.

use std::time::Duration;

use bytes::Bytes;
use customer_profile::{
    cli::client,
    proto::v1::{
        WatchProfilesRequest, interaction_service_client::InteractionServiceClient,
        profile_service_client::ProfileServiceClient, watch_profiles_response::Event,
    },
};
use futures_util::{StreamExt as _, stream};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};
use tonic::Code;

use crate::harness::{
    calls::{getting, recording},
    cluster::scratch,
    make,
    process::Process,
    raw,
    refused::refused,
    say,
};

const RECORD: &str = "/customer_profile.v1.InteractionService/RecordInteractions";
const STREAM: &str = "/customer_profile.v1.InteractionService/StreamInteractions";
const WHO: &str = "email=a@example.com";

/// Bytes that a half-sent message announces.
const ANNOUNCED: u32 = 4 * 1_024 * 1_024;

/// MiB that a flood may add to the service: 128 for requests, 64 for the queue, the batches that are being written with the
/// buffers of their connections, and what the allocator keeps. Unbounded, each of the floods would add gigabytes.
const GROWTH: u64 = 512;

/// A service with one customer.
async fn service(name: &str) -> Process {
    let data_dir = scratch().join(name);
    std::fs::create_dir_all(&data_dir).unwrap();
    let process = tokio::task::spawn_blocking(move || Process::serve(&data_dir))
        .await
        .unwrap();
    let mut client = InteractionServiceClient::new(client::channel(&process.url).unwrap());
    let request = recording(vec![make::seen("1", 0, &[WHO])]);
    client.record_interactions(request).await.unwrap();
    process
}

/// Someone who looks up a customer over a connection of their own, and is served.
async fn is_served(process: &Process) {
    let mut client = ProfileServiceClient::new(client::channel(&process.url).unwrap());
    let answer = tokio::time::timeout(Duration::from_secs(30), client.get_profile(getting(WHO)));
    let profile = answer
        .await
        .expect("served in time")
        .unwrap()
        .into_inner()
        .profile;
    assert!(profile.unwrap().known);
}

/// Resident memory in MiB.
fn memory(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1_024
}

fn report(what: &str, before: u64, after: u64) {
    say(format_args!(
        "hostile: {what}: {before} MiB before, {after} MiB after"
    ));
    assert!(
        after < before + GROWTH,
        "{what}: {before} MiB, then {after} MiB"
    );
}

/// The path of a service's socket.
fn socket(process: &Process) -> String {
    process.url.strip_prefix("unix:").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_streams_that_send_nothing_keep_nobody_from_being_served() {
    let process = service("silent-streams").await;
    let before = memory(&process);
    let mut open = Vec::new();
    for _ in 0..20 {
        let channel = client::channel(&process.url).unwrap();
        for _ in 0..150 {
            let channel = channel.clone();
            let call = raw::stream(channel, STREAM, stream::pending());
            open.push(tokio::spawn(call));
        }
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    is_served(&process).await;
    report("3,000 silent streams", before, memory(&process));
    for call in open {
        call.abort();
    }
    is_served(&process).await;
    process.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn half_sent_messages_are_bounded_together() {
    let process = service("half-sent").await;
    let before = memory(&process);
    // Each announces 4 MiB, sends all but the last bytes, and falls silent. Two gigabytes, were they all kept.
    let half = Bytes::from(vec![0x7a; 4 * 1_024 * 1_024 - 64]);
    let mut open = Vec::new();
    for _ in 0..16 {
        let channel = client::channel(&process.url).unwrap();
        for _ in 0..32 {
            let call = raw::half_sent(channel.clone(), RECORD, ANNOUNCED, half.clone());
            open.push(tokio::spawn(call));
        }
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    report("512 half-sent messages of 4 MiB", before, memory(&process));
    let refused = open.iter().filter(|call| call.is_finished()).count();
    assert!(refused > 400, "{refused} were refused");
    for call in open {
        call.abort();
    }
    is_served(&process).await;
    report("when they are gone", before, memory(&process));
    process.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_do_not_read_hold_back_themselves_alone() {
    let process = service("slow-readers").await;
    let before = memory(&process);
    let mut open = Vec::new();
    for reader in 0..64 {
        let url = process.url.clone();
        open.push(tokio::spawn(async move {
            let channel = client::channel(&url).unwrap();
            let mut client = InteractionServiceClient::new(channel);
            let requests = stream::iter(1_i64..).map(move |sequence| {
                let text = "x".repeat(30_000);
                let interactions = (0..100).map(|n| {
                    let mut one = make::seen(&format!("{reader}/{sequence}/{n}"), 0, &[WHO]);
                    one.text = Some(text.clone());
                    one
                });
                customer_profile::proto::v1::StreamInteractionsRequest {
                    sequence,
                    interactions: interactions.collect(),
                    run_id: None,
                }
            });
            let answers = client
                .stream_interactions(requests)
                .await
                .unwrap()
                .into_inner();
            // Never reads.
            tokio::time::sleep(Duration::from_mins(1)).await;
            drop(answers);
        }));
    }
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        is_served(&process).await;
    }
    report(
        "64 streams whose answers nobody reads",
        before,
        memory(&process),
    );
    for call in open {
        call.abort();
    }
    is_served(&process).await;
    process.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_that_do_not_read_are_waited_for() {
    let process = service("silent-watchers").await;
    let mut client = InteractionServiceClient::new(client::channel(&process.url).unwrap());
    // 4,000 customers of about 8 KiB: what 64 watchers are told is two gigabytes, were it all kept.
    for batch in 0..20 {
        let interactions = (0..200).map(|n| {
            let who = format!("customer_id=C-{batch}-{n}");
            let fact = |name| (name, make::text(&"x".repeat(2_000)));
            let facts = ["one", "two", "three", "four"].map(fact);
            make::stating(&who, 0, &who, &facts)
        });
        let request = recording(interactions.collect());
        client.record_interactions(request).await.unwrap();
    }
    let before = memory(&process);
    let mut open = Vec::new();
    for _ in 0..64 {
        let mut client = ProfileServiceClient::new(client::channel(&process.url).unwrap());
        let request = WatchProfilesRequest {
            snapshot: true,
            with_profile: true,
            ..WatchProfilesRequest::default()
        };
        let mut stream = client.watch_profiles(request).await.unwrap().into_inner();
        stream.message().await.unwrap().unwrap();
        open.push(stream);
    }
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        is_served(&process).await;
    }
    let after = memory(&process);
    report("64 watchers that do not read", before, after);
    // The cache of profiles, and a message or two of each.
    assert!(after < before + 256, "{before} MiB, then {after} MiB");
    // Who begins to read is told everything.
    let mut late = open.pop().unwrap();
    let mut told = 0;
    while let Some(message) = late.message().await.unwrap() {
        match message.event.unwrap() {
            Event::Change(_) => told += 1,
            Event::Progress(progress) if progress.snapshot_complete => break,
            Event::Progress(_) => (),
        }
    }
    assert_eq!(told, 4_001);
    drop(open);
    is_served(&process).await;
    process.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_opened_and_reset_cost_their_sender_the_connection() {
    let process = service("rapid-reset").await;
    let before = memory(&process);
    let mut stream = UnixStream::connect(socket(&process)).await.unwrap();
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    stream
        .write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0])
        .await
        .unwrap();
    // HEADERS of a POST to /, then RST_STREAM, again and again.
    let head: &[u8] = &[0x83, 0x86, 0x84, 0x41, 0x01, b'x'];
    let mut sent = 0;
    for n in 0..100_000_u32 {
        let id = (2 * n + 1).to_be_bytes();
        let mut frames = vec![0, 0, 6, 1, 0x04];
        frames.extend(id);
        frames.extend(head);
        frames.extend([0, 0, 4, 3, 0]);
        frames.extend(id);
        frames.extend([0, 0, 0, 8]);
        if stream.write_all(&frames).await.is_err() {
            break;
        }
        sent = n + 1;
    }
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
    say(format_args!(
        "hostile: {sent} streams reset before the connection ended: {}",
        ended.is_ok()
    ));
    assert!(sent < 100_000 || ended.is_ok(), "the connection lives on");
    is_served(&process).await;
    report("streams that are reset", before, memory(&process));
    process.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_connections_that_say_nothing_or_nonsense_harm_nobody() {
    let process = service("connections").await;
    let before = memory(&process);
    let mut open = Vec::new();
    for n in 0..900 {
        let mut stream = UnixStream::connect(socket(&process)).await.unwrap();
        let nonsense: &[u8] = match n % 4 {
            0 => b"",
            1 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            2 => b"GET / HTTP/1.1\r\nx: ",
            _ => &[0xff; 200],
        };
        // Who is refused at once cannot send all of it.
        let _ = stream.write_all(nonsense).await;
        open.push(stream);
    }
    is_served(&process).await;
    report("900 connections", before, memory(&process));
    drop(open);
    is_served(&process).await;
    process.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_beyond_all_measure_are_refused() {
    let process = service("metadata").await;
    let channel = client::channel(&process.url).unwrap();
    let mut request = tonic::Request::new(getting(WHO));
    let value = "x".repeat(60_000);
    request
        .metadata_mut()
        .insert("x-caller", value.parse().unwrap());
    let status = ProfileServiceClient::new(channel.clone())
        .get_profile(request)
        .await
        .unwrap_err();
    let known = [
        Code::Unauthenticated,
        Code::Internal,
        Code::Unavailable,
        Code::ResourceExhausted,
        Code::Unknown,
    ];
    assert!(known.contains(&status.code()), "{status:?}");
    let mut request = tonic::Request::new(getting(WHO));
    let long = "x".repeat(200);
    request
        .metadata_mut()
        .insert("x-caller", long.parse().unwrap());
    let status = ProfileServiceClient::new(channel)
        .get_profile(request)
        .await
        .unwrap_err();
    refused(&status, Code::Unauthenticated, "caller_invalid");
    is_served(&process).await;
    process.kill();
}
