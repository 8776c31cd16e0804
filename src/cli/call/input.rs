//! Messages from JSON: any number of them, one after another, read as they come.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::PathBuf,
    thread,
};

use prost::{Message as _, bytes::Bytes};
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::Stream;

/// Messages that are read ahead of what is sent.
const AHEAD: usize = 16;

/// Where JSON comes from.
pub(super) enum Input {
    /// The command line.
    Text(String),
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

/// The messages of an input, and last what is wrong if something is. A thread of its own reads them, which the end of the
/// program does not wait for: standard input may stay open.
pub(super) fn messages(
    input: Input,
    descriptor: MessageDescriptor,
) -> mpsc::Receiver<Result<DynamicMessage, String>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    thread::spawn(move || {
        let emit = |message| sender.blocking_send(message).is_ok();
        match input {
            Input::Text(text) => read(text.as_bytes(), &descriptor, emit),
            Input::Stdin => read(BufReader::new(io::stdin()), &descriptor, emit),
            Input::File(path) => match File::open(&path) {
                Ok(file) => read(BufReader::new(file), &descriptor, emit),
                Err(error) => {
                    emit(Err(format!("{}: {error}", path.display())));
                }
            },
        }
    });
    receiver
}

/// Reads messages until the end, the first mistake, or until nobody wants more.
fn read(
    source: impl Read,
    descriptor: &MessageDescriptor,
    emit: impl Fn(Result<DynamicMessage, String>) -> bool,
) {
    let mut reader = serde_json::Deserializer::from_reader(source);
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    for n in 1_u64.. {
        // Only white space: the end. Something else: the next message.
        match reader.end() {
            Ok(()) => return,
            Err(error) if error.is_syntax() => (),
            Err(error) => {
                emit(Err(format!("reading the input: {error}")));
                return;
            }
        }
        let read =
            DynamicMessage::deserialize_with_options(descriptor.clone(), &mut reader, &options);
        let failed = read.is_err();
        let name = descriptor.name();
        let read = read.map_err(|error| format!("message {n} is no {name}: {error}"));
        if !emit(read) || failed {
            return;
        }
    }
}

/// The messages as bytes to send, and what tells when one of them is wrong. After that the stream stays open, so that
/// what was sent so far does not look complete.
pub(super) fn outbound(
    messages: mpsc::Receiver<Result<DynamicMessage, String>>,
) -> (
    impl Stream<Item = Bytes> + Send + 'static,
    oneshot::Receiver<String>,
) {
    let (sender, receiver) = oneshot::channel();
    let state = (messages, Some(sender));
    let stream = futures_util::stream::unfold(state, async |(mut messages, mut sender)| {
        match messages.recv().await? {
            Ok(message) => Some((Bytes::from(message.encode_to_vec()), (messages, sender))),
            Err(wrong) => {
                if let Some(sender) = sender.take() {
                    // Nobody listens when the call has ended already.
                    let _ = sender.send(wrong);
                }
                std::future::pending().await
            }
        }
    });
    (stream, receiver)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use proptest::prelude::*;
    use prost_reflect::DescriptorPool;

    use super::*;
    use crate::proto::DESCRIPTORS;

    /// What comes of a text as a request: how many messages, and what is wrong.
    fn reading(message: &str, text: &[u8]) -> (usize, Option<String>) {
        let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
        let name = format!("customer_profile.v1.{message}");
        let descriptor = pool.get_message_by_name(&name).unwrap();
        let found = RefCell::new((0, None));
        read(text, &descriptor, |message| {
            match message {
                Ok(message) => {
                    // What was read must also be fit to send and to show.
                    message.encode_to_vec();
                    found.borrow_mut().0 += 1;
                }
                Err(wrong) => found.borrow_mut().1 = Some(wrong),
            }
            true
        });
        found.into_inner()
    }

    fn wrong(text: &str) -> String {
        let (read, wrong) = reading("RecordInteractionsRequest", text.as_bytes());
        assert_eq!(read, 0, "{text}");
        wrong.unwrap()
    }

    #[test]
    fn messages_stand_one_after_another() {
        let read = |text: &str| reading("Identifier", text.as_bytes());
        assert_eq!(read(""), (0, None));
        assert_eq!(read(" \n"), (0, None));
        assert_eq!(read("{}"), (1, None));
        assert_eq!(read("{}{\"value\":\"a\"}\n{} "), (3, None));
        let (count, wrong) = read("{}\n{\"valeu\": 1}\n{}");
        assert_eq!(count, 1, "nothing is read behind a mistake");
        let wrong = wrong.unwrap();
        assert!(
            wrong.contains("message 2") && wrong.contains("'valeu'"),
            "{wrong}"
        );
        assert!(wrong.contains("line 2"), "{wrong}");
        let (_, wrong) = read("{},{}");
        assert!(wrong.is_some());
    }

    #[test]
    fn no_json_takes_the_program_down() {
        let interaction = |field: &str| format!("{{\"interactions\": [{{{field}}}]}}");
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let structs = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
        for text in [
            interaction("\"text\": \"\\ud800\""),
            interaction("\"text\": \"\\udc00\\ud800\""),
            interaction(&format!("\"attributes\": {{\"a\": {deep}}}")),
            interaction(&format!("\"attributes\": {structs}")),
            interaction("\"money\": {\"minorUnits\": 1e400}"),
            interaction("\"money\": {\"minorUnits\": 99999999999999999999999999}"),
            interaction("\"money\": {\"minorUnits\": \"99999999999999999999\"}"),
            interaction("\"money\": {\"minorUnits\": 1.5}"),
            interaction("\"direction\": \"SIDEWAYS\""),
            interaction("\"direction\": 99999999999"),
            interaction("\"occurredAt\": \"2024-13-45T99:99:99Z\""),
            interaction("\"occurredAt\": \"99999999-01-01T00:00:00Z\""),
            interaction("\"occurredAt\": \"-292277026596-01-01T00:00:00Z\""),
            interaction("\"occurredAt\": 5"),
            interaction("\"attributes\": [1]"),
            deep,
            structs,
            "nul".to_owned(),
            "\u{feff}{}".to_owned(),
            "{\"runId\": \"a\", \"runId\": \"b\"".to_owned(),
        ] {
            let said = wrong(&text);
            assert!(
                said.contains("message 1 is no RecordInteractionsRequest"),
                "{said}"
            );
        }
        let (_, wrong) = reading("Identifier", b"{\"value\": \"\xff\xfe\"}");
        assert!(wrong.is_some());
    }

    #[test]
    fn bytes_and_durations_that_are_none_are_refused() {
        let bytes = DescriptorPool::global()
            .get_message_by_name("google.protobuf.BytesValue")
            .unwrap();
        for text in ["\"a\"", "\"!!!!\"", "\"=\"", "5"] {
            let failed = RefCell::new(false);
            read(text.as_bytes(), &bytes, |m| {
                *failed.borrow_mut() = m.is_err();
                true
            });
            assert!(failed.into_inner(), "{text}");
        }
        for text in [
            "1",
            "\"1\"",
            "\"s\"",
            "\"1e9s\"",
            "\"99999999999999999999s\"",
            "\"-s\"",
        ] {
            let json = format!("{{\"maxStaleness\": {text}}}");
            let (_, wrong) = reading("ReadOptions", json.as_bytes());
            assert!(wrong.is_some(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nearly_right_json_is_read_or_refused(
            name in "interactions|runId|text|occurredAt|attributes|money|direction|\\PC{0,5}",
            value in "[-+]?[0-9]{0,30}(\\.[0-9]{0,30})?(e[-+]?[0-9]{1,4})?|\"[0-9TZ:.+\\-s]{0,40}\"|\\PC{0,20}",
        ) {
            let text = format!("{{\"interactions\": [{{\"{name}\": {value}}}]}}");
            let _ = reading("RecordInteractionsRequest", text.as_bytes());
            let text = format!("{{\"maxStaleness\": {value}, \"tokens\": [{value}]}}");
            let _ = reading("ReadOptions", text.as_bytes());
            let text = format!("{{\"fieldMask\": {value}}}");
            let _ = reading("GetProfileRequest", text.as_bytes());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = reading("Interaction", &bytes);
        }
    }
}
