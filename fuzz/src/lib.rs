//! What the targets share: a small world in which nothing is left to chance, so that a crash is the same on every run.

use std::{fs, path::PathBuf, process, sync::LazyLock};

use customer_profile::{
    cli::import::{
        mapping::Layout,
        table::{BadRow, Input, Row, Table, TableError},
    },
    clock::Micros,
    error::Violation,
    grpc::{
        reasons,
        validate::{Context, limits, reason},
    },
    identity::{HashSecret, Region, Rules},
    ids::TenantId,
};

/// Stands in seeds and dictionaries where a person's words would; nothing that is told about a message may hold it.
pub const CANARY: &str = "CANARY";

/// The server's time, 2026-01-01T00:00:00Z.
pub const NOW: Micros = Micros(1_767_225_600 * Micros::SECOND);

/// The store's secret.
pub static SECRET: LazyLock<HashSecret> =
    LazyLock::new(|| HashSecret::new(&[7; 64]).expect("64 bytes are enough"));

/// The caller's tenant.
pub static TENANT: LazyLock<TenantId> = LazyLock::new(|| tenant("shop"));

/// The rules of identity resolution.
pub static RULES: LazyLock<Rules> = LazyLock::new(Rules::default);

/// A tenant of this name.
#[must_use]
pub fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).expect("a slug")
}

/// What checks know besides the request.
#[must_use]
pub fn context(region: Region) -> Context<'static> {
    Context {
        tenant: &TENANT,
        region,
        now: NOW,
        secret: &SECRET,
        rules: &RULES,
    }
}

/// A result whose violations are sound; those themselves are passed over.
pub fn sound<T>(checked: Result<T, Vec<Violation>>) -> Option<T> {
    let found = match checked {
        Ok(value) => return Some(value),
        Err(found) => found,
    };
    assert!(!found.is_empty(), "refused without a word");
    assert!(found.len() <= limits::MAX_VIOLATIONS);
    for violation in &found {
        let Violation {
            field,
            reason,
            description,
        } = violation;
        assert!(reasons::is_known(reason), "{reason} is no reason");
        // Only what is wrong with the whole has no path.
        assert!(
            !field.is_empty() || *reason == reason::TOO_LARGE,
            "{reason} of nothing"
        );
        let printable = field.bytes().all(|b| b.is_ascii_graphic());
        assert!(printable && field.len() <= 512, "{field:?} is no path");
        assert!(!description.is_empty() && !description.contains(CANARY));
    }
    None
}

/// Reads bytes as an export, row by row.
pub fn rows(
    bytes: &[u8],
    layout: &Layout,
    columns: &[String],
    mut each: impl FnMut(Result<Row, BadRow>),
) -> Result<(), TableError> {
    let file = &*FILE;
    fs::write(file, bytes).expect("a file can be written");
    let mut table = Table::open(&Input::File(file.clone()), layout, columns)?;
    while let Some(row) = table.next_row()? {
        each(row);
    }
    Ok(())
}

/// Where exports lie: tables are read from files.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let name = format!("customer-profile-fuzz-{}", process::id());
    std::env::temp_dir().join(name)
});
