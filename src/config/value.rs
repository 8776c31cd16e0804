//! Reading one value as what its setting wants. Errors are texts that say what would be right; whoever calls knows where.

use std::{collections::BTreeSet, fs, net::SocketAddr, path::PathBuf, time::Duration};

use super::{
    Address, CallerSettings, Policy, Settings,
    problem::Origin,
    secret::Secret,
    source::Raw,
    table::Form,
    tenant::{RuleTexts, TenantSettings},
};
use crate::{
    auth::{DEPARTMENT_BYTES, Permissions},
    calendar::Zone,
    identity::HashSecret,
    ids::{TenantId, is_slug},
    sentiment::Language,
};

/// A value that was said for a setting.
#[derive(Debug)]
pub(super) struct Value<'a> {
    /// The value.
    pub(super) raw: &'a Raw,
    /// Where it was said.
    pub(super) origin: &'a Origin,
    /// What the setting takes.
    pub(super) form: &'a Form,
    /// What stands for the `<..>` of the setting's key.
    pub(super) names: Vec<&'a str>,
}

/// What came of reading a value.
pub(super) type Read = Result<(), String>;

impl Value<'_> {
    /// A whole number within the form's range.
    pub(super) fn integer<T: TryFrom<u64>>(&self, target: &mut T) -> Read {
        let Form::Integer(least, most) = *self.form else {
            return Err("is read as an integer but is none".to_owned());
        };
        let wanted = format!("must be a whole number from {least} to {most}");
        let number = match self.raw {
            Raw::Text(text) => text
                .trim()
                .parse::<u64>()
                .map_err(|_| format!("{wanted}, not {text:?}"))?,
            Raw::Typed(toml::Value::Integer(number)) => {
                u64::try_from(*number).map_err(|_| format!("{wanted}, not {number}"))?
            }
            Raw::Typed(other) => return Err(format!("{wanted}, not of type {}", other.type_str())),
        };
        if !(least..=most).contains(&number) {
            return Err(format!("{wanted}, not {number}"));
        }
        *target = T::try_from(number).map_err(|_| wanted)?;
        Ok(())
    }

    /// Bytes, given in MiB.
    pub(super) fn mebibytes(&self, target: &mut usize) -> Read {
        let mut number: usize = 0;
        self.integer(&mut number)?;
        *target = number << 20;
        Ok(())
    }

    /// Milliseconds.
    pub(super) fn millis(&self, target: &mut Duration) -> Read {
        let mut number = 0;
        self.integer(&mut number)?;
        *target = Duration::from_millis(number);
        Ok(())
    }

    /// Seconds.
    pub(super) fn seconds(&self, target: &mut Duration) -> Read {
        let mut number = 0;
        self.integer(&mut number)?;
        *target = Duration::from_secs(number);
        Ok(())
    }

    /// Hours.
    pub(super) fn hours(&self, target: &mut Duration) -> Read {
        let mut number = 0;
        self.integer(&mut number)?;
        *target = Duration::from_hours(number);
        Ok(())
    }

    /// A number from 0 to 1.
    pub(super) fn ratio(&self, target: &mut f64) -> Read {
        let wanted = "must be a number from 0 to 1";
        let number = match self.raw {
            Raw::Text(text) => text
                .trim()
                .parse()
                .map_err(|_| format!("{wanted}, not {text:?}"))?,
            Raw::Typed(toml::Value::Float(number)) => *number,
            Raw::Typed(toml::Value::Integer(0)) => 0.0,
            Raw::Typed(toml::Value::Integer(1)) => 1.0,
            Raw::Typed(toml::Value::Integer(number)) => {
                return Err(format!("{wanted}, not {number}"));
            }
            Raw::Typed(other) => return Err(format!("{wanted}, not of type {}", other.type_str())),
        };
        if !(0.0..=1.0).contains(&number) {
            return Err(format!("{wanted}, not {number}"));
        }
        *target = number;
        Ok(())
    }

    /// Text.
    pub(super) fn text(&self) -> Result<&str, String> {
        match self.raw {
            Raw::Text(text) | Raw::Typed(toml::Value::String(text)) => Ok(text),
            Raw::Typed(other) => Err(format!("must be text, not of type {}", other.type_str())),
        }
    }

    /// Text that `parse` understands, or nothing when it is empty, else an error that says `wanted`.
    pub(super) fn optional<T>(
        &self,
        target: &mut Option<T>,
        wanted: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Read {
        self.parsed(target, wanted, |text| match text {
            "" => Some(None),
            text => parse(text).map(Some),
        })
    }

    /// Text that `parse` understands, else an error that says `wanted`.
    pub(super) fn parsed<T>(
        &self,
        target: &mut T,
        wanted: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Read {
        let text = self.text()?;
        *target = parse(text).ok_or_else(|| format!("must be {wanted}, not {text:?}"))?;
        Ok(())
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, target: &mut T, choices: &[(&str, T)]) -> Read {
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let wanted = match words.as_slice() {
            [only] => format!("{only:?}, which is all there is yet"),
            _ => format!("one of {}", words.join(", ")),
        };
        self.parsed(target, &wanted, |text| {
            let found = choices.iter().find(|(word, _)| *word == text);
            found.map(|(_, choice)| *choice)
        })
    }

    /// The tenant of the key, with the defaults of tenants when nothing was said for it yet.
    pub(super) fn tenant<'s>(
        &self,
        settings: &'s mut Settings,
    ) -> Result<&'s mut TenantSettings, String> {
        let name = self.names.first().copied().unwrap_or_default();
        let tenant = TenantId::parse(name).ok_or_else(|| {
            format!("{name:?} is no tenant: 1 to 64 of a-z, 0-9, \"_\", \"-\" and \".\"")
        })?;
        let tenants = &mut settings.tenants;
        let defaults = &tenants.defaults;
        Ok(tenants
            .named
            .entry(tenant)
            .or_insert_with(|| defaults.clone()))
    }

    /// The policy of the department of the key.
    pub(super) fn policy<'s>(&self, settings: &'s mut Settings) -> Result<&'s mut Policy, String> {
        let name = self.names.first().copied().unwrap_or_default();
        settings.departments.entry(name)
    }

    /// The caller of the key.
    pub(super) fn caller<'s>(
        &self,
        settings: &'s mut Settings,
    ) -> Result<&'s mut CallerSettings, String> {
        let name = self.names.first().copied().unwrap_or_default();
        if !is_slug(name, 64) {
            return Err(format!(
                "{name:?} is no caller: 1 to 64 of a-z, 0-9, \"_\", \"-\" and \".\""
            ));
        }
        Ok(settings.auth.callers.entry(name.to_owned()).or_default())
    }

    /// A rule for the trait that the key ends with.
    pub(super) fn rule(&self, target: &mut RuleTexts, what: &str) -> Read {
        let name = self.names.last().copied().unwrap_or_default();
        if !is_slug(name, 64) {
            return Err(format!(
                "{name:?} is no {what}: 1 to 64 of a-z, 0-9, \"_\", \"-\" and \".\""
            ));
        }
        let rule = self.text()?.trim();
        if rule.is_empty() {
            return Err("must name a rule".to_owned());
        }
        let rule = (rule.to_owned(), self.origin.clone());
        target.rules.insert(name.to_owned(), rule);
        Ok(())
    }
}

/// An address to listen on.
pub(super) fn address(text: &str) -> Option<Address> {
    match text.strip_prefix("unix:") {
        Some(path) if path.starts_with('/') => Some(Address::Unix(PathBuf::from(path))),
        Some(_) => None,
        None => tcp(text).map(Address::Tcp),
    }
}

/// `host:port`, where the host is an IP address or `localhost`.
pub(super) fn tcp(text: &str) -> Option<SocketAddr> {
    match text.strip_prefix("localhost:") {
        Some(port) => Some(SocketAddr::from(([127, 0, 0, 1], port.parse().ok()?))),
        None => text.parse().ok(),
    }
}

/// Origins between commas, as browsers send them: scheme and host in lower case, no path, no default port.
pub(super) fn origins(text: &str) -> Option<BTreeSet<String>> {
    let words = text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let sound = |origin: &str| {
        let uri: Option<http::Uri> = origin.parse().ok();
        uri.is_some_and(|uri| {
            let scheme = uri.scheme_str().unwrap_or_default();
            let default = match scheme {
                "http" => 80,
                "https" => 443,
                _ => return false,
            };
            let host = uri.host().unwrap_or_default();
            let port = uri.port_u16().filter(|port| *port != default);
            let port = port.map_or_else(String::new, |port| format!(":{port}"));
            format!("{scheme}://{}{port}", host.to_lowercase()) == origin && !host.is_empty()
        })
    };
    words
        .map(|origin| sound(origin).then(|| origin.to_owned()))
        .collect()
}

/// Where to send spans.
pub(super) fn endpoint(text: &str) -> Option<String> {
    let uri: http::Uri = text.parse().ok()?;
    let sound = uri.scheme_str() == Some("http") && uri.host().is_some_and(|h| !h.is_empty());
    sound.then(|| text.to_owned())
}

/// A server to call over gRPC: a scheme, a host and perhaps a port.
pub(super) fn server(text: &str) -> Option<String> {
    let uri: http::Uri = text.parse().ok()?;
    let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    let host = uri.host().is_some_and(|host| !host.is_empty());
    let bare = matches!(uri.path(), "" | "/") && uri.query().is_none() && !text.contains('@');
    (scheme && host && bare).then(|| text.to_owned())
}

/// The look of an IANA zone name.
pub(super) fn zone(text: &str) -> Option<Zone> {
    text.parse().ok()
}

/// The language of texts in Chinese characters.
pub(super) fn han(text: &str) -> Option<Language> {
    match text {
        "ja" => Some(Language::Japanese),
        "en" => Some(Language::English),
        "und" => Some(Language::Unknown),
        _ => None,
    }
}

/// An absolute path.
pub(super) fn absolute(text: &str) -> Option<PathBuf> {
    let path = PathBuf::from(text);
    path.is_absolute().then_some(path)
}

/// The name of a claim.
pub(super) fn claim(text: &str) -> Option<String> {
    (1..=128).contains(&text.len()).then(|| text.to_owned())
}

/// The name of a department.
pub(super) fn department(text: &str) -> Option<String> {
    is_slug(text, DEPARTMENT_BYTES).then(|| text.to_owned())
}

/// Tenants with commas between them, at least one.
pub(super) fn tenants(text: &str) -> Result<Vec<TenantId>, String> {
    let tenant = |name| TenantId::parse(name).ok_or_else(|| format!("{name:?} is no tenant"));
    let tenants: Vec<TenantId> = listed(text).map(tenant).collect::<Result<_, _>>()?;
    if tenants.is_empty() {
        return Err("must name a tenant".to_owned());
    }
    Ok(tenants)
}

/// Permissions with commas between them.
pub(super) fn permissions(text: &str) -> Result<Permissions, String> {
    listed(text)
        .map(|slug| {
            slug.parse()
                .map_err(|_| format!("{slug:?} is no permission"))
        })
        .collect()
}

/// The words of a list with commas between them.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

/// A hash secret, when it is long enough.
pub(super) fn long_enough(secret: &[u8]) -> Result<Secret<Vec<u8>>, String> {
    let shortest = HashSecret::SHORTEST;
    if secret.len() < shortest {
        let length = secret.len();
        return Err(format!("must be at least {shortest} bytes, not {length}"));
    }
    Ok(Secret::new(secret.to_vec()))
}

/// Where a database is, or none.
pub(super) fn database_url(url: &str) -> Result<Option<Secret<String>>, String> {
    if url.is_empty() {
        return Ok(None);
    }
    if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
        return Err("must begin with postgres:// or postgresql://".to_owned());
    }
    Ok(Some(Secret::new(url.to_owned())))
}

/// How many replicas there may be.
const REPLICAS: usize = 8;

/// Where copies of a database are.
pub(super) fn replica_urls(urls: &str) -> Result<Vec<Secret<String>>, String> {
    if urls.trim().is_empty() {
        return Ok(Vec::new());
    }
    let urls: Result<Vec<_>, String> = urls.split(',').map(|u| database_url(u.trim())).collect();
    let urls: Vec<_> = urls?;
    if urls.len() > REPLICAS {
        return Err(format!("must name {REPLICAS} at most"));
    }
    let empty = "has a comma that parts nothing".to_owned();
    urls.into_iter().collect::<Option<Vec<_>>>().ok_or(empty)
}

/// Addresses of Redis.
pub(super) fn redis_url(urls: &str) -> Result<Secret<String>, String> {
    let known = |url: &str| {
        let schemes = ["redis://", "rediss://", "unix:", "redis+unix://"];
        schemes.iter().any(|scheme| url.trim().starts_with(scheme))
    };
    if urls.split(',').all(known) {
        Ok(Secret::new(urls.to_owned()))
    } else {
        Err("must begin with redis://, rediss:// or unix:/, or be off".to_owned())
    }
}

/// The hash secret in a file.
pub(super) fn secret_file(path: &str) -> Result<Secret<Vec<u8>>, String> {
    let content = fs::read(path).map_err(|error| format!("{path}: cannot be read: {error}"))?;
    let content = content.strip_suffix(b"\n").unwrap_or(&content);
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    long_enough(content).map_err(|wrong| format!("{path}: {wrong}"))
}
