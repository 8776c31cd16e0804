//! What a message weighs: an estimate of the memory that it takes once it is decoded, made before it is.
//!
//! On the wire an empty entry of a list is two bytes; decoded it is a struct of hundreds. So a message within the limit of 4
//! MiB can ask for gigabytes, and has to be weighed before it is decoded.
//!
//! What must stay true: the estimate is not below what the decoded message takes (tested against it). It is made from the
//! descriptors of the protocol in one pass over the bytes, which allocates nothing. Bytes that break off within a message
//! have no weight and must not be decoded: the decoder would go on behind the end of that message, and notice afterwards.

use std::{collections::HashMap, sync::LazyLock};

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

use crate::proto::DESCRIPTORS;

/// A `String`, `Bytes`, `Vec` or map.
const HEADER: usize = 32;
/// A number, rounded up with what pads it.
const SCALAR: usize = 16;
/// What an entry of a map costs besides key and value.
const ENTRY: usize = 64;
/// Entries that a map makes room for with its first one.
const NODE: usize = 11;
/// A list may have grown to twice what it holds, and be copied while it grows.
const GROWTH: usize = 3;
/// How deep messages nest before prost refuses them.
const DEEPEST: usize = 100;

/// The types of messages that are weighed, by their full names.
static TYPES: LazyLock<Types> = LazyLock::new(Types::of_the_api);

#[derive(Default)]
struct Types {
    places: HashMap<String, usize>,
    types: Vec<Type>,
}

/// What is to be known of a message type.
#[derive(Default)]
struct Type {
    /// Bytes of the struct itself, with what is inline in it.
    size: usize,
    fields: HashMap<u32, Field>,
}

#[derive(Clone, Copy)]
struct Field {
    /// Bytes that each occurrence adds to its parent.
    each: usize,
    /// Bytes that the first one adds besides.
    first: usize,
    content: Content,
}

#[derive(Clone, Copy)]
enum Content {
    /// A message: the place of its type.
    Message(usize),
    /// Text or bytes, kept as they are.
    Bytes,
    /// Numbers: packed they take up to 8 times their bytes.
    Numbers,
}

impl Types {
    fn of_the_api() -> Self {
        let mut types = Self::default();
        if let Ok(pool) = DescriptorPool::decode(DESCRIPTORS) {
            for service in pool.services() {
                for method in service.methods() {
                    types.place(&method.input());
                }
            }
        }
        types
    }

    /// The place of a type, which is added when it is new.
    fn place(&mut self, message: &MessageDescriptor) -> usize {
        if let Some(place) = self.places.get(message.full_name()) {
            return *place;
        }
        let place = self.types.len();
        self.places.insert(message.full_name().to_owned(), place);
        self.types.push(Type::default());
        let fields = message
            .fields()
            .map(|field| (field.number(), self.field(&field)));
        let fields = fields.collect();
        self.types[place] = Type {
            size: size(message, 0),
            fields,
        };
        place
    }

    fn field(&mut self, field: &FieldDescriptor) -> Field {
        let content = match field.kind() {
            Kind::Message(message) => Content::Message(self.place(&message)),
            Kind::String | Kind::Bytes => Content::Bytes,
            _ => Content::Numbers,
        };
        let each = match field.kind() {
            // Singular messages are inline, unless they are boxed because they hold themselves.
            Kind::Message(message) if field.is_map() => size(&message, 0) + ENTRY,
            Kind::Message(message) if field.is_list() => GROWTH * size(&message, 0),
            Kind::Message(message) => size(&message, 0),
            _ if field.is_list() => GROWTH * HEADER,
            _ => 0,
        };
        let first = match field.kind() {
            Kind::Message(message) if field.is_map() => NODE * size(&message, 0),
            _ => 0,
        };
        Field {
            each,
            first,
            content,
        }
    }
}

/// Bytes of a struct. What is nested deep is boxed somewhere, and counted where it occurs.
fn size(message: &MessageDescriptor, depth: usize) -> usize {
    let of = |field: FieldDescriptor| match field.kind() {
        _ if field.is_list() || field.is_map() => HEADER,
        Kind::Message(_) if depth > 3 => SCALAR,
        Kind::Message(inner) => SCALAR + size(&inner, depth + 1),
        Kind::String | Kind::Bytes => HEADER,
        _ => SCALAR,
    };
    let alone = message.fields().filter(|f| f.containing_oneof().is_none());
    // Of several that exclude each other there is room for the largest.
    let choices = message
        .oneofs()
        .map(|choice| SCALAR + choice.fields().map(of).max().unwrap_or_default());
    alone.map(of).chain(choices).sum()
}

/// What a message of a type takes in memory once it is decoded, in bytes; 0 for types that no call takes. `None` when the
/// bytes break off within a message; of others that are no such message only decoding tells.
#[must_use]
pub fn weight(full_name: &str, bytes: &[u8]) -> Option<usize> {
    let types = &*TYPES;
    let Some(place) = types.places.get(full_name) else {
        return Some(0);
    };
    let inner = types.weigh(*place, &mut Reader(bytes), 0)?;
    Some(inner.saturating_add(types.types[*place].size))
}

impl Types {
    /// What is in a message, unless its bytes break off.
    fn weigh(&self, place: usize, reader: &mut Reader<'_>, depth: usize) -> Option<usize> {
        let mut weight: usize = 0;
        let kind = self.types.get(place)?;
        let mut last = 0;
        while !reader.0.is_empty() {
            let (number, wire) = reader.tag()?;
            let field = kind.fields.get(&number);
            let content = reader.value(wire, number, depth)?;
            let Some(field) = field else { continue };
            weight = weight.saturating_add(field.each);
            // A field that comes and goes counts as first more than once, which is no harm.
            if number != last {
                weight = weight.saturating_add(field.first);
                last = number;
            }
            let inner = match (field.content, content.unwrap_or_default()) {
                (Content::Message(inner), bytes) if depth < DEEPEST => {
                    self.weigh(inner, &mut Reader(bytes), depth + 1)?
                }
                (Content::Message(_), _) => 0,
                (Content::Bytes, bytes) => bytes.len(),
                (Content::Numbers, bytes) => GROWTH * 8 * bytes.len(),
            };
            weight = weight.saturating_add(inner);
        }
        Some(weight)
    }
}

/// The wire format, read without copying.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for (n, byte) in self.0.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * n).min(63);
            if byte & 0x80 == 0 {
                self.0 = &self.0[n + 1..];
                return Some(value);
            }
        }
        None
    }

    fn tag(&mut self) -> Option<(u32, u64)> {
        let tag = self.varint()?;
        Some((u32::try_from(tag >> 3).ok()?, tag & 7))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// Passes a value; gives its bytes when they have a length of their own.
    #[expect(clippy::option_option, reason = "malformed, without bytes, with bytes")]
    fn value(&mut self, wire: u64, number: u32, depth: usize) -> Option<Option<&'a [u8]>> {
        match wire {
            0 => self.varint().map(|_| None),
            1 => self.take(8).map(|_| None),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.take(length).map(Some)
            }
            3 => self.group(number, depth).map(|()| None),
            5 => self.take(4).map(|_| None),
            _ => None,
        }
    }

    /// Passes a group, which no message of ours has.
    fn group(&mut self, number: u32, depth: usize) -> Option<()> {
        if depth >= DEEPEST {
            return None;
        }
        loop {
            let (inner, wire) = self.tag()?;
            if wire == 4 {
                return (inner == number).then_some(());
            }
            self.value(wire, inner, depth + 1)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message as _;
    use prost_types::{ListValue, Struct, Value, value::Kind};

    use super::*;
    use crate::proto::v1::{
        ConsentChange, GetProfileRequest, Identifier, Interaction, RecordInteractionsRequest,
        SearchProfilesRequest, SurveyScore, Trait,
    };

    const RECORD: &str = "customer_profile.v1.RecordInteractionsRequest";

    fn of_the_struct(name: &str) -> usize {
        let types = &*TYPES;
        types.types[types.places[&format!("customer_profile.v1.{name}")]].size
    }

    #[test]
    fn no_struct_is_larger_than_it_is_said_to_be() {
        for (name, real) in [
            ("Interaction", size_of::<Interaction>()),
            ("Identifier", size_of::<Identifier>()),
            ("Trait", size_of::<Trait>()),
            ("SurveyScore", size_of::<SurveyScore>()),
            ("ConsentChange", size_of::<ConsentChange>()),
            ("GetProfileRequest", size_of::<GetProfileRequest>()),
        ] {
            assert!(of_the_struct(name) >= real, "{name} has {real} bytes");
            assert!(of_the_struct(name) <= 4 * real, "{name} has {real} bytes");
        }
    }

    #[test]
    fn empty_entries_weigh_what_they_become() {
        // 2 bytes each.
        let empty = [0x0a, 0x00].repeat(100_000);
        let real = 100_000 * size_of::<Interaction>();
        let weighed = weight(RECORD, &empty).unwrap();
        assert!(weighed >= real, "{weighed} for {real}");
        let interaction = Interaction {
            identifiers: vec![Identifier::default(); 10_000],
            ..Interaction::default()
        };
        let request = RecordInteractionsRequest {
            interactions: vec![interaction],
            run_id: None,
        };
        let weighed = weight(RECORD, &request.encode_to_vec()).unwrap();
        assert!(weighed >= 10_000 * size_of::<Identifier>());
    }

    #[test]
    fn maps_of_one_entry_weigh_as_much_as_the_room_that_they_make() {
        let one = Struct {
            fields: [(String::new(), Value::default())].into(),
        };
        let kind = Some(Kind::StructValue(one));
        let list = Kind::ListValue(ListValue {
            values: vec![Value { kind }; 1_000],
        });
        let kind = Some(list);
        let interaction = Interaction {
            attributes: Some(Struct {
                fields: [("a".to_owned(), Value { kind })].into(),
            }),
            ..Interaction::default()
        };
        let request = RecordInteractionsRequest {
            interactions: vec![interaction],
            run_id: None,
        };
        // A leaf of a B-tree holds up to 11 keys and values in place.
        let leaf = 11 * (size_of::<String>() + size_of::<Value>());
        let real = 1_000 * (size_of::<Value>() + leaf);
        let weighed = weight(RECORD, &request.encode_to_vec()).unwrap();
        assert!((real..4 * real).contains(&weighed), "{weighed} for {real}");
    }

    #[test]
    fn an_ordinary_message_weighs_a_few_times_its_bytes() {
        let interaction = Interaction {
            source: "shop".into(),
            event_id: "0123456789".into(),
            identifiers: vec![
                Identifier {
                    namespace: "email".into(),
                    value: "a@example.com".into()
                };
                3
            ],
            text: Some("x".repeat(300)),
            ..Interaction::default()
        };
        let request = RecordInteractionsRequest {
            interactions: vec![interaction; 1_000],
            run_id: None,
        };
        let bytes = request.encode_to_vec();
        let weighed = weight(RECORD, &bytes).unwrap();
        assert!(
            (2..=12).contains(&(weighed / bytes.len())),
            "{weighed} for {}",
            bytes.len()
        );
    }

    #[test]
    fn unknown_groups_and_fields_are_passed_and_what_follows_is_weighed() {
        let mut bytes = Vec::new();
        // Group 15 with a number in it, its end; field 14 with three bytes.
        bytes.extend([0x7b, 0x08, 0x01, 0x7c, 0x72, 3, 1, 2, 3]);
        let before = weight(RECORD, &bytes).unwrap();
        bytes.extend([0x0a, 0x00].repeat(1_000));
        let after = weight(RECORD, &bytes).unwrap();
        assert!(after - before >= 1_000 * size_of::<Interaction>());
        assert_eq!(weight("customer_profile.v1.Nothing", &bytes), Some(0));
    }

    #[test]
    fn a_message_in_a_message_that_ends_before_it_has_no_weight() {
        // The list of a trait says that it is longer than the value that it is in. The decoder believes the list, and
        // makes all of its texts before it finds that the value has ended.
        let texts = [0x0a, 0x00].repeat(1_000);
        let length = [0xd0, 0x0f];
        let list = [&[0x3a], &length[..], &texts].concat();
        let value = [&[0x12, 3], &list[..]].concat();
        let search = [&[0x0a, 5], &value[..]].concat();
        assert_eq!(
            weight("customer_profile.v1.SearchProfilesRequest", &search),
            None
        );
        assert!(SearchProfilesRequest::decode(search.as_slice()).is_err());
        // The same where it is a length that goes on behind the end.
        let cut = [&[0x0a, 4, 0x12, 2, 0x3a, 0xd0, 0x0f], &texts[..]].concat();
        assert_eq!(
            weight("customer_profile.v1.SearchProfilesRequest", &cut),
            None
        );
        assert!(SearchProfilesRequest::decode(cut.as_slice()).is_err());
    }

    proptest! {
        #[test]
        fn what_can_be_decoded_has_a_weight(
            mut bytes in prop::collection::vec(prop_oneof![Just(0), Just(2), Just(0x0a), Just(0x12), any::<u8>()], 0..64),
            place in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let decodes = |bytes: &[u8]| SearchProfilesRequest::decode(bytes).is_ok();
            let name = "customer_profile.v1.SearchProfilesRequest";
            prop_assert!(!decodes(&bytes) || weight(name, &bytes).is_some());
            if !bytes.is_empty() {
                let at = place.index(bytes.len());
                bytes[at] = byte;
                prop_assert!(!decodes(&bytes) || weight(name, &bytes).is_some());
            }
        }
    }

    #[test]
    fn whatever_the_bytes_it_ends() {
        for byte in 0..=u8::MAX {
            for length in [1, 2, 9, 10, 11, 1_000] {
                let _ = weight(RECORD, &vec![byte; length]);
            }
        }
        let deep = [0x7b].repeat(100_000);
        let _ = weight(RECORD, &deep);
    }
}
