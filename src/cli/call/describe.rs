//! Services, methods, messages and enums in words.

use prost_reflect::{
    Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    MethodDescriptor, ServiceDescriptor,
};

use super::{Failure, names};

/// Every service with its methods, a line each.
pub(super) fn list(pool: &DescriptorPool) -> Vec<String> {
    let mut services: Vec<ServiceDescriptor> = pool.services().collect();
    services.sort_by(|a, b| a.full_name().cmp(b.full_name()));
    services.iter().flat_map(service).collect()
}

/// What a name means.
pub(super) fn named(pool: &DescriptorPool, name: &str) -> Result<Vec<String>, Failure> {
    let mut things: Vec<(String, Thing)> = Vec::new();
    for service in pool.services() {
        things.push((service.full_name().to_owned(), Thing::Service(service)));
    }
    for method in names::methods(pool) {
        things.push((names::of_method(&method), Thing::Method(method)));
    }
    for message in pool
        .all_messages()
        .filter(|message| !message.is_map_entry())
    {
        things.push((message.full_name().to_owned(), Thing::Message(message)));
    }
    for r#enum in pool.all_enums() {
        things.push((r#enum.full_name().to_owned(), Thing::Enum(r#enum)));
    }
    let known: Vec<&str> = things.iter().map(|(name, _)| name.as_str()).collect();
    let at = names::find("service, method, message or enum", &known, name)?;
    Ok(match &things[at].1 {
        Thing::Service(found) => service(found),
        Thing::Method(found) => method(found),
        Thing::Message(found) => message(found),
        Thing::Enum(found) => r#enum(found),
    })
}

enum Thing {
    Service(ServiceDescriptor),
    Method(MethodDescriptor),
    Message(MessageDescriptor),
    Enum(EnumDescriptor),
}

fn service(service: &ServiceDescriptor) -> Vec<String> {
    let mut lines = vec![service.full_name().to_owned()];
    for method in service.methods() {
        lines.push(format!("  {}", signature(&method, method.name())));
    }
    lines
}

/// What goes in and out. Messages of the service's own package go by their last name.
fn signature(method: &MethodDescriptor, name: &str) -> String {
    let service = method.parent_service();
    let short = |streams, message: &MessageDescriptor| {
        let stream = if streams { "stream " } else { "" };
        let whole = message.full_name();
        let own = whole.strip_prefix(service.package_name());
        let own = own.and_then(|own| own.strip_prefix('.'));
        format!("{stream}{}", own.unwrap_or(whole))
    };
    format!(
        "{name}({}) returns ({})",
        short(method.is_client_streaming(), &method.input()),
        short(method.is_server_streaming(), &method.output()),
    )
}

fn method(method: &MethodDescriptor) -> Vec<String> {
    let mut lines = vec![signature(method, &names::of_method(method))];
    for part in [method.input(), method.output()] {
        lines.push(String::new());
        lines.extend(message(&part));
    }
    lines
}

fn message(message: &MessageDescriptor) -> Vec<String> {
    let mut lines = vec![format!("message {}", message.full_name())];
    let rows: Vec<[String; 3]> = message
        .fields()
        .map(|field| [field.json_name().to_owned(), r#type(&field), note(&field)])
        .collect();
    lines.extend(aligned(&rows));
    if rows.is_empty() {
        lines.push("  (no fields)".to_owned());
    }
    lines
}

fn r#type(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        Kind::Message(message) if message.is_map_entry() => {
            let (key, value) = (
                message.map_entry_key_field(),
                message.map_entry_value_field(),
            );
            return format!("map of {:?} to {}", key.kind(), r#type(&value));
        }
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(found) => format!("enum {}", found.full_name()),
        other => format!("{other:?}"),
    };
    match field.cardinality() {
        Cardinality::Repeated => format!("list of {kind}"),
        _ => kind,
    }
}

fn note(field: &FieldDescriptor) -> String {
    match field.containing_oneof() {
        Some(one) if !one.is_synthetic() => format!("one of {}", one.name()),
        Some(_) => "optional".to_owned(),
        None => String::new(),
    }
}

fn r#enum(found: &EnumDescriptor) -> Vec<String> {
    let mut lines = vec![format!("enum {}", found.full_name())];
    let rows: Vec<[String; 3]> = found
        .values()
        .map(|value| {
            [
                value.name().to_owned(),
                value.number().to_string(),
                String::new(),
            ]
        })
        .collect();
    lines.extend(aligned(&rows));
    lines
}

fn aligned(rows: &[[String; 3]]) -> Vec<String> {
    let widest = |n: usize| {
        rows.iter()
            .map(|row| row[n].len())
            .max()
            .unwrap_or_default()
    };
    let (first, second) = (widest(0), widest(1));
    rows.iter()
        .map(|[a, b, c]| {
            let line = format!("  {a:first$}  {b:second$}  {c}");
            line.trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::DESCRIPTORS;

    fn described(name: &str) -> Vec<String> {
        let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
        named(&pool, name).unwrap()
    }

    #[test]
    fn a_message_is_its_fields_by_the_names_of_json() {
        assert_eq!(
            described("ReadOptions"),
            [
                "message customer_profile.v1.ReadOptions",
                "  tokens        list of string",
                "  maxStaleness  google.protobuf.Duration",
                "  allowStale    bool",
            ]
        );
        let value = described("TraitValue");
        assert!(
            value.contains(&"  text     string                        one of kind".to_owned()),
            "{value:?}"
        );
        let interaction = described("v1.Interaction").join("\n");
        assert!(
            interaction.contains("direction       enum customer_profile.v1.Direction"),
            "{interaction}"
        );
    }

    #[test]
    fn a_method_is_its_messages() {
        let lines = described("StreamInteractions");
        assert_eq!(
            lines[0],
            "customer_profile.v1.InteractionService/StreamInteractions\
             (stream StreamInteractionsRequest) returns (stream StreamInteractionsResponse)"
        );
        assert!(
            lines.contains(&"message customer_profile.v1.StreamInteractionsResponse".to_owned())
        );
    }

    #[test]
    fn an_enum_is_its_values() {
        let lines = described("Direction");
        assert_eq!(lines[1], "  DIRECTION_UNSPECIFIED  0");
    }

    #[test]
    fn what_has_no_name_is_refused() {
        let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
        let said = named(&pool, "ReadOption").unwrap_err().to_string();
        assert!(said.contains("customer_profile.v1.ReadOptions"), "{said}");
    }
}
