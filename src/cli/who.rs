//! Who is meant: a profile id, or identifiers in order of trust.

use clap::Args;
use tonic::{Code, Status};

use super::{Failure, status, terminal::text::visible};
use crate::proto::v1::{Identifier, ProfileLookup};

/// Whom to look up.
#[derive(Args, Clone, Debug)]
pub struct Who {
    /// A profile id, or identifiers as namespace=value, in order of trust.
    #[arg(required = true, num_args = 1..=8, value_name = "IDENTIFIER")]
    pub who: Vec<String>,
}

impl Who {
    /// As the protocol asks.
    pub(super) fn lookup(&self) -> Result<ProfileLookup, Failure> {
        if let [id] = self.who.as_slice()
            && !id.contains('=')
        {
            if uuid::Uuid::parse_str(id).is_err() {
                let id = visible(id);
                return Err(Failure::Call(format!(
                    "{id} is neither a profile id (a UUID) nor an identifier such as email=hanako@example.com"
                )));
            }
            return Ok(ProfileLookup {
                profile_id: id.clone(),
                identifiers: Vec::new(),
            });
        }
        let identifiers: Option<Vec<Identifier>> = self
            .who
            .iter()
            .map(|text| {
                let (namespace, value) = text.split_once('=')?;
                Some(Identifier {
                    namespace: namespace.to_owned(),
                    value: value.to_owned(),
                })
            })
            .collect();
        let identifiers = identifiers.ok_or_else(|| {
            Failure::Call("expected one profile id, or identifiers as namespace=value".to_owned())
        })?;
        Ok(ProfileLookup {
            profile_id: String::new(),
            identifiers,
        })
    }

    /// Which of several identifiers answered.
    pub(super) fn answered(&self, by: Option<i32>) -> Option<&str> {
        let by = usize::try_from(by?).ok()?;
        self.who
            .get(by)
            .filter(|_| self.who.len() > 1)
            .map(String::as_str)
    }

    /// Why there is no answer.
    pub(super) fn failed(&self, status: &Status) -> Failure {
        if status.code() != Code::NotFound {
            return Failure::Call(status::describe(status));
        }
        let shown: Vec<_> = self.who.iter().map(|text| visible(text)).collect();
        Failure::Call(match shown.as_slice() {
            [id] if !id.contains('=') => format!("there is no profile {id}"),
            many => format!("nobody is known by {}", many.join(" or ")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(texts: &[&str]) -> Who {
        Who {
            who: texts.iter().map(|t| (*t).to_owned()).collect(),
        }
    }

    #[test]
    fn an_id_or_identifiers_are_meant_and_no_mixture() {
        let id = "01890000-0000-7000-8000-000000000000";
        assert_eq!(who(&[id]).lookup().unwrap().profile_id, id);
        assert!(who(&["hanako"]).lookup().is_err());
        let lookup = who(&["email=a=b@example.com", "phone=1"]).lookup().unwrap();
        assert_eq!(lookup.identifiers[0].value, "a=b@example.com");
        assert!(who(&["abc", "email=a"]).lookup().is_err());
    }

    #[test]
    fn who_answered_is_said_of_several() {
        assert_eq!(who(&["a=1"]).answered(Some(0)), None);
        assert_eq!(who(&["a=1", "b=2"]).answered(Some(1)), Some("b=2"));
        assert_eq!(who(&["a=1", "b=2"]).answered(Some(-1)), None);
        assert_eq!(who(&["a=1", "b=2"]).answered(None), None);
    }

    #[test]
    fn an_unknown_customer_is_said_in_words() {
        let status = Status::not_found("profile not found");
        let said = who(&["email=\u{1b}a", "phone=1"])
            .failed(&status)
            .to_string();
        assert_eq!(said, "nobody is known by email=␛a or phone=1");
        assert_eq!(
            who(&["x"]).failed(&status).to_string(),
            "there is no profile x"
        );
    }
}
