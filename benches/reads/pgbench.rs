//! The other side of a cold read: `pgbench` with the very statements that the service runs, prepared.
//!
//! A transaction of the script reads 32 people by chance, one statement after the other. Their keys come from one statement at
//! its beginning, which is one of 97 and makes `pgbench` that much slower. The service asks for rows in binary, `pgbench` as
//! text.

use std::{fmt::Write as _, process::Command, time::Duration};

use customer_profile::storage::STATEMENTS;
use sqlx::{Executor as _, Row as _};

use crate::stage::Stage;

/// People in a transaction of the script.
const TOGETHER: usize = 32;
const CLIENTS: usize = 8;

/// What a look-up by an identifier runs, with whose keys.
const READ: [(&str, &str); 3] = [
    ("identities.profiles_of", "looked_up"),
    ("profiles.documents", "profile"),
    ("identities.cards", "members"),
];

const SAMPLE: &str = "
CREATE UNLOGGED TABLE bench_sample AS
SELECT
    row_number() OVER (ORDER BY random()) - 1 AS n,
    format('{%s}', min(identity_key::text) FILTER (WHERE namespace = 'customer_id')) AS looked_up,
    format('{%s}', profile_id) AS profile,
    array_agg(identity_key)::text AS members
FROM identities
WHERE tenant = 'default' AND present
GROUP BY profile_id";

/// `pgbench`, ready to run.
pub(crate) struct Pgbench {
    blocks: i64,
}

impl Pgbench {
    pub(crate) async fn set_up(stage: &Stage) -> Self {
        let mut connection = stage.connect("service").await;
        connection.execute(SAMPLE).await.unwrap();
        let rest = "CREATE UNIQUE INDEX ON bench_sample (n); VACUUM ANALYZE bench_sample";
        for statement in rest.split(';') {
            connection.execute(statement).await.unwrap();
        }
        let count = connection.fetch_one("SELECT count(*) FROM bench_sample");
        let people: i64 = count.await.unwrap().get(0);
        let blocks = people / i64::try_from(TOGETHER).unwrap();
        std::fs::write(stage.scratch.join("cold.sql"), script(blocks)).unwrap();
        Self { blocks }
    }

    /// People read a second.
    pub(crate) fn run(&self, stage: &Stage, limit: Duration) -> f64 {
        let (clients, seconds) = (CLIENTS.to_string(), limit.as_secs().max(1).to_string());
        let out = Command::new("pgbench")
            .args(["--protocol", "prepared", "--no-vacuum"])
            .args(["--jobs", "2", "--client", &clients, "--time", &seconds])
            .args(["--define", "tenant=default", "--username", "postgres"])
            .arg("--host")
            .arg(&stage.socket)
            .arg("--file")
            .arg(stage.scratch.join("cold.sql"))
            .arg("service")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stdout);
        let rate = said.lines().find_map(|line| {
            let rest = line.strip_prefix("tps = ")?;
            rest.split_once(' ')?.0.parse::<f64>().ok()
        });
        let error = String::from_utf8_lossy(&out.stderr);
        assert!(rate.is_some() && self.blocks > 0, "{said}\n{error}");
        rate.unwrap() * f64::from(u32::try_from(TOGETHER).unwrap())
    }
}

fn statement(name: &str) -> &'static str {
    let mut all = STATEMENTS.iter().flat_map(|file| file.iter());
    all.find(|(known, _)| *known == name).unwrap().1.trim()
}

fn script(blocks: i64) -> String {
    let mut keys = Vec::new();
    let mut reads = String::new();
    for n in 0..TOGETHER {
        for (name, of) in READ {
            keys.push(format!(
                "    max({of}) FILTER (WHERE n % {TOGETHER} = {n}) AS {of}_{n}"
            ));
            let text = statement(name)
                .replace("$1", ":tenant")
                .replace("$2", &format!(":{of}_{n}"));
            // A cast with two colons is no variable, since a colon stands before it.
            writeln!(reads, "{text};").unwrap();
        }
    }
    format!(
        "\\set first random(0, {blocks} - 1) * {TOGETHER}\nSELECT\n{}\nFROM bench_sample\nWHERE n >= :first AND n < :first + {TOGETHER} \\gset\n{reads}",
        keys.join(",\n")
    )
}

/// How often rows of profiles were looked for by their ids, of all that anybody did so far.
pub(crate) async fn looked_for(stage: &Stage) -> i64 {
    let mut connection = stage.connect("service").await;
    let statement = "
SELECT coalesce(sum(idx_scan), 0)::bigint
FROM pg_stat_user_indexes
WHERE relname = 'profiles' AND indexrelname = 'profiles_pkey'";
    let row = connection.fetch_one(statement).await.unwrap();
    row.get(0)
}
