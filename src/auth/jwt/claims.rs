//! What a token says, once its signature was found good (RFC 7519).
//!
//! What must stay true: a token without an end is no token; who made it and whom it is for are compared as they are, byte
//! by byte; a claim of ours that is there and is not of its form refuses the token, since leaving it out could give more
//! than was meant.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::json;
use crate::{
    auth::{DEPARTMENT_BYTES, Grant, Permissions, Refusal, headers::is_name},
    clock::Micros,
    ids::{TenantId, is_slug},
};

/// What a token has to say, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// `iss`.
    pub issuer: String,
    /// What `aud` is or has.
    pub audience: String,
    /// How far the clocks of others may be off, in microseconds; 0 or more.
    pub leeway: i64,
    /// The claim that holds the tenant, or a list of tenants.
    pub tenant_claim: String,
    /// The claim that holds the permissions.
    pub permissions_claim: String,
    /// The claim that holds the department.
    pub department_claim: String,
}

/// From when to when a token is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The later of `nbf` and `iat`.
    from: Option<Micros>,
    /// `exp`.
    until: Micros,
}

impl Validity {
    /// Whether a token is good now.
    ///
    /// # Errors
    /// [`Refusal::Expired`] or [`Refusal::NotYetValid`].
    pub fn check(self, now: Micros, leeway: i64) -> Result<(), Refusal> {
        if now.0 >= self.until.0.saturating_add(leeway) {
            return Err(Refusal::Expired);
        }
        match self.from {
            Some(from) if from.0 > now.0.saturating_add(leeway) => Err(Refusal::NotYetValid),
            _ => Ok(()),
        }
    }
}

impl Expected {
    /// What a payload gives its holder, and when. The time is not looked at.
    ///
    /// # Errors
    /// [`Refusal::Issuer`], [`Refusal::Audience`], [`Refusal::NoTenant`], or [`Refusal::Malformed`] for everything else.
    pub fn read(&self, payload: &[u8]) -> Result<(Grant, Validity), Refusal> {
        let claims = json::object(payload).ok_or(Refusal::Malformed)?;
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(Refusal::Issuer);
        }
        if !names(claims.get("aud"), &self.audience) {
            return Err(Refusal::Audience);
        }
        let validity = Validity {
            from: instant(&claims, "nbf")?.max(instant(&claims, "iat")?),
            until: instant(&claims, "exp")?.ok_or(Refusal::Malformed)?,
        };
        let name = claims.get("sub").and_then(Value::as_str);
        let name = name
            .filter(|name| is_name(name))
            .ok_or(Refusal::Malformed)?;
        let grant = Grant {
            name: Arc::from(name),
            tenants: tenants(claims.get(&self.tenant_claim))?,
            permissions: permissions(claims.get(&self.permissions_claim))?,
            department: department(claims.get(&self.department_claim))?,
        };
        Ok((grant, validity))
    }
}

/// Whether a claim is a text, or has it in its list.
fn names(claim: Option<&Value>, wanted: &str) -> bool {
    match claim {
        Some(Value::String(one)) => one == wanted,
        Some(Value::Array(several)) => several.iter().any(|one| one == wanted),
        _ => false,
    }
}

/// Seconds since 1970, perhaps with a fraction (RFC 7519, 2), up to the year 9999.
fn instant(claims: &Map<String, Value>, name: &str) -> Result<Option<Micros>, Refusal> {
    /// 9999-12-31T23:59:59Z.
    const LAST: u64 = 253_402_300_799;
    let Some(claim) = claims.get(name) else {
        return Ok(None);
    };
    let seconds = match (claim.as_u64(), claim.as_f64()) {
        (Some(whole), _) => whole,
        // Cut off to the second: whoever writes fractions means no microseconds.
        (None, Some(fraction)) if fraction >= 0.0 => {
            let whole = format!("{:.0}", fraction.floor());
            whole.parse().map_err(|_| Refusal::Malformed)?
        }
        _ => return Err(Refusal::Malformed),
    };
    let micros = i64::try_from(seconds.min(LAST)).map_err(|_| Refusal::Malformed)?;
    Ok(Some(Micros(micros * Micros::SECOND)))
}

fn tenants(claim: Option<&Value>) -> Result<Vec<TenantId>, Refusal> {
    let tenant = |value: &Value| value.as_str().and_then(TenantId::parse);
    let tenants = match claim {
        Some(Value::Array(several)) => several.iter().map(tenant).collect(),
        Some(one) => tenant(one).map(|one| vec![one]),
        None => None,
    };
    tenants
        .filter(|tenants: &Vec<_>| !tenants.is_empty())
        .ok_or(Refusal::NoTenant)
}

/// The permissions among the words of a list, or of a text with spaces between them. Other words are for other services.
fn permissions(claim: Option<&Value>) -> Result<Permissions, Refusal> {
    let known = |word: &str| word.parse().ok();
    match claim {
        None => Ok(Permissions::NONE),
        Some(Value::String(words)) => Ok(words.split(' ').filter_map(known).collect()),
        Some(Value::Array(words)) => {
            let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
            let words = words.ok_or(Refusal::Malformed)?;
            Ok(words.into_iter().filter_map(known).collect())
        }
        Some(_) => Err(Refusal::Malformed),
    }
}

fn department(claim: Option<&Value>) -> Result<Option<Arc<str>>, Refusal> {
    match claim {
        None => Ok(None),
        Some(Value::String(name)) if is_slug(name, DEPARTMENT_BYTES) => {
            Ok(Some(Arc::from(name.as_str())))
        }
        Some(_) => Err(Refusal::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::auth::Permission;

    fn expected() -> Expected {
        Expected {
            issuer: "https://id.example.com".into(),
            audience: "customer-profile".into(),
            leeway: 0,
            tenant_claim: "tenant".into(),
            permissions_claim: "permissions".into(),
            department_claim: "department".into(),
        }
    }

    fn whole() -> Value {
        json!({
            "iss": "https://id.example.com", "aud": "customer-profile", "sub": "billing", "exp": 1000,
            "tenant": "shop", "permissions": ["read"],
        })
    }

    /// The whole claims with one of them changed, or without it when that is null.
    fn read(name: &str, value: Value) -> Result<(Grant, Validity), Refusal> {
        let mut claims = whole();
        let members = claims.as_object_mut().unwrap();
        members.remove(name);
        if !value.is_null() {
            members.insert(name.to_owned(), value);
        }
        expected().read(claims.to_string().as_bytes())
    }

    fn refused(name: &str, value: &Value, why: Refusal) {
        assert_eq!(
            read(name, value.clone()).unwrap_err(),
            why,
            "{name} {value}"
        );
    }

    #[test]
    fn a_whole_token_gives_what_it_says() {
        let (grant, validity) = read("nothing", Value::Null).unwrap();
        assert_eq!((&*grant.name, grant.department), ("billing", None));
        assert_eq!(grant.tenants, [TenantId::parse("shop").unwrap()]);
        assert_eq!(grant.permissions, Permissions::NONE.with(Permission::Read));
        let second = |n: i64| Micros(n * Micros::SECOND);
        assert_eq!(validity.check(second(999), 0), Ok(()));
        assert_eq!(validity.check(second(1_000), 0), Err(Refusal::Expired));
        assert_eq!(validity.check(second(1_000), 1), Ok(()));
    }

    #[test]
    fn issuer_and_audience_are_compared_as_they_are() {
        for other in [
            Value::Null,
            json!("https://id.example.com/"),
            json!(""),
            json!(["https://id.example.com"]),
        ] {
            refused("iss", &other, Refusal::Issuer);
        }
        assert!(read("aud", json!(["other", "customer-profile"])).is_ok());
        for other in [
            Value::Null,
            json!([]),
            json!("Customer-Profile"),
            json!({"customer-profile": 1}),
            json!([["customer-profile"]]),
        ] {
            refused("aud", &other, Refusal::Audience);
        }
    }

    #[test]
    fn times_are_numbers_and_the_end_must_be_there() {
        for claim in ["exp", "nbf", "iat"] {
            for bad in [json!("1000"), json!(-1), json!([1000]), json!(true)] {
                refused(claim, &bad, Refusal::Malformed);
            }
        }
        refused("exp", &Value::Null, Refusal::Malformed);
        let now = Micros(500 * Micros::SECOND);
        for claim in ["nbf", "iat"] {
            let (_, later) = read(claim, json!(501)).unwrap();
            assert_eq!(later.check(now, 0), Err(Refusal::NotYetValid));
            assert_eq!(later.check(now, Micros::SECOND), Ok(()));
            let (_, earlier) = read(claim, json!(500.9)).unwrap();
            assert_eq!(earlier.check(now, 0), Ok(()));
        }
        for far in [json!(u64::MAX), json!(1e18)] {
            let (_, validity) = read("exp", far).unwrap();
            assert_eq!(validity.check(now, 300 * Micros::SECOND), Ok(()));
        }
    }

    #[test]
    fn tenants_are_one_or_several_and_all_of_them_slugs() {
        let (grant, _) = read("tenant", json!(["shop", "spa"])).unwrap();
        assert_eq!(grant.tenants.len(), 2);
        for bad in [
            Value::Null,
            json!(""),
            json!([]),
            json!("Shop"),
            json!(["shop", "Spa"]),
            json!(["shop", 1]),
            json!({"shop": true}),
        ] {
            refused("tenant", &bad, Refusal::NoTenant);
        }
    }

    #[test]
    fn words_that_are_no_permission_are_for_somebody_else() {
        let wanted = Permissions::NONE
            .with(Permission::Read)
            .with(Permission::ReadText);
        for said in [
            json!(["read", "read_text", "orders:write"]),
            json!("openid read read_text  READ_IDENTIFIERS"),
        ] {
            assert_eq!(read("permissions", said).unwrap().0.permissions, wanted);
        }
        for none in [Value::Null, json!([]), json!(""), json!("read,record")] {
            let (grant, _) = read("permissions", none).unwrap();
            assert_eq!(grant.permissions, Permissions::NONE);
        }
        for bad in [json!(7), json!(["read", 7]), json!({"read": true})] {
            refused("permissions", &bad, Refusal::Malformed);
        }
    }

    #[test]
    fn names_and_departments_have_their_form() {
        for bad in [Value::Null, json!(""), json!("タロウ"), json!(7)] {
            refused("sub", &bad, Refusal::Malformed);
        }
        let (grant, _) = read("department", json!("billing")).unwrap();
        assert_eq!(grant.department.as_deref(), Some("billing"));
        for bad in [json!(""), json!("Billing"), json!(["billing"])] {
            refused("department", &bad, Refusal::Malformed);
        }
    }
}
