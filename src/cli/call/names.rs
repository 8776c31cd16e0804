//! Finding what a name means: whole, or as much of its end as tells it apart.

use prost_reflect::{DescriptorPool, MethodDescriptor};

use super::{Failure, text::visible};

/// Names that are offered for one that is unknown.
const OFFERED: usize = 3;

/// `package.Service/Method`.
pub(super) fn of_method(method: &MethodDescriptor) -> String {
    format!("{}/{}", method.parent_service().full_name(), method.name())
}

/// All methods of all services.
pub(super) fn methods(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    let services = pool.services();
    services
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect()
}

/// The method of a name.
pub(super) fn method(pool: &DescriptorPool, name: &str) -> Result<MethodDescriptor, Failure> {
    let mut methods = methods(pool);
    let names: Vec<String> = methods.iter().map(of_method).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let at = find("method", &names, name)?;
    Ok(methods.swap_remove(at))
}

/// Where a name stands among all names of a kind of thing.
///
/// # Errors
/// When it is none of them or could be several; similar ones are named.
pub(super) fn find(kind: &str, names: &[&str], wanted: &str) -> Result<usize, Failure> {
    let dotted = |name: &str| name.trim_start_matches('/').replace('/', ".");
    let end = dotted(wanted);
    let whole: Vec<String> = names.iter().map(|name| dotted(name)).collect();
    if let Some(at) = whole.iter().position(|name| *name == end) {
        return Ok(at);
    }
    let suffix = format!(".{end}");
    let matching: Vec<usize> = (0..names.len())
        .filter(|n| !end.is_empty() && whole[*n].ends_with(&suffix))
        .collect();
    let listed = |found: &[usize]| {
        let lines = found.iter().map(|n| format!("\n  {}", visible(names[*n])));
        lines.collect::<String>()
    };
    let shown = visible(wanted);
    match matching.as_slice() {
        [only] => Ok(*only),
        [] => {
            let near = near(&whole, &end);
            let text = if near.is_empty() {
                "; call --list names all".to_owned()
            } else {
                format!("; did you mean{}", listed(&near))
            };
            Err(Failure::Call(format!("there is no {kind} {shown}{text}")))
        }
        many => {
            let text = format!("{shown} could be more than one {kind}{}", listed(many));
            Err(Failure::Call(text))
        }
    }
}

/// The names that are most like another one, best first.
fn near(names: &[String], wanted: &str) -> Vec<usize> {
    let parts = wanted.split('.').count();
    let wanted = wanted.to_lowercase();
    let mut found: Vec<(usize, usize)> = names
        .iter()
        .enumerate()
        .filter_map(|(n, name)| {
            // As many words of its end as were given.
            let words: Vec<&str> = name.split('.').collect();
            let end = words[words.len().saturating_sub(parts)..]
                .join(".")
                .to_lowercase();
            let within = wanted.len() > 2 && end.contains(&wanted);
            let distance = if within { 1 } else { distance(&end, &wanted) };
            let most = wanted.chars().count() / 3 + 1;
            (distance <= most).then_some((distance, n))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().take(OFFERED).map(|(_, n)| n).collect()
}

/// How many letters have to be put in, left out or changed to make one of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(256).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(256).enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let changed = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = changed.min(corner + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = [
        "a.v1.ProfileService/GetProfile",
        "a.v1.ProfileService/BatchGetProfiles",
        "b.v1.Health/Check",
        "c.v1.Health/Check",
    ];

    fn found(wanted: &str) -> Result<usize, String> {
        find("method", &NAMES, wanted).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_name_may_be_as_short_as_it_is_clear() {
        for wanted in [
            "a.v1.ProfileService/GetProfile",
            "/a.v1.ProfileService/GetProfile",
            "a.v1.ProfileService.GetProfile",
            "ProfileService/GetProfile",
            "GetProfile",
        ] {
            assert_eq!(found(wanted), Ok(0), "{wanted}");
        }
        let said = found("Health/Check").unwrap_err();
        assert!(
            said.contains("b.v1.Health/Check") && said.contains("c.v1.Health/Check"),
            "{said}"
        );
    }

    #[test]
    fn an_unknown_name_is_told_its_like() {
        for wanted in [
            "GetProfil",
            "getprofile",
            "GetProfiel",
            "ProfileService/Getprofile",
        ] {
            let said = found(wanted).unwrap_err();
            assert!(
                said.contains("did you mean\n  a.v1.ProfileService/GetProfile"),
                "{said}"
            );
        }
        assert!(found("BatchGet").unwrap_err().contains("BatchGetProfiles"));
        assert!(found("Nonsense").unwrap_err().contains("--list"));
        assert!(found("").unwrap_err().contains("--list"));
        assert!(!found("x\u{1b}y").unwrap_err().contains('\u{1b}'));
    }

    #[test]
    fn distances_count_letters() {
        for (a, b, letters) in [
            ("", "", 0),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("a", "b", 1),
        ] {
            assert_eq!(distance(a, b), letters);
            assert_eq!(distance(b, a), letters);
        }
    }
}
